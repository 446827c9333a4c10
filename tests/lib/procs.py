# SPDX-License-Identifier: GPL-2.0-or-later
"""Children and temporary directories, none of which may outlive the run.

Every process is started through start(): it leads a process group of its own and
asks the kernel for SIGKILL should the runner die, so even `kill -9` of the runner
leaves no process behind; its directories carry its process id and are removed by the
next run.  cleanup() runs at exit and on SIGINT, SIGTERM and SIGHUP.
"""
import atexit
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import threading

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_lock = threading.Lock()
_children = set()
_dirs = set()
_PREFIX = 'vscsi-'

# Set when a signal has ended the run: what then goes wrong is no result.
stopping = False


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


def tempdir():
    path = tempfile.mkdtemp(prefix=f'{_PREFIX}{os.getpid()}-')
    with _lock:
        _dirs.add(path)
    return path


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
    with _lock:
        _dirs.discard(path)


def _remove_orphans():
    """Directories of runs that were killed before they could clean up."""
    for name in os.listdir(tempfile.gettempdir()):
        owner = name.removeprefix(_PREFIX).split('-')[0]
        if name.startswith(_PREFIX) and owner.isdigit() and not os.path.exists(f'/proc/{owner}'):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)


def cleanup():
    for child in list(_children):
        stop(child)
    for path in list(_dirs):
        remove(path)


def _on_signal(number, _frame):
    global stopping
    stopping = True
    # Further signals would only interrupt the clean-up.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    try:
        print(f'# stopped by {signal.Signals(number).name}', flush=True)
    except OSError:
        pass  # whoever read it has been ended, too
    cleanup()
    os._exit(128 + number)


def install():
    """Arrange that nothing is left behind however the run ends."""
    _remove_orphans()
    atexit.register(cleanup)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
