# SPDX-License-Identifier: GPL-2.0-or-later
"""One guest, its drivers loaded in turn, fio run in it, figures taken.

What a run costs besides its I/O (fio's start, the guest's housekeeping) is the same for
a short and a long one, so the difference of the two is the I/O's alone.
"""
import base64
import gzip
import json
import os

from cases import Case
from machine import Machine
from symbols import PARTS, Symbols
from workloads import DEVICES, NULL_SIZE

# Longer than a guest in virtual time may think that it waited for the host.
_FOREVER_S = 10 ** 8

# The guest kernel's functions whose calls say something. They go by several names.
_CALLED = {
    'allocations': ('__kmalloc', '__kmalloc_noprof', '__kmalloc_cache_noprof', 'kmalloc_trace',
                    'kmem_cache_alloc', 'kmem_cache_alloc_noprof', '__kmem_cache_alloc_node'),
    'rung': ('vp_notify',),
    'descriptors': ('vring_map_one_sg',),
}


def symbols_of(machine):
    return Symbols(_packed(machine, r"grep -v ']$' /proc/kallsyms"))


def _packed(machine, command):
    return gzip.decompress(base64.b64decode(machine.sh(f'{command} | gzip -1 | base64 -w 0'))).decode()


def find_modules(machine, symbols):
    """After a module was loaded."""
    symbols.set_modules(machine.sh('cat /proc/modules'), _packed(machine, r"grep ']$' /proc/kallsyms"))


