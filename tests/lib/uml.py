# SPDX-License-Identifier: GPL-2.0-or-later
"""User-Mode Linux guests: the kernel is a process, our device (tests/device) its HBA.

The root is the host's file system, read-only; the channel is one end of a socket pair
which the guest sees as a serial line.  The device judges the driver: whatever it counts
as a violation of the specification fails the case.
"""
import json
import os
import socket
import subprocess

import kernels
import procs
from guest import Guest, GuestError
from luns import expand

DEVICE = os.path.join(kernels.TOP, 'build', 'device', 'vscsi-device')


class Uml(Guest):
    def __init__(self, kernel, case):
        super().__init__(kernel, case)
        self.device = None
        self.control = None

    def _start_device(self):
        if not os.path.exists(DEVICE):
            raise kernels.Missing('build/device/vscsi-device (make -C tests/device)')
        arguments = []
        for line in self.case.lun:
            for kind, props in expand(line):
                props = dict(props)
                place = f"{props.pop('target', '0')}:{props.pop('lun', '0')}"
                options = [f"type={'cdrom' if kind == 'cd' else 'disk'}"]
                if 'empty' not in props:
                    options += ['mem', f"size={props.pop('size', '64M')}"]
                options += [key if value == 'on' else f'{key}={value}' for key, value in props.items()]
                arguments += ['--lun', f"{place}:{','.join(options)}"]
        for extra in self.case.device:
            arguments += extra.split()
        self.device = procs.start(
            [DEVICE, '--socket', f'{self.dir}/device', '--control', f'{self.dir}/control', *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = self.device.stdout.readline().decode()
        if said.strip() != 'ready':
            raise GuestError(f'the device did not start: {said.strip()}')
        self.control = socket.socket(socket.AF_UNIX)
        self.control.settimeout(20)
        self.control.connect(f'{self.dir}/control')

    def start(self):
        if self.case.hba != ('virtio-scsi-pci',) or self.case.qemu or self.case.machine != 'q35':
            raise GuestError("this case's header has lines that only QEMU understands")
        self._start_device()
        with open(os.path.join(self.dir, 'env'), 'w', encoding='ascii') as file:
            file.write(self.kernel.environment(kernels.TESTS, self.kernel.modroot))
        self.channel, inner = socket.socketpair()
        with open(self.console, 'wb') as console, inner:
            self.process = procs.start(
                [os.path.join(self.kernel.dir, 'linux'), f'mem={self.case.memory}',
                 f'ncpus={self.case.cpus}', 'seccomp=on', 'root=/dev/root', 'rootfstype=hostfs',
                 'rootflags=/', 'ro', f'init={kernels.TESTS}/guest/init', f'VSCSI={self.dir}',
                 'VSCSI_CHANNEL=/dev/ttyS0', f'virtio_uml.device={self.dir}/device:8',
                 'con=null', 'ssl=null', f'ssl0=fd:{inner.fileno()}', f'uml_dir={self.dir}',
                 'quiet', 'loglevel=4', 'rcupdate.rcu_expedited=1', 'log_buf_len=1M', 'panic=-1', 'kasan_multi_shot',
                 *self.case.cmdline.split()],
                stdout=console, stderr=console, pass_fds=[inner.fileno()], cwd=self.dir)

    def close_transport(self):
        if self.control:
            self.control.close()
            self.control = None
        if self.device:
            procs.stop(self.device)
            self.device.stdout.close()
            self.device = None

    # -- the device's control socket ------------------------------------------
    def _tell_device(self, line):
        self.control.sendall(line.encode() + b'\n')
        answer = b''
        while not answer.endswith(b'\n'):
            data = self.control.recv(65536)
            if not data:
                raise GuestError('the device closed its control socket')
            answer += data
        word, _, rest = answer.decode().strip().partition(' ')
        if word != 'ok':
            raise GuestError(f'the device answers: {answer.decode().strip()}')
        return rest

    def before_case(self):
        self._tell_device('reset-stats')

    def after_case(self, outcome):
        for violation in json.loads(self._tell_device('violations')):
            outcome.reasons.append(f'the driver broke a rule: {violation}')

    def verbs(self):
        return dict(super().verbs(), device=self._tell_device)
