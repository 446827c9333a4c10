# SPDX-License-Identifier: GPL-2.0-or-later
"""The architectures that guests have: how QEMU is told to be such a machine.

A kernel of another architecture has it in its name: 6.1-s390x.  Its guests' programs
are those of that architecture's static busybox.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Arch:
    qemu: str       # the program
    machine: tuple  # what chooses the machine where a case does not, and the CPU
    serial: str     # the virtio-serial device, which carries the channel
    cmdline: str    # the console, and what the kernel can do without


_X86_CMDLINE = ('console=ttyS0 mitigations=off nokaslr no_timer_check random.trust_cpu=on '
                'initcall_blacklist=load_system_certificate_list '
                'rcutree.jiffies_till_first_fqs=0 rcutree.jiffies_till_next_fqs=1')

ARCHS = {
    'amd64': Arch(
        qemu='qemu-system-x86_64', serial='virtio-serial-pci', cmdline=_X86_CMDLINE,
        machine=('-M', 'q35,usb=off,vmport=off', '-global', 'ICH9-LPC.disable_s3=0')),
    'arm64': Arch(
        qemu='qemu-system-aarch64', serial='virtio-serial-pci', cmdline='console=ttyAMA0 nokaslr',
        machine=('-M', 'virt', '-cpu', 'cortex-a72', '-global', 'virtio-mmio.force-legacy=off')),
    's390x': Arch(
        qemu='qemu-system-s390x', serial='virtio-serial-ccw', cmdline='console=ttysclp0',
        machine=('-M', 's390-ccw-virtio', '-cpu', 'max')),
    # Open Firmware within QEMU boots in a fraction of SLOF's time.
    'ppc64el': Arch(
        qemu='qemu-system-ppc64', serial='virtio-serial-pci', cmdline='console=hvc0',
        machine=('-M', 'pseries,x-vof=on,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off',
                 '-cpu', 'power9')),
}


def of_kernel(name):
    """The architecture's name, Debian's, of a kernel's name."""
    suffix = name.rpartition('-')[2]
    return suffix if suffix in ARCHS else 'amd64'
