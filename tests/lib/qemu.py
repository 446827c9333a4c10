# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU guests: q35 by PVH boot, microvm for virtio-mmio, or another architecture (arch.py).

PVH boots the uncompressed kernel, in half the time; but at each reset QEMU copies that
image into RAM again, resume from S3 included, so cases that suspend need the bzImage.

The channel is a virtio-serial port, the console a file, QMP a socket; all of it lies
in the guest's temporary directory.  TCG is the default; KVM is used only when a
bounded trial boot has shown that it works here, and the answer is cached.
"""
import hashlib
import json
import os
import platform
import re
import socket
import subprocess
import threading
import time

import iscsi
import kernels
import migration
import procs
import saved
import tsc
from arch import ARCHS
from device import Device
from guest import Guest, GuestError
from iothread import StoppedThread
from luns import ISCSI, NBD, expand
from qmp import Qmp, QmpError, connect
from storage import Storage

_CMDLINE = 'quiet loglevel=4 log_buf_len=4M panic=-1 oops=panic cryptomgr.notests audit=0 hung_task_panic=0'

# Rare events of the virtual HBA, always traced: what the device saw is proof.
_TRACED = ('virtio_scsi_event', 'virtio_scsi_tmf_req', 'virtio_scsi_tmf_resp', 'virtio_scsi_an_req')


_VHOST_USER = 'vhost-user-scsi'
_THREADS = 'iothread-vq-mapping'


def _device_arguments(hba, cpus):
    """QEMU has the configuration space of vhost-user-scsi; our device must know the same."""
    props = dict(word.split('=') for word in hba.split(',')[1:])
    config = {'num_queues': str(cpus), 'seg_max': str(int(props.get('virtqueue_size', '128')) - 2)}
    config.update((key, props[key]) for key in ('num_queues', 'max_sectors', 'cmd_per_lun') if key in props)
    features = [f'+{key}' for key in ('packed', 't10_pi') if props.get(key) == 'on']
    return [*(f'--config {key}={value}' for key, value in config.items()),
            *([f"--features {','.join(features)}"] if features else [])]


def _channel_option(case):
    """An open virtio-serial port does not come back from S3 here; a serial line does."""
    return ['VSCSI_CHANNEL=/dev/ttyS1'] if case.image == 'bzImage' else []


def _strictness(kernel):
    """A kernel that listens for mistakes ends at the first; KCSAN hears others' too."""
    return {'x86-debug': ['panic_on_warn=1'], 'x86-kcsan': ['kcsan.skip_watch=300']}.get(kernel.name, [])


def _json_device(text):
    """What -device takes, as JSON, which alone can say that queues have threads of their own."""
    values = {'on': True, 'off': False}
    driver, *words = text.split(',')
    props = {}
    for word in words:
        key, _, value = word.partition('=')
        props[key] = int(value) if value.isdigit() else values.get(value, value)
        if key == _THREADS:
            props[key] = [{'iothread': name} for name in value.split('+')]
    return json.dumps(dict(props, driver=driver))


def _with_json_devices(arguments):
    """QEMU makes the devices that are JSON after all others: then all have to be."""
    return [_json_device(text) if before == '-device' else text
            for before, text in zip([''] + arguments, arguments)]


def _clock(accel, arch):
    frequency = tsc.khz() if (accel, arch) == ('tcg', 'amd64') else None
    return [f'tsc_early_khz={frequency} tsc=reliable'] if frequency else []


