# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to find a LUN, in instructions.

Two HBAs are scanned, one with more LUNs than the other, so that the difference is that of
the LUNs alone. Until its disks are there nothing but the scan and the disk driver runs.
"""
from cases import Case
from machine import Machine
from measure import find_modules, symbols_of
from symbols import PARTS
from workloads import DEVICES, NULL_SIZE

NAME = 'finding a LUN'
_NR_LUNS = (16, 80)
# Nothing else must run meanwhile; a guest that counts is slow.
_SETTLE_S = 20


def _arguments():
    for hba, nr_luns in enumerate(_NR_LUNS):
        for lun in range(nr_luns):
            name = f'scan{hba}-{lun}'
            yield from ('-blockdev', f'driver=null-co,node-name={name},size={NULL_SIZE},read-zeroes=on',
                        '-device', f'scsi-hd,drive={name},bus=hba{hba}.0,scsi-id={lun % 8},lun={lun // 8}')


class Scan:
    def __init__(self, kernel, plugin):
        case = Case(name='../guest/bench', path='', claim='benchmark', cpus=1, memory='1G', timeout=7200,
                    hba=('virtio-scsi-pci,num_queues=1',) * len(_NR_LUNS), lun=())
        self._machine = Machine(kernel, case, list(_arguments()), plugin)
        self._machine.begin()
        self._machine.sh('modprobe sd_mod; echo 0 >/sys/bus/virtio/drivers_autoprobe')
        self._symbols = symbols_of(self._machine)

    def close(self):
        self._machine.kill()

    def _growth(self, hba, device):
        bus = '/sys/bus/virtio'
        device_name = self._machine.sh(
            f'set -- $(grep -lx 0x0008 {bus}/devices/*/device); shift {hba}; basename $(dirname $1)').strip()
        before, _ = self._machine.counts()
        self._machine.sh(f'echo {device_name} >{bus}/drivers/virtio_scsi/bind; sleep {_SETTLE_S}; '
                         f'set -- {bus}/devices/{device_name}/host*/target*/*/block/*; [ $# = {_NR_LUNS[hba]} ]',
                         timeout=300)
        after, _ = self._machine.counts()
        return self._symbols.growth(before, after, device.modules)

    def count(self, name):
        """The figures of a driver, for each LUN."""
        device = DEVICES[name]
        self._machine.sh(device.load)
        find_modules(self._machine, self._symbols)
        few, many = (self._growth(hba, device) for hba in range(len(_NR_LUNS)))
        self._machine.sh(device.unload)
        figures = {part: (many[part] - few[part]) / (_NR_LUNS[1] - _NR_LUNS[0]) for part in PARTS}
        figures['instructions'] = sum(figures.values())
        return figures
