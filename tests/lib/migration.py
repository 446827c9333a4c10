# SPDX-License-Identifier: GPL-2.0-or-later
"""Live migration: a guest moves from one QEMU to another on this host, while it runs.

The second is started with the arguments of the first, but for its sockets, and with the
same image files: a QEMU that waits for a guest to come in has them open but not in use.
The channel moves, too.  The guest is quiet on it meanwhile, for it waits for an answer;
what it had said before is taken along.

A guest can also go into a file.
"""
import os
import select
import time

from guest import GuestError
from qmp import QmpError

_PATIENCE_S = 120


def _finish(qmp):
    """Wait until the guest has left; QEMU's account of it."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        info = qmp.command({'execute': 'query-migrate'})
        status = info.get('status')
        if status == 'completed':
            return info
        if status in ('failed', 'cancelled'):
            raise GuestError(f"migration {status}: {info.get('error-desc', 'no reason given')}")
        time.sleep(0.05)
    raise GuestError(f'migration not completed in {_PATIENCE_S} s, status {status}')


def drain(channel):
    """What has arrived on a channel that nobody will write to any more."""
    data = b''
    while select.select([channel], [], [], 0)[0]:
        more = channel.recv(65536)
        if not more:
            break
        data += more
    return data


def save(source, path):
    """Stop the guest and write it into a file."""
    try:
        source.command({'execute': 'stop'})
        _leave(source, f'exec:cat >{path}.part && mv {path}.part {path}')
    except QmpError as error:
        raise GuestError(f'the guest was not saved: {error}') from error
    _wait_until(lambda: os.path.exists(path), 'the guest is not in its file')


def resume(target):
    """Let a guest run that has come in from a file."""
    _wait_until(lambda: target.command({'execute': 'query-status'})['status'] != 'inmigrate', 'the guest did not come in')
    target.command({'execute': 'cont'})


def _wait_until(is_so, what):
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise GuestError(what)
        time.sleep(0.02)


def _leave(source, uri):
    source.command({'execute': 'migrate-set-parameters',
                    'arguments': {'max-bandwidth': 4 << 30, 'downtime-limit': 2000}})
    source.command({'execute': 'migrate', 'arguments': {'uri': uri}})
    return _finish(source)


def migrate(source, port):
    """From the QEMU at the other end of the QMP connection to the one that waits at port."""
    info = _leave(source, f'unix:{port}')
    return f"{info['total-time']} ms, down for {info['downtime']} ms, {info['ram']['transferred'] >> 20} MiB"
