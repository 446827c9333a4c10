# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU guests whose HBA is the kernel's vhost-scsi.

A kernel of our own is needed for that: User-Mode Linux runs as the guest's host, with
LIO as the target and QEMU as its only program.  The guest's channel and QMP are two of
its serial lines; a third takes commands for tests/guest/lio, its first process.
"""
import os
import select
import socket
import threading
import time

import kernels
import procs
from guest import GuestError, parse_size
from qemu import Qemu
from qmp import Qmp

KERNEL = 'uml-vhost'
HBA = 'vhost-scsi-pci'
_WWPN = 'naa.6001405000000001'
_BOOT_S = 60
_COMMAND_S = 60
_BACKSTORES = {'iblock': 'iblock', 'fileio': 'fileio', 'ramdisk': 'rd_mcp'}


def is_asked_for(case):
    """Whether the case's HBA needs such a host."""
    return any(hba.split(',')[0] == HBA for hba in case.hba)


class _Host:
    """The User-Mode Linux and its first process."""

    def __init__(self, directory):
        self.dir = directory
        self.console = os.path.join(directory, 'host-console')
        self.process = None
        self._commands = None
        self._pending = b''
        self._lock = threading.Lock()

    def start(self, memory_mib):
        """Boot it; returns our ends of the guest's channel and of QMP."""
        kernel = kernels.directory(KERNEL)
        pairs = [socket.socketpair() for _ in range(3)]
        inner = [pair[1] for pair in pairs]
        with open(self.console, 'wb') as console:
            self.process = procs.start(
                [os.path.join(kernel, 'linux'), f'mem={memory_mib}M', 'ncpus=1', 'seccomp=on', 'root=/dev/root',
                 'rootfstype=hostfs', 'rootflags=/', 'ro', f'init={kernels.TESTS}/guest/lio', f'VSCSI={self.dir}',
                 'con=null', 'con0=null,fd:1', 'ssl=null', *(f'ssl{nr}=fd:{one.fileno()}' for nr, one in enumerate(inner)),
                 f'uml_dir={self.dir}', 'quiet', 'loglevel=4', 'rcupdate.rcu_expedited=1', 'panic=-1'],
                stdout=console, stderr=console, pass_fds=[one.fileno() for one in inner], cwd=self.dir)
        for one in inner:
            one.close()
        self._commands = pairs[2][0]
        self._expect('ready', _BOOT_S)
        return pairs[0][0], pairs[1][0]

    def _line(self, deadline):
        while b'\n' not in self._pending:
            readable, _, _ = select.select([self._commands], [], [], max(0, deadline - time.monotonic()))
            data = self._commands.recv(65536) if readable else b''
            if not data:
                raise GuestError(f"the guest's host {'died' if readable else 'hangs'}: {self.said()}")
            self._pending += data
        line, _, self._pending = self._pending.partition(b'\n')
        return line.decode('utf-8', 'replace').rstrip('\r')

    def _expect(self, word, seconds):
        """The rest of the line that starts with the word, and what came before it."""
        deadline, said = time.monotonic() + seconds, []
        while True:
            first, _, rest = self._line(deadline).partition(' ')
            if first == word:
                return rest, said
            said.append(rest)

    def tell(self, *words):
        """One command of tests/guest/lio, or of the shell; its output."""
        with self._lock:
            self._commands.sendall(' '.join(words).encode() + b'\n')
            status, said = self._expect('done', _COMMAND_S)
        text = '\n'.join(said)
        if status != '0':
            raise GuestError(f"the guest's host: {' '.join(words)[:200]}: status {status}: {text}")
        return text

    def said(self):
        try:
            with open(self.console, encoding='utf-8', errors='replace') as file:
                return file.read()[-4000:].replace('\r', '')
        except OSError:
            return ''

    def close(self):
        if self._commands:
            self._commands.close()


