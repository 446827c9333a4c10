# SPDX-License-Identifier: GPL-2.0-or-later
"""Our device (tests/device) at the other end of a vhost-user socket.

It judges the driver: whatever it counts as a violation of the specification fails
the case, in User-Mode Linux and in QEMU alike.
"""
import json
import os
import socket
import subprocess

import kernels
import procs
from guest import GuestError

PROGRAM = os.path.join(kernels.TOP, 'build', 'device', 'vscsi-device')


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


class Device:
    def __init__(self, path):
        """path: of the socket for the front end; the control socket lies beside it."""
        self.path = path
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
        self._process = procs.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = self._process.stdout.readline().decode()
        if said.strip() != 'ready':
            raise GuestError(f'the device did not start: {said.strip()}')
        self._control = socket.socket(socket.AF_UNIX)
        self._control.settimeout(20)
        self._control.connect(f'{self.path}-control')

    def tell(self, line):
        """One line to the control socket; its answer without the `ok`."""
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

    def forget_violations(self):
        self.tell('reset-stats')

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
