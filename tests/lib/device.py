# SPDX-License-Identifier: GPL-2.0-or-later
"""Our device (tests/device) at the other end of a vhost-user socket.

It judges the driver: whatever it counts as a violation of the specification fails
the case, in User-Mode Linux and in QEMU alike.
"""
import json
import os
import re
import socket
import subprocess

import kernels
import procs
import schedule
from guest import GuestError

SCENARIOS = os.path.join(kernels.TESTS, 'device', 'scenarios')
HOSTS = os.path.join(kernels.TESTS, 'device', 'hosts')
PROGRAM = os.path.join(kernels.TOP, 'build', 'device', 'vscsi-device')

# After these the driver may have to do without an interrupt, or ring a doorbell again.
_MISBEHAVIOUR = re.compile(r'(in \d+ )?(fault (?!off)|mutate (?!off)|stop|freeze|disconnect|away|scenario|hold|set .*mute=)')


def _lun_option(kind, props):
    """The --lun argument for one expanded `lun:` line of a case's header."""
    props = dict(props)
    props.pop('hba', None)
    place = f"{props.pop('target', '0')}:{props.pop('lun', '0')}"
    options = [f"type={'cdrom' if kind == 'cd' else kind}"]
    if 'empty' not in props:
        options += ['mem', f"size={props.pop('size', '64M')}"]
    options += [key if value == 'on' else f'{key}={value}' for key, value in props.items()]
    return f"{place}:{','.join(options)}"


def expectation(name):
    """What is to come of a scenario's I/O: the words behind `# expect:`."""
    with open(os.path.join(SCENARIOS, name), encoding='ascii') as file:
        return re.search(r'^# expect: (.+)$', file.read(), re.M).group(1)


class Device:
    def __init__(self, path):
        """path: of the socket for the front end; the control socket lies beside it."""
        self.path = path
        self.scenarios = os.listdir(SCENARIOS)  # those that a case is to see
        self.misbehaves = False  # since forget(): has a fault been asked for?
        self._process = None
        self._control = None

    def start(self, luns, arguments):
        """luns: (kind, properties) as luns.expand() has them."""
        if not os.path.exists(PROGRAM):
            raise kernels.Missing('build/device/vscsi-device (make -C tests/device)')
        command = [PROGRAM, '--socket', self.path, '--control', f'{self.path}-control']
        for kind, props in luns:
            command += ['--lun', _lun_option(kind, props)]
        for extra in arguments:
            command += extra.split()
        with open(f'{self.path}-said', 'wb') as errors:
            self._process = procs.start(command, stdout=subprocess.PIPE, stderr=errors)
        if self._process.stdout.readline() != b'ready\n':
            raise GuestError(f'the device did not start: {self.said()}')
        self._control = socket.socket(socket.AF_UNIX)
        self._control.settimeout(60)
        self._control.connect(f'{self.path}-control')

    def said(self):
        with open(f'{self.path}-said', encoding='utf-8', errors='replace') as file:
            return file.read().strip()

    def tell(self, line):
        """One line to the control socket; its answer without the `ok`."""
        self.misbehaves |= bool(_MISBEHAVIOUR.match(line))
        self._control.sendall(line.encode() + b'\n')
        answer = b''
        while not answer.endswith(b'\n'):
            data = self._control.recv(65536)
            if not data:
                raise GuestError('the device closed its control socket')
            answer += data
        word, _, rest = answer.decode().strip().partition(' ')
        if word != 'ok':
            raise GuestError(f'the device answers: {answer.decode().strip()}')
        return rest

    def scenario(self, name):
        """Misbehave as the file of that name says; without one: their names and what to expect,
        those last after which there is no device."""
        if name:
            return self.tell(f'scenario {os.path.join(SCENARIOS, os.path.basename(name))}')
        known = sorted((expectation(name) == 'gone', name) for name in self.scenarios)
        return '\n'.join(f'{name} {expectation(name)}' for _, name in known)

    def like(self, name):
        """Be as the host of that name from now on. Limits of its own explain no lost interrupt."""
        path = os.path.join(HOSTS, name)
        with open(path, encoding='ascii') as file:
            misbehaves = self.misbehaves or any(_MISBEHAVIOUR.match(line) for line in file)
        answer = self.tell(f'scenario {path}')
        self.misbehaves = misbehaves
        return answer

    def schedule(self, seed):
        """Misbehave at random; the answer says how."""
        chosen = schedule.lines(int(seed))
        for line in chosen:
            self.tell(line)
        return '; '.join(chosen)

    def forget(self):
        """Begin anew, for another case."""
        self.tell('reset-stats')
        self.tell('reset-violations')
        self.tell('forgive')
        self.misbehaves = False

    def violations(self):
        return [f'the driver broke a rule: {text}' for text in json.loads(self.tell('violations'))]

    def close(self):
        if self._control:
            self._control.close()
            self._control = None
        if self._process:
            procs.stop(self._process)
            self._process.stdout.close()
            self._process = None
