# SPDX-License-Identifier: GPL-2.0-or-later
"""Children and temporary directories, none of which may outlive the run.

Every process is started through start(): it leads a process group of its own and
asks the kernel for SIGKILL should the runner die, so even `kill -9` of the runner
leaves nothing behind.  cleanup() runs at exit and on SIGINT, SIGTERM and SIGHUP.
"""
import atexit
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_lock = threading.Lock()
_children = set()
_dirs = set()


def start(argv, **kwargs):
    """Popen in a process group of its own, tracked until stop()."""
    parent = os.getpid()

    def die_with_parent():
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    kwargs.setdefault('stdin', subprocess.DEVNULL)
    child = subprocess.Popen(argv, start_new_session=True,
                             preexec_fn=die_with_parent, **kwargs)
    with _lock:
        _children.add(child)
    return child


def stop(child):
    """Kill the child's whole group and reap it; harmless when it is gone already."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()
    with _lock:
        _children.discard(child)


def tempdir(prefix='vscsi-'):
    path = tempfile.mkdtemp(prefix=prefix)
    with _lock:
        _dirs.add(path)
    return path


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
    with _lock:
        _dirs.discard(path)


def cleanup():
    for child in list(_children):
        stop(child)
    for path in list(_dirs):
        remove(path)


def _on_signal(number, _frame):
    # Further signals would only interrupt the clean-up.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    print(f'# stopped by {signal.Signals(number).name}', flush=True)
    cleanup()
    sys.stdout.flush()
    os._exit(128 + number)


def install():
    """Arrange that nothing is left behind however the run ends."""
    atexit.register(cleanup)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