class VhostQemu(Qemu):
    boot_timeout = 180

    def __init__(self, kernel, case):
        super().__init__(kernel, case)
        if len(case.hba) != 1 or case.machine != 'q35':
            raise GuestError(f'a case with {HBA} has one HBA and no other machine')
        self._host = _Host(self.dir)
        self._lines = None
        self._timer = None

    # -- start and end ------------------------------------------------------
    def _lun_arguments(self):
        return []  # they are LIO's

    def arguments(self, accel):
        renamed = {f'socket,id=channel,path={self.dir}/channel,server=on,wait=off': 'serial,id=channel,path=/dev/ttyS0',
                   f'file,id=console,path={self.console}': 'file,id=console,path=/run/dir/console'}
        arguments = [renamed.get(word, word) for word in super().arguments(accel)]
        for index, word in enumerate(arguments):
            if word == '-qmp':
                arguments[index:index + 2] = ['-chardev', 'serial,id=qmp,path=/dev/ttyS1', '-mon', 'chardev=qmp,mode=control']
            elif word == '-D':
                arguments[index + 1] = '/run/dir/trace'
            elif word.startswith(HBA):
                arguments[index] = f'{word},wwpn={_WWPN}'
        return arguments

    def start(self):
        size = sum(parse_size(props.get('size', '64M')) for _, props in self._luns) >> 20
        self._lines = self._host.start(parse_size(self.case.memory) // (1 << 20) + size + 1024)
        self.process = self._host.process
        for kind, props in self._luns:
            if kind != 'disk':
                raise GuestError(f'vhost-scsi has disks, no {kind}')
            self._add(**props)
        self._arguments = self.arguments('tcg,tb-size=128')
        self._host.tell('emulate', self._program(), *(f"'{word}'" for word in self._arguments))
        self.channel, monitor = self._lines
        try:
            self.qmp = Qmp(monitor)
        except Exception as error:
            raise GuestError(f'QEMU did not start: {self.said() or error}') from None

    def another(self, error):
        self.kill()
        return VhostQemu(self.kernel, self.case)

    def close_transport(self):
        if self._timer:
            self._timer.cancel()
        super().close_transport()
        self._host.close()

    def said(self):
        return f'{super().said()}\n{self._host.said()}'.strip()

    # -- verbs ----------------------------------------------------------------
    def verbs(self):
        verbs = dict(super().verbs(), lun=self._verb_lun, storage=self._verb_storage, lio=self._host.tell)
        del verbs['migrate']
        return verbs

    def _add(self, target='0', lun='0', size='64M', backstore='iblock', pi='0'):
        self._host.tell('add', target, lun, str(parse_size(size)), _BACKSTORES[backstore], pi)

    def _verb_lun(self, arguments):
        """lun add TARGET LUN [KEY=VALUE...], lun remove TARGET LUN or lun resize TARGET LUN SIZE."""
        deed, target, lun, *rest = arguments.split()
        if deed == 'add':
            self._add(target, lun, **dict(word.split('=') for word in rest))
        elif deed == 'resize':
            self._host.tell('resize', target, lun, str(parse_size(rest[0])))
        else:
            self._host.tell(deed, target, lun)
        return ''

    def _verb_storage(self, arguments):
        """storage hang SECONDS [TARGET LUN], go [TARGET LUN] or fail: of a LUN on iblock, without one of all of target 0."""
        deed, *rest = arguments.split()
        seconds = float(rest.pop(0)) if deed == 'hang' else 0
        places = [tuple(rest)] if rest else [(props.get('target', '0'), props.get('lun', '0')) for _, props in self._luns
                                             if props.get('target', '0') == '0']
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._tell_storage(deed, places)
        if seconds:
            self._timer = threading.Timer(seconds, self._tell_storage, ['go', places])
            self._timer.start()
        return ''

    def _tell_storage(self, deed, places):
        for target, lun in places:
            self._host.tell(deed, target, lun)
