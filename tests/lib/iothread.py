# SPDX-License-Identifier: GPL-2.0-or-later
"""An I/O thread of QEMU that stands still, as it does while storage of another disk blocks it.

ptrace(2) stops one thread of a process. Only the thread that has asked may let it go on.
"""
import ctypes
import os
import threading

from guest import GuestError

_libc = ctypes.CDLL(None, use_errno=True)
_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000  # waits for any thread


def _ptrace(request, tid):
    if _libc.ptrace(request, tid, None, None):
        raise OSError(ctypes.get_errno(), f'ptrace: {os.strerror(ctypes.get_errno())}')


class StoppedThread:
    """Of a QEMU; it goes on after so many seconds."""
    def __init__(self, tid, seconds):
        self._tid, self._seconds = tid, seconds
        self._stopped, self._over = threading.Event(), threading.Event()
        self._error = ''
        self._tracer = threading.Thread(target=self._trace, daemon=True)
        self._tracer.start()
        if not self._stopped.wait(10):
            self._over.set()
            raise GuestError('the thread does not stop')
        if self._error:
            raise GuestError(self._error)

    def _trace(self):
        try:
            _ptrace(_SEIZE, self._tid)
            _ptrace(_INTERRUPT, self._tid)
            os.waitpid(self._tid, _WALL)
            self._stopped.set()
            self._over.wait(self._seconds)
            _ptrace(_DETACH, self._tid)
        except OSError as error:
            # After the start: QEMU is gone.
            self._error = str(error)
            self._stopped.set()

    def go(self):
        self._over.set()
        self._tracer.join()
