# SPDX-License-Identifier: GPL-2.0-or-later
"""Storage of a QEMU guest that can hang: each server is a process, and SIGSTOP stops it.

`lun: nbd-disk` is a disk with a qemu-nbd of its own; the LUNs iscsi-* share a tgtd.
The host continues them by itself, for a guest that hangs with its storage cannot ask.
"""
import os
import signal
import threading
import time

import kernels
import procs
from guest import GuestError


class Storage:
    def __init__(self):
        self._servers = []
        self._exports = []
        self._timer = None

    def export(self, image):
        """Serve the file by NBD; the path of the socket."""
        path = f'{image}-nbd'
        server = procs.start([kernels.program('qemu-nbd'), '-k', path, '-f', 'raw', '-t', image])
        self._exports.append(server)
        self.add(server)
        deadline = time.monotonic() + 20
        while not os.path.exists(path):
            if server.poll() is not None or time.monotonic() > deadline:
                raise GuestError('qemu-nbd did not start')
            time.sleep(0.02)
        return path

    def add(self, server):
        self._servers.append(server)

    def _signal(self, number):
        for server in self._servers:
            if server.poll() is None:
                os.kill(server.pid, number)

    def hang(self, seconds):
        """All of it, for so long."""
        if not self._servers:
            raise GuestError('this guest has no storage that can hang')
        self.go()
        self._signal(signal.SIGSTOP)
        self._timer = threading.Timer(seconds, self._signal, [signal.SIGCONT])
        self._timer.start()

    def go(self):
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._signal(signal.SIGCONT)

    def fail(self):
        """The servers die."""
        self._signal(signal.SIGKILL)

    def close(self):
        self.go()
        for server in self._exports:
            procs.stop(server)
