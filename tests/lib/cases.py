# SPDX-License-Identifier: GPL-2.0-or-later
"""Test cases: files tests/cases/GROUP/NAME whose leading comments are data.

A header line is `# key: value`.  Unknown keys, unknown kernels and a missing claim
are errors, so that a misspelt requirement cannot silently turn into a default.

  claim:    one sentence, what the case proves (may go on in following `#   ` lines)
  kernels:  where it runs: 6.1 6.12 6.18 7.3 newest (QEMU), each with -arm64, -s390x or -ppc64el behind it
            (another architecture), uml uml-debug (User-Mode Linux), host
  machine:  q35 (default) or microvm; other architectures have one each
  image:    vmlinux (default, boots fast) or bzImage (can suspend)
  cpus:     number of CPUs (2)
  memory:   guest memory (512M)
  hba:      a QEMU device string; repeat for more HBAs (one virtio-scsi-pci); the other end of
            vhost-user-scsi-pci is tests/device, to which `host device` speaks;
            iothread-vq-mapping=ONE+TWO: threads for its queues in turn (emulator: trixie)
  lun:      disk|cd|tape KEY=VALUE...; target= and lun= take ranges such as 0..7 (one disk);
            size=64M, empty (no medium), text=FIRST_LINE, file=bzImage (of the kernel's own
            files, read-only), hba=0, and the device's own;
            iscsi-disk, iscsi-tape, iscsi-changer, iscsi-cd: passed through by QEMU from
            a real iSCSI target; cartridges=3 for a changer;
            nbd-disk: its storage, as that of iscsi-*, can hang
  emulator: trixie or trixie-backports: that suite's QEMU, where this machine's lacks what the case is
            about (it lets the other end of vhost-user-scsi-pci go and come back)
  qemu:     further QEMU arguments
  device:   further arguments of tests/device
  cmdline:  further kernel command line
  module:   kunit: the variant of our module with its KUnit suites
  boot:     own: share the guest with no other case
  timeout:  seconds the case may take (60)
  when:     asked: only when it or its group is named, for what takes too long otherwise
"""
import dataclasses
import os
import re

_VERSIONS = ('6.1', '6.12', '6.18', '7.3', 'newest')
QEMU_KERNELS = tuple(version + machine for machine in ('', '-arm64', '-s390x', '-ppc64el') for version in _VERSIONS)
UML_KERNELS = ('uml', 'uml-debug')
KERNELS = QEMU_KERNELS + UML_KERNELS + ('host',)
# Kernels that only run when asked for, each in the place of another.
STAND_INS = {'x86-debug': '7.3', 'x86-kcsan': '7.3'}
# Suites that have another QEMU.
EMULATORS = ('trixie', 'trixie-backports')
_REPEATED = ('hba', 'lun', 'qemu', 'device')
_SINGLE = ('claim', 'kernels', 'machine', 'image', 'cpus', 'memory', 'emulator', 'cmdline', 'module', 'boot',
           'timeout', 'when')


class CaseError(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    path: str
    claim: str
    kernels: tuple = ('7.3',)
    machine: str = 'q35'
    image: str = 'vmlinux'
    cpus: int = 2
    memory: str = '512M'
    hba: tuple = ('virtio-scsi-pci',)
    lun: tuple = ('disk',)
    emulator: str = ''
    qemu: tuple = ()
    device: tuple = ()
    cmdline: str = ''
    module: str = ''
    boot: str = ''
    timeout: int = 60
    when: str = ''

    @property
    def group(self):
        return self.name.split('/')[0]

    def guest_key(self):
        """Cases with equal keys share one guest."""
        own = self.name if self.boot == 'own' else ''
        return (self.machine, self.image, self.cpus, self.memory, self.hba, self.lun, self.emulator,
                self.qemu, self.device, self.cmdline, self.module, own)


def _header(path):
    """Yield (key, value) of the leading comment lines of a case."""
    key = None
    with open(path, encoding='utf-8') as file:
        for line in file:
            if not line.startswith('#'):
                return
            more = re.match(r'#   +(\S.*)', line)
            if key and more:
                yield key, more.group(1).strip()
                continue
            field = re.match(r'# ([a-z_-]+):\s+(.*)', line)
            key = field.group(1) if field else None
            if field:
                yield key, field.group(2).strip()


def load(path, name):
    fields = {}
    for key, value in _header(path):
        if key in _REPEATED:
            fields.setdefault(key, []).append(value)
        elif key in _SINGLE:
            fields[key] = f'{fields[key]} {value}' if key in fields else value
        else:
            raise CaseError(f"{name}: unknown header key '{key}' "
                            f"(known: {' '.join(_SINGLE + _REPEATED)})")
    if not fields.get('claim'):
        raise CaseError(f"{name}: the header has no 'claim:'")
    for key in _REPEATED:
        if key in fields:
            fields[key] = tuple(fields[key])
    for key in ('cpus', 'timeout'):
        if key in fields:
            if not fields[key].isdigit() or fields[key] == '0':
                raise CaseError(f"{name}: '{key}: {fields[key]}' is not a number above 0")
            fields[key] = int(fields[key])
    if 'kernels' in fields:
        fields['kernels'] = tuple(fields['kernels'].split())
        for kernel in fields['kernels']:
            if kernel not in KERNELS:
                raise CaseError(f"{name}: unknown kernel '{kernel}' (known: {' '.join(KERNELS)})")
    for key, allowed in (('machine', ('q35', 'microvm')), ('image', ('vmlinux', 'bzImage')),
                         ('emulator', EMULATORS),
                         ('module', ('kunit',)), ('boot', ('own',)), ('when', ('asked',))):
        if key in fields and fields[key] not in allowed:
            raise CaseError(f"{name}: '{key}: {fields[key]}' (known: {' '.join(allowed)})")
    return Case(name=name, path=path, **fields)


def load_all(root):
    cases = []
    for group in sorted(os.listdir(root)):
        folder = os.path.join(root, group)
        if not os.path.isdir(folder):
            continue
        for name in sorted(os.listdir(folder)):
            if not name.startswith('.'):
                cases.append(load(os.path.join(folder, name), f'{group}/{name}'))
    return cases


def select(cases, selectors):
    """The cases that the selectors (GROUP or GROUP/NAME) name; none at all is an error.

    Without selectors: all that need not be asked for.
    """
    chosen = []
    for selector in selectors:
        hits = [case for case in cases if selector.rstrip('/') in (case.group, case.name)]
        if not hits:
            groups = {}
            for case in cases:
                groups.setdefault(case.group, []).append(case.name.split('/')[1])
            listing = '\n'.join(f"  {group}: {' '.join(names)}" for group, names in groups.items())
            raise CaseError(f"no test is called '{selector}'; the groups and their tests are:\n{listing}")
        chosen += [case for case in hits if case not in chosen]
    return chosen if selectors else [case for case in cases if not case.when]