class Guest:
    """A machine for some workloads, with the adapters of all drivers in it."""

    def __init__(self, kernel, workload, plugin=None):
        cpus, queues, is_file = workload.machine
        self.cpus = cpus
        # The clock of several CPUs is that of the host: they would take turns.
        self.is_virtual = plugin is not None and cpus == 1
        # A doorbell's thread would run on the host's clock.
        self._options = ',ioeventfd=off' if self.is_virtual else ''
        luns = ('disk size=1G',) if is_file else ()
        case = Case(name='../guest/bench', path='', claim='benchmark', cpus=cpus, memory='1G', timeout=7200,
                    hba=(f'virtio-scsi-pci,num_queues={queues}{self._options}',), lun=luns, qemu=tuple(
                        f'-trace enable={event}'
                        for event in sorted({event for device in DEVICES.values() for event in device.doorbells})))
        self.machine = Machine(kernel, case, [] if is_file else self._null_devices(queues), plugin, self.is_virtual)
        self.machine.begin()
        self.sh = self.machine.sh
        self.sh('modprobe sd_mod; echo never >/sys/kernel/mm/transparent_hugepage/enabled;'
                'echo 16 >/proc/sys/vm/nr_hugepages')
        self.symbols = None
        if plugin:
            self.symbols = symbols_of(self.machine)

    def _null_devices(self, queues):
        arguments = ['-device', 'pvscsi,id=pvscsi0']
        for index, device in enumerate(('scsi-hd,bus=hba0.0', f'virtio-blk-pci,num-queues={queues}{self._options}',
                                        'nvme,serial=null', 'scsi-hd,bus=pvscsi0.0')):
            arguments += ['-blockdev', f'driver=null-co,node-name=null{index},size={NULL_SIZE},read-zeroes=on',
                          '-device', f'{device},drive=null{index}']
        return arguments

    def close(self):
        self.machine.kill()

    def load(self, device, parameters=''):
        parameters = parameters if device.is_virtio_scsi else ''
        disk = self.sh(f'{device.load} {parameters} && '
                       f'for i in $(seq 100); do for d in {device.disk}; do [ ! -b $d ] || break 2; done; '
                       f'usleep 100000; done; [ -b $d ] && sleep 1 && echo $d').strip()
        if self.symbols:
            find_modules(self.machine, self.symbols)
        return disk

    def unload(self, device):
        self.sh(device.unload)

    def _interrupts(self, device):
        total = 0
        for line in self.sh(f"grep -E '{device.irq}' /proc/interrupts || :").splitlines():
            total += sum(int(word) for word in line.split()[1:1 + self.cpus])
        return total

    def fio(self, workload, disk, nr_ios):
        """One run; fio's own report of it, and the share of the CPUs' time that it took."""
        engine = '' if '--ioengine' in workload.fio else '--ioengine=libaio'
        queue = f'/sys/block/{os.path.basename(disk)}/queue/scheduler'
        choose = f'was=$(sed "s/.*\\[//; s/].*//" {queue}); echo {workload.scheduler or "$was"} >{queue}; '
        text = self.sh(
            choose + f'cp /proc/stat before; fio --name=bench --filename={disk} --allow_file_create=0 --direct=1 --thread '
            f'{engine} {workload.fio} --numjobs={workload.jobs} --number_ios={nr_ios} --group_reporting '
            '--lat_percentiles=1 --clat_percentiles=0 --percentile_list=50:99 --output-format=json --output=fio.json && '
            'head -n 1 before /proc/stat | grep cpu && cat fio.json && '
            f'echo $was >{queue}', timeout=900)
        before, after, rest = text.split('\n', 2)
        ticks = [int(b) - int(a) for a, b in zip(before.split()[1:9], after.split()[1:9])]
        report = json.loads(rest)['jobs'][0]
        report = report['read'] if report['read']['total_ios'] else report['write']
        return {'iops': report['iops'],
                'p50_us': report['lat_ns']['percentile']['50.000000'] / 1000,
                'p99_us': report['lat_ns']['percentile']['99.000000'] / 1000,
                'cpu': 1 - (ticks[3] + ticks[4]) / max(sum(ticks), 1)}

    # -- counting -------------------------------------------------------------
    def _state(self, device):
        insns, runs = self.machine.counts()
        return {'insns': insns, 'runs': runs, 'interrupts': self._interrupts(device),
                'seen': sum(self.machine.traced(event) for event in device.doorbells)}

    def _growth(self, workload, device, disk, nr_ios):
        before = self._state(device)
        times = self.fio(workload, disk, nr_ios)
        after = self._state(device)
        growth = self.symbols.growth(before['insns'], after['insns'], device.modules)
        growth.update(interrupts=after['interrupts'] - before['interrupts'], seen=after['seen'] - before['seen'])
        for what, names in _CALLED.items():
            for name in names:
                for address in self.symbols.addresses(name):
                    growth[what] += after['runs'][address] - before['runs'][address]
        return growth, self.symbols.functions(before['insns'], after['insns']), times

    def _count_once(self, workload, device, disk):
        (short, functions, _), (long, long_functions, times) = (
            self._growth(workload, device, disk, nr_ios) for nr_ios in workload.nr_ios)
        nr_ios = (workload.nr_ios[1] - workload.nr_ios[0]) * workload.jobs
        figures = {what: (long[what] - short[what]) / nr_ios
                   for what in (*PARTS, 'idle', 'interrupts', 'seen', *_CALLED)}
        figures['instructions'] = sum(figures[part] for part in PARTS)
        # A doorbell that QEMU sees late counts for two there; other buses have only that.
        figures['doorbells'] = figures.pop('rung') or figures['seen']
        del figures['seen']
        if self.is_virtual:
            times.pop('cpu')
            figures.update(times)
        long_functions.subtract(functions)
        return figures, {name: insns / nr_ios for name, insns in long_functions.items()}

    def count(self, workload, device, disk):
        """What one I/O costs; the mean of two counts, and by how much they differ."""
        (one, functions), (two, functions_two) = (self._count_once(workload, device, disk) for _ in range(2))
        figures = {what: (value + two[what]) / 2 for what, value in one.items()}
        figures['spread'] = abs(one['instructions'] - two['instructions']) / figures['instructions']
        means = {name: (value + functions_two.get(name, 0)) / 2 for name, value in functions.items()}
        figures['functions'] = {name: round(mean, 1) for name, mean in sorted(
            means.items(), key=lambda item: -item[1]) if mean >= 1}
        return figures

    def hold(self, workload, device, disk):
        """The queue's lock: instructions that it is held for."""
        start, end = self.symbols.module(device.modules[0])
        take, = self.symbols.addresses('_raw_spin_lock_irqsave')
        release, = self.symbols.addresses('_raw_spin_unlock_irqrestore')
        self.machine.watch_lock(start, end, take, release)
        self.fio(workload, disk, workload.nr_ios[1])
        held = self.machine.held()
        # Of the places that take it, the one that adds a command does so most often.
        # It allocates in the virtio core, with the lock, and that is long when the
        # slab has run out; what completes commands is our own doing.
        add = max(held, key=lambda place: place[1])
        return {'hold_mean': sum(place[2] for place in held) / sum(place[1] for place in held),
                'hold_add': add[3],
                'hold_reap': max((place[3] for place in held if place is not add), default=0)}


def plugin(top, run):
    """Build the plugin; its path."""
    source = os.path.join(top, 'tests', 'bench', 'insn.c')
    target = os.path.join(top, 'build', 'bench', 'insn.so')
    os.makedirs(os.path.dirname(target), exist_ok=True)
    run(['gcc', '-O2', '-Wall', '-Wextra', '-shared', '-fPIC', '-fvisibility=hidden', '-o', target, source])
    return target
