# SPDX-License-Identifier: GPL-2.0-or-later
"""What is compared with what, doing what."""
import dataclasses

NULL_SIZE = 1 << 30
_UPDATES = '/lib/modules/$(uname -r)/updates/virtio_scsi.ko'
_INTREE = '/lib/modules/$(uname -r)/kernel/drivers/scsi/virtio_scsi.ko'


@dataclasses.dataclass(frozen=True)
class Device:
    """A driver and the adapter it drives; one at a time is loaded."""
    name: str
    load: str
    unload: str
    modules: tuple  # whose code is the driver's
    disk: str       # a shell pattern
    irq: str        # what the request queues' interrupts are called
    doorbells: tuple = ('virtio_queue_notify',)
    is_virtio_scsi: bool = False


DEVICES = {device.name: device for device in (
    Device('ours', f'insmod {_UPDATES}', 'rmmod virtio_scsi', ('virtio_scsi',), '/dev/sd?',
           'request', is_virtio_scsi=True),
    Device('intree', f'insmod {_INTREE}', 'rmmod virtio_scsi', ('virtio_scsi',), '/dev/sd?',
           'request', is_virtio_scsi=True),
    Device('virtio-blk', 'modprobe virtio_blk', 'rmmod virtio_blk', ('virtio_blk',), '/dev/vd?', 'req.'),
    Device('nvme', 'modprobe nvme', 'rmmod nvme', ('nvme', 'nvme_core'), '/dev/nvme?n?', 'nvme0q[1-9]',
           ('pci_nvme_mmio_doorbell_sq', 'pci_nvme_mmio_doorbell_cq')),
    Device('pvscsi', 'modprobe vmw_pvscsi', 'rmmod vmw_pvscsi', ('vmw_pvscsi',), '/dev/sd?',
           'vmw_pvscsi', ('pvscsi_io_write',)),
)}


@dataclasses.dataclass(frozen=True)
class Workload:
    """An fio job, in one kind of machine."""
    name: str
    fio: str
    nr_ios: tuple = (2000, 22000)  # the short and the long run, per job
    cpus: int = 1
    queues: int = 1
    jobs: int = 1
    devices: tuple = ('ours', 'intree')
    parameters: str = ''  # for both virtio_scsi modules
    scheduler: str = ''   # the kernel's choice; with one queue that is mq-deadline
    is_file: bool = False
    is_quick: bool = False

    @property
    def machine(self):
        """Workloads of equal machines share a guest."""
        return self.cpus, self.queues, self.is_file


def _workloads():
    everyone = tuple(DEVICES)
    for rw in ('randread', 'randwrite'):
        for depth in (1, 4, 32, 128):
            yield Workload(f'4k {rw[4:]}, depth {depth}', f'--rw={rw} --bs=4k --iodepth={depth}',
                           devices=everyone if rw == 'randread' else ('ours', 'intree'),
                           is_quick=rw == 'randread' and depth in (1, 32))
    for depth in (1, 32):
        yield Workload(f'4k read, depth {depth}, no scheduler', f'--rw=randread --bs=4k --iodepth={depth}',
                       devices=everyone, scheduler='none', is_quick=depth == 32)
    yield Workload('4k read, 8 at once, no scheduler',
                   '--rw=randread --bs=4k --iodepth=32 --iodepth_batch=8 --iodepth_batch_complete_min=8',
                   scheduler='none', is_quick=True)
    yield Workload('1M read, 4k pages', '--rw=read --bs=1M --iodepth=8 --iomem=malloc', (50, 250))
    yield Workload('1M read, huge pages', '--rw=read --bs=1M --iodepth=8 --iomem=shmhuge',
                   (50, 250), is_quick=True)
    yield Workload('4k read, polled', '--rw=randread --bs=4k --iodepth=4 --ioengine=io_uring --hipri',
                   cpus=2, queues=2, parameters='virtscsi_poll_queues=1')
    for queues in (1, 4):
        yield Workload(f'4 CPUs, {queues} queue{"s"[:queues - 1]}', '--rw=randread --bs=4k --iodepth=16',
                       (500, 2000), cpus=4, queues=queues, jobs=4, is_quick=queues == 1)
    yield Workload('4k read of a file', '--rw=randread --bs=4k --iodepth=32', is_file=True)


WORKLOADS = tuple(_workloads())
