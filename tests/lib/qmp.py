# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's machine protocol: commands, their answers, and events.

A thread reads the socket, since events come at any time; commands are issued from
one thread at a time.
"""
import json
import queue
import socket
import threading
import time


class QmpError(Exception):
    pass


def connect(path, timeout):
    """A socket to where QEMU will listen."""
    deadline = time.monotonic() + timeout
    while True:
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.connect(path)
            return connected
        except OSError:
            connected.close()
            if time.monotonic() > deadline:
                raise QmpError(f'no QMP socket after {timeout} s') from None
            time.sleep(0.02)


class Qmp:
    def __init__(self, connected):
        self._socket = connected
        self._answers = queue.Queue()
        self._arrived = threading.Condition()
        self._events = []
        self._reactions = {}
        self._send_lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()
        self._answer('with its greeting')
        self.command({'execute': 'qmp_capabilities'})

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _read(self):
        try:
            for line in self._socket.makefile('r', encoding='utf-8'):
                self._handle(json.loads(line))
        except (OSError, ValueError):
            pass
        self._answers.put({'error': {'desc': 'QEMU closed the QMP connection'}})

    def _handle(self, message):
        if 'event' in message:
            with self._arrived:
                self._events.append(message)
                self._arrived.notify_all()
            for command in self._reactions.pop(message['event'], []):
                self._send(dict(command, id='reaction'))
        elif 'QMP' in message:
            self._answers.put({'return': message})
        elif message.get('id') != 'reaction' and ('return' in message or 'error' in message):
            self._answers.put(message)

    def _send(self, command):
        with self._send_lock:
            self._socket.sendall(json.dumps(command).encode() + b'\n')

    def command(self, command, timeout=60):
        """The command's return value; QmpError with QEMU's words otherwise."""
        self._send(command)
        return self._answer(command.get('execute'), timeout)

    def _answer(self, what, timeout=60):
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise QmpError(f'QEMU did not answer {what} in {timeout} s') from None
        if 'error' in answer:
            raise QmpError(answer['error'].get('desc', str(answer['error'])))
        return answer['return']

    def monitor(self, line):
        return self.command({'execute': 'human-monitor-command', 'arguments': {'command-line': line}})

    def react(self, event, commands):
        """Send the commands when the next such event comes."""
        self._reactions.setdefault(event, []).extend(commands)

    def forget_events(self):
        with self._arrived:
            self._events.clear()
        self._reactions.clear()

    def wait_event(self, name, timeout):
        """The first unread event of that name; QmpError when none comes in time."""
        with self._arrived:
            def take():
                for event in self._events:
                    if event['event'] == name:
                        self._events.remove(event)
                        return event
                return None
            event = self._arrived.wait_for(take, timeout)
        if event is None:
            raise QmpError(f'no {name} event in {timeout} s')
        return event