class Qemu(Guest):
    def __init__(self, kernel, case):
        super().__init__(kernel, case)
        self.qmp = None
        self.iscsi = None
        self.storage = Storage()
        self._stopped_thread = None
        self.trace_file = os.path.join(self.dir, 'trace')
        self._trace_start = 0
        self._arguments = []
        self._migrations = 0
        self._saved = kernel.saved if saved.fits(case) else None
        # HBAs whose other end is ours, by their number.
        self.devices = {index: Device(f'{self.dir}/device{index}')
                        for index, hba in enumerate(case.hba) if hba.startswith(_VHOST_USER)}
        self._luns = [one for line in case.lun for one in expand(line)]

    def _luns_of(self, hba):
        return [(kind, props) for kind, props in self._luns if int(props.get('hba', '0')) == hba]

    def _vhost_user_arguments(self):
        """Memory that the devices share, and a socket to each."""
        if not self.devices:
            return []
        arguments = ['-object', f'memory-backend-memfd,id=shared,size={self.case.memory},share=on',
                     '-numa', 'node,memdev=shared']
        again = ',reconnect-ms=100' if self.case.emulator else ''
        for index, device in self.devices.items():
            arguments += ['-chardev', f'socket,id=hba{index}-socket,path={device.path}{again}']
        return arguments

    def _start_devices(self):
        for index, device in self.devices.items():
            device.start(self._luns_of(index),
                         [*_device_arguments(self.case.hba[index], self.case.cpus), *self.case.device])

    def _lun_arguments(self):
        arguments = []
        for index, (kind, props) in enumerate(self._luns):
            props = dict(props)
            hba = props.pop('hba', '0')
            if int(hba) in self.devices:
                continue
            target, lun = props.pop('target', '0'), props.pop('lun', '0')
            place = f'id=lun{index},bus=hba{hba}.0,scsi-id={target},lun={lun}'
            if kind in ISCSI:
                arguments += self._iscsi_arguments(index, kind, place, props)
                continue
            size = props.pop('size', '64M')
            empty = props.pop('empty', '')
            file = props.pop('file', '')
            text = props.pop('text', '').replace('_', ' ')
            device = f"scsi-{'cd' if kind == 'cd' else 'hd'},{place}"
            if kind == NBD:
                path = self.storage.export(self.make_file(f'disk{index}', size))
                arguments += ['-blockdev', json.dumps({
                    'driver': 'nbd', 'node-name': f'disk{index}', 'server': {'type': 'unix', 'path': path}})]
                device += f',drive=disk{index}'
            elif not empty:
                path = (os.path.join(self.kernel.dir, file) if file else
                        self.make_file(f'disk{index}', size, f'{text}\n' if text else ''))
                arguments += ['-blockdev', json.dumps({
                    'driver': 'raw', 'node-name': f'disk{index}', 'read-only': kind == 'cd' or bool(file),
                    'cache': {'no-flush': True},
                    'file': {'driver': 'file', 'filename': path, 'cache': {'no-flush': True}}})]
                device += f',drive=disk{index}'
            device += ''.join(f',{key}={value}' for key, value in props.items())
            arguments += ['-device', device]
        return arguments

    def _iscsi_arguments(self, index, kind, place, props):
        """A LUN of the iSCSI target, passed through."""
        if not self.iscsi:
            self.iscsi = iscsi.Target(self.dir)
            self.iscsi.start()
            self.storage.add(self.iscsi.process)
        number = self.iscsi.add(kind.removeprefix('iscsi-'), props)
        device = f"scsi-{'block' if kind == 'iscsi-disk' else 'generic'},{place},drive=disk{index}"
        return ['-blockdev', json.dumps({
            'driver': 'iscsi', 'node-name': f'disk{index}', 'transport': 'tcp', 'portal': self.iscsi.portal,
            'target': iscsi.IQN, 'lun': number}),
                '-device', device + ''.join(f',{key}={value}' for key, value in props.items())]

    def arguments(self, accel):
        case = self.case
        arch = ARCHS[self.kernel.arch]
        is_foreign = self.kernel.arch != 'amd64'
        arguments = [
            '-accel', accel, '-smp', str(case.cpus), '-m', case.memory,
            '-nodefaults', '-no-user-config', '-nic', 'none', '-display', 'none', '-no-reboot',
            '-kernel', os.path.join(self.kernel.dir, 'image' if is_foreign else case.image),
            '-initrd', self.kernel.initrd,
            '-append', ' '.join([_CMDLINE, arch.cmdline, case.cmdline, *_channel_option(case),
                                 *_clock(accel, self.kernel.arch), *_strictness(self.kernel)]),
            '-chardev', f'file,id=console,path={self.console}', '-serial', 'chardev:console',
            '-chardev', f'socket,id=channel,path={self.dir}/channel,server=on,wait=off',
            '-qmp', f'unix:{self.dir}/qmp,server=on,wait=off', '-D', self.trace_file]
        for event in _TRACED:
            arguments += ['-trace', f'enable={event}']
        for extra in case.qemu:  # before the devices, for an IOMMU must come first
            arguments += extra.split()
        if not is_foreign:
            arguments += ['-cpu', 'host' if accel == 'kvm' else 'max']
        if case.machine == 'microvm':
            arguments += ['-M', 'microvm,rtc=on,pit=on,pic=on,isa-serial=on',
                          '-global', 'virtio-mmio.force-legacy=off', '-device', 'virtio-serial-device']
        else:
            arguments += [*arch.machine, '-device', arch.serial]
        if _channel_option(case):
            arguments += ['-serial', 'chardev:channel']
        else:
            arguments += ['-device', 'virtserialport,chardev=channel,name=vscsi.channel']
        arguments += self._vhost_user_arguments()
        for index, hba in enumerate(case.hba):
            socket_of = f',chardev=hba{index}-socket' if index in self.devices else ''
            arguments += ['-device', f'{hba},id=hba{index}{socket_of}']
        arguments += self._lun_arguments()
        return _with_json_devices(arguments) if any(_THREADS in hba for hba in case.hba) else arguments

    def start(self):
        state = self._saved and self._saved.path()
        self._start_devices()
        self._arguments = self.arguments(accelerator(self.kernel))
        self._launch(self._arguments + (['-incoming', f'exec:cat {state}'] if state else []), '')
        if state:
            self._resume()

    def _resume(self):
        try:
            migration.resume(self.qmp)
            self._send('rescan')
        except (QmpError, OSError) as error:
            raise GuestError(f'the saved guest: {self.said() or error}') from error

    def save(self, path):
        """Boot, and leave the guest in a file."""
        self._saved = None
        try:
            self.boot()
            migration.save(self.qmp, path)
        finally:
            self.kill()

    def another(self, error):
        """Under TCG a kernel that patches itself while another CPU runs may crash as it boots.
        No module of ours is loaded by then, so QEMU gets one more try; whoever asks for it says so."""
        if procs.stopping:
            raise error
        self.kill()
        other = Qemu(self.kernel, self.case)
        other._saved = None
        return other

    @property
    def ends(self):
        # QEMU 7.2 stays when a guest that has slept powers off, whoever drives its disks.
        return self.case.image != 'bzImage'

    def _program(self):
        emulator = self.case.emulator
        return kernels.emulator(emulator) if emulator else kernels.program(ARCHS[self.kernel.arch].qemu)

    def _launch(self, arguments, number):
        """Start QEMU and connect; its sockets' names end in the number."""
        with open(self.errors, 'ab') as errors:
            self.process = procs.start([self._program(), *arguments],
                                       stdout=errors, stderr=errors)
        try:
            self.qmp = Qmp(connect(f'{self.dir}/qmp{number}', 60))
            self.channel = socket.socket(socket.AF_UNIX)
            self.channel.connect(f'{self.dir}/channel{number}')
        except Exception as error:
            raise GuestError(f'QEMU did not start: {self.said() or error}') from None

    def _moved(self, number, options):
        """The arguments of another QEMU for the same guest, whose HBAs have these options."""
        renamed = [self.trace_file, *(f'{self.dir}/{name}' for name in ('channel', 'qmp'))]
        arguments = []
        for argument in self._arguments:
            for path in renamed:
                argument = re.sub(f'{re.escape(path)}(?=,|$)', f'{path}{number}', argument)
            if re.search(r',id=hba\d', argument):
                argument += ''.join(f',{option}' for option in options)
            arguments.append(argument.replace(f'path={self.console}', f'path={self.console},append=on'))
        return [*arguments, '-incoming', f'unix:{self.dir}/port{number}']

    def kill(self):
        # Before: a stopped thread does not end.
        self._let_thread_go()
        super().kill()

    def close_transport(self):
        if self.qmp:
            self.qmp.close()
            self.qmp = None
        for device in self.devices.values():
            device.close()
        self.storage.close()
        if self.iscsi:
            self.iscsi.stop()
            self.iscsi = None

    def before_case(self, case):
        self.qmp.forget_events()
        self._trace_start = os.path.getsize(self.trace_file) if os.path.exists(self.trace_file) else 0
        for device in self.devices.values():
            device.forget()

    def after_case(self, outcome):
        for device in self.devices.values():
            outcome.reasons += device.violations()

    def misbehaves(self):
        return any(device.misbehaves for device in self.devices.values())

    # -- verbs --------------------------------------------------------------
    def verbs(self):
        ours = {}
        if self.devices:
            device = next(iter(self.devices.values()))
            ours = {'device': device.tell, 'scenario': device.scenario}
        return dict(super().verbs(), **ours, qmp=self._verb_qmp, hmp=self._verb_hmp, on=self._verb_on, paused=self._verb_paused,
                    event=self._verb_event, trace=self._verb_trace, migrate=self._verb_migrate,
                    storage=self._verb_storage, iothread=self._verb_iothread)

    def _verb_paused(self, request):
        """paused VERB ARGUMENTS...: while the guest's processors stand still."""
        verb, _, rest = request.partition(' ')
        self.qmp.command({'execute': 'stop'})
        try:
            return self.verbs()[verb](rest)
        finally:
            self.qmp.command({'execute': 'cont'})

    def _verb_qmp(self, text):
        """qmp JSON: one command, or an array of commands sent one after the other."""
        request = json.loads(text)
        many = isinstance(request, list)
        answers = [self.qmp.command(one) for one in (request if many else [request])]
        return json.dumps(answers if many else answers[0])

    def _verb_hmp(self, line):
        answer = self.qmp.monitor(line).replace('\r', '')
        if answer.startswith('Error:'):
            raise GuestError(answer.strip())
        return answer

    def _verb_on(self, arguments):
        """on EVENT JSON: send the command when QEMU next reports the event."""
        event, _, text = arguments.partition(' ')
        request = json.loads(text)
        self.qmp.react(event, request if isinstance(request, list) else [request])
        return ''

    def _verb_event(self, arguments):
        """event NAME SECONDS: wait for a QMP event."""
        name, _, seconds = arguments.partition(' ')
        return json.dumps(self.qmp.wait_event(name, float(seconds or 10)))

    def _verb_migrate(self, options):
        """migrate [OPTION=VALUE...]: into another QEMU, whose HBAs differ in that; prints what it cost."""
        if self.devices or self.iscsi:
            raise GuestError('a guest whose HBA or LUN is another process cannot be migrated here')
        process, qmp, channel = self.process, self.qmp, self.channel
        self._migrations += 1
        self._launch(self._moved(self._migrations, options.split()), self._migrations)
        try:
            return migration.migrate(qmp, f'{self.dir}/port{self._migrations}')
        finally:
            self._pending += migration.drain(channel)
            qmp.close()
            procs.stop(process)
            channel.close()

    def _verb_storage(self, arguments):
        """storage hang SECONDS, go or fail: what nbd-disk and iscsi-* are on."""
        deed, *seconds = arguments.split()
        {'hang': self.storage.hang, 'go': self.storage.go, 'fail': self.storage.fail}[deed](*map(float, seconds))
        return ''

    def _let_thread_go(self):
        if self._stopped_thread:
            self._stopped_thread.go()
            self._stopped_thread = None

    def _verb_iothread(self, arguments):
        """iothread stop NAME SECONDS, or go."""
        deed, *rest = arguments.split()
        self._let_thread_go()
        if deed == 'stop':
            name, seconds = rest
            threads = {one['id']: one['thread-id'] for one in self.qmp.command({'execute': 'query-iothreads'})}
            self._stopped_thread = StoppedThread(threads[name], float(seconds))
        elif deed != 'go':
            raise GuestError(f'iothread: neither stop nor go: {deed}')
        return ''

    def _verb_trace(self, pattern):
        """trace REGEX: the matching lines of QEMU's trace since the case began."""
        with open(self.trace_file, encoding='utf-8', errors='replace') as file:
            file.seek(self._trace_start)
            return ''.join(line for line in file if re.search(pattern, line))


