# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that the host drives command by command, and whose instructions it can count.

The guest runs tests/guest/bench: it asks for a step, runs it, and asks again.  While it
waits for the answer nothing runs in it, so that is when counters are read.

A guest in virtual time has a clock that counts instructions: 2 ns for each, and an idle
guest goes straight on to its next timer.  How busy the host is does not show.  Between
steps it is stopped, or its clock would run as fast as the host can turn it.
"""
import base64
import collections
import os
import socket
import struct
import time

from guest import GuestError
from qemu import Qemu

_RECORD = struct.Struct('QQQ')
_HELD = struct.Struct('QQQQ')
_VIRTUAL_TSC_KHZ = 1_000_000
# A plugin that counts, on a busy machine: only a guest that hangs takes this long.
_PATIENCE_S = 600


class Machine(Qemu):
    boot_timeout = _PATIENCE_S

    def __init__(self, kernel, case, devices=(), plugin=None, is_virtual=False):
        super().__init__(kernel, case)
        self._is_virtual = is_virtual
        self._devices = devices
        self._plugin = plugin
        self._socket = os.path.join(self.dir, 'insn')

    def arguments(self, accel):
        # Figures of KVM and of TCG do not compare, and only TCG can count.
        arguments = super().arguments('tcg') + list(self._devices)
        if self._is_virtual:
            arguments += ['-icount', 'shift=1,sleep=off']
            arguments[arguments.index('-append') + 1] += f' nokaslr tsc_early_khz={_VIRTUAL_TSC_KHZ}'
        if self._plugin:
            arguments += ['-plugin', f'file={self._plugin},socket={self._socket},cpus={self.case.cpus}']
        return arguments

    def begin(self):
        """Boot, up to where the guest asks for its first step."""
        self.boot()
        self.before_case(self.case)
        self._send(f'run {self.case.name} 1 {self.case.timeout}')
        self._await_step(time.monotonic() + _PATIENCE_S)

    def _await_step(self, deadline):
        while True:
            word, _, rest = self._line(deadline).partition(' ')
            if word == 'host':
                _, status, encoded = (rest + ' ').split(' ')[:3]
                if self._is_virtual:
                    self.qmp.command({'execute': 'stop'})
                return int(status), base64.b64decode(encoded).decode('utf-8', 'replace')
            if word == 'done':
                raise GuestError('the guest has left the benchmark')

    def sh(self, command, timeout=_PATIENCE_S, check=True):
        """What the command printed; it must succeed."""
        encoded = base64.b64encode(command.encode()).decode()
        if self._is_virtual:
            self.qmp.command({'execute': 'cont'})
        self._send(f'reply 0 {encoded}')
        status, text = self._await_step(time.monotonic() + timeout)
        if status and check:
            raise GuestError(f'status {status}: {command}\n{text[-2000:]}')
        return text

    # -- counters -------------------------------------------------------------
    def _ask(self, line):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._socket)
            connection.sendall(line.encode() + b'\n')
            answer = b''
            while data := connection.recv(1 << 20):
                answer += data
            return answer

    def counts(self):
        """Instructions and runs of each block so far: two Counters by address."""
        insns, runs = collections.Counter(), collections.Counter()
        for address, nr_insns, nr_runs in _RECORD.iter_unpack(self._ask('counts')):
            insns[address] += nr_insns * nr_runs
            runs[address] += nr_runs
        return insns, runs

    def watch_lock(self, start, end, take, release):
        self._ask(f'lock {start:x} {end:x} {take:x} {release:x}')

    def held(self):
        """For each place that took the lock: its address, how often, instructions in all and at most."""
        return [held for held in _HELD.iter_unpack(self._ask('held')) if held[1]]

    def traced(self, event):
        """How often QEMU has traced the event so far."""
        with open(self.trace_file, 'rb') as file:
            return file.read().count(event.encode() + b' ')
