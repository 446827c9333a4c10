# SPDX-License-Identifier: GPL-2.0-or-later
"""User-Mode Linux guests: the kernel is a process, our device (tests/device) its HBA.

The root is the host's file system, read-only; the channel is one end of a socket pair
which the guest sees as a serial line; the console is a file, for what the kernel says
when it dies or powers off.

Each case has a device of its own, so cases share a guest whatever their devices are. The
guest boots with a socket for each of its cases. The first has a device behind it already;
the others appear with their case, and the guest's agent binds virtio_uml to them then.
"""
import os
import signal
import socket

import kernels
import procs
from device import Device
from guest import DOWN, Guest, GuestError
from luns import expand


class Uml(Guest):
    most_cases = 8  # that one guest has devices for

    def __init__(self, kernel, case):
        super().__init__(kernel, case)
        self.device = Device(f'{self.dir}/device0')

    def _start_device(self, case):
        if case.hba != ('virtio-scsi-pci',) or case.qemu or case.machine != 'q35':
            raise GuestError("this case's header has lines that only QEMU understands")
        self.device.start([one for line in case.lun for one in expand(line)], case.device)

    def start(self):
        self._start_device(self.case)
        if self.kernel.coverage:
            os.mkdir(os.path.join(self.dir, 'gcov'))
        with open(os.path.join(self.dir, 'env'), 'w', encoding='ascii') as file:
            file.write(f'{self.kernel.environment(kernels.TESTS, self.kernel.modroot)}VSCSI_FIO={self.kernel.fio}\n')
        self.channel, inner = socket.socketpair()
        with open(self.console, 'wb') as console, inner:
            self.process = procs.start(
                [os.path.join(self.kernel.dir, 'linux'), f'mem={self.case.memory}',
                 f'ncpus={self.case.cpus}', 'seccomp=on', 'root=/dev/root', 'rootfstype=hostfs',
                 'rootflags=/', 'ro', f'init={kernels.TESTS}/guest/init', f'VSCSI={self.dir}',
                 'VSCSI_CHANNEL=/dev/ttyS0',
                 *(f'virtio_uml.device={self.dir}/device{number}:8' for number in range(self.most_cases)),
                 'con=null', 'con0=null,fd:1', 'ssl=null', f'ssl0=fd:{inner.fileno()}', f'uml_dir={self.dir}',
                 'quiet', 'loglevel=4', 'rcupdate.rcu_expedited=1', 'log_buf_len=1M', 'panic=-1', 'kasan_multi_shot',
                 *self.case.cmdline.split()],
                stdout=console, stderr=console, pass_fds=[inner.fileno()], cwd=self.dir)

    def aborts_when_down(self, status):
        # All that is left for UML then is to kill its own processes; a panic in there
        # ends in SIGABRT, without a word: the console is closed. Seen once, in CI.
        return status == -signal.SIGABRT and DOWN in self.console_text()

    def close_transport(self):
        if self.kernel.coverage:
            self.kernel.coverage.collect(os.path.join(self.dir, 'gcov'))
        self.device.close()

    def said(self):
        return self.device.said()

    def before_case(self, case):
        if self._number:
            self.device.close()
            self.device = Device(f'{self.dir}/device{self._number}')
            self._start_device(case)
        self.device.forget()

    def after_case(self, outcome):
        outcome.reasons += self.device.violations()

    def misbehaves(self):
        return self.device.misbehaves

    def verbs(self):
        return dict(super().verbs(), device=self.device.tell, scenario=self.device.scenario,
                    like=self.device.like, schedule=self.device.schedule)