_accel = None
_accel_lock = threading.Lock()


def accelerator(kernel):
    """'kvm' when a bounded trial boot worked on this host, else 'tcg'."""
    global _accel
    if kernel.arch != 'amd64':
        return 'tcg'
    with _accel_lock:
        if _accel is None:
            _accel = _cached_trial(kernel)
        return _accel


def _cached_trial(kernel):
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return 'tcg'
    version = subprocess.run([kernels.program(ARCHS['amd64'].qemu), '--version'], capture_output=True,
                             text=True, check=True).stdout.split('\n')[0]
    key = hashlib.sha256(f'{platform.release()} {platform.version()} {version}'.encode()).hexdigest()[:16]
    path = os.path.join(kernels.CACHE, f'accel-{key}')
    try:
        with open(path, encoding='ascii') as file:
            return file.read().strip()
    except OSError:
        answer = 'kvm' if _trial(kernel) else 'tcg'
    os.makedirs(kernels.CACHE, exist_ok=True)
    with open(path, 'w', encoding='ascii') as file:
        file.write(answer + '\n')
    return answer


def _trial(kernel):
    """Three boots to the agent under KVM, each in a few seconds: once is luck."""
    return all(_boots_under_kvm(kernel) for _ in range(3))


def _boots_under_kvm(kernel):
    child = procs.start(
        [kernels.program(ARCHS['amd64'].qemu), '-accel', 'kvm', '-M', 'q35', '-cpu', 'host', '-smp', '2', '-m', '512M',
         '-nodefaults', '-no-user-config', '-nic', 'none', '-display', 'none', '-no-reboot',
         '-serial', 'stdio', '-kernel', os.path.join(kernel.dir, 'vmlinux'),
         '-initrd', kernel.initrd, '-append', f"{_CMDLINE} {ARCHS['amd64'].cmdline} VSCSI_TRIAL=1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = b''
    try:
        os.set_blocking(child.stdout.fileno(), False)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            text += child.stdout.read() or b''
            if child.poll() is not None:
                text += child.stdout.read() or b''
                break
            time.sleep(0.1)
        return b'vscsi-trial-ok' in text and child.poll() == 0
    finally:
        procs.stop(child)
        child.stdout.close()
