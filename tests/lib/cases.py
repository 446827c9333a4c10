# SPDX-License-Identifier: GPL-2.0-or-later
"""Test cases: files tests/cases/GROUP/NAME whose leading comments are data.

A header line is `# key: value`; the header ends at the first line that is no comment.
Unknown keys and kernels, keys in capitals or behind the header, a missing claim and a
case without a command are errors: a misspelt requirement must not become a default.

  claim:    one sentence, what the case proves (may go on in following `#   ` lines)
  kernels:  where it runs: 6.1 6.12 6.18 7.3 newest (QEMU), each with -arm64, -s390x or -ppc64el behind it
            (another architecture), uml uml-debug uml-lockdep (User-Mode Linux), host
  machine:  q35 (default) or microvm; other architectures have one each
  image:    vmlinux (default, boots fast) or bzImage (can suspend)
  cpus:     number of CPUs (2)
  memory:   guest memory (512M)
  hba:      a QEMU device string; repeat for more HBAs (one virtio-scsi-pci); the other end of
            vhost-user-scsi-pci is tests/device, to which `host device` speaks; vhost-scsi-pci, alone and
            with cpus: 1, has LIO at the other end (lib/vhost.py): its LUNs are disk size=64M
            backstore=iblock|fileio|ramdisk pi=0..3;
            iothread-vq-mapping=ONE+TWO: threads for its queues in turn (emulator: trixie)
  lun:      disk|cd|tape KEY=VALUE...; target= and lun= take ranges such as 0..7 (one disk);
            size=64M, empty (no medium), text=FIRST_LINE, file=bzImage (of the kernel's own
            files, read-only), hba=0, and the device's own;
            iscsi-disk, iscsi-tape, iscsi-changer, iscsi-cd: passed through by QEMU from
            a real iSCSI target; cartridges=3 for a changer; again: another path to the one before;
            nbd-disk: its storage, as that of iscsi-*, can hang
  emulator: trixie or trixie-backports: that suite's QEMU, where this machine's lacks what the case is
            about (it lets the other end of vhost-user-scsi-pci go and come back)
  qemu:     further QEMU arguments
  device:   further arguments of tests/device
  cmdline:  further kernel command line
  module:   kunit: the variant of our module with its KUnit suites
  boot:     own: share the guest with no other case; cold: nor start from one that has booted without HBA
  faults:   injected: the case brings about lost interrupts, doorbells or timeouts by other means than
            the commands of tests/device; in all other cases there must be none
  timeout:  seconds the case may take (120)
  row:      NAME: one file, several cases, which are called GROUP/NAME: the lines from here to the next
            row are this case's, those before the first row are common to all
  when:     asked: only when it or its group is named, for what takes too long otherwise
"""
import dataclasses
import os
import re

_VERSIONS = ('6.1', '6.12', '6.18', '7.3', 'newest')
QEMU_KERNELS = tuple(version + machine for machine in ('', '-arm64', '-s390x', '-ppc64el') for version in _VERSIONS)
UML_KERNELS = ('uml', 'uml-debug', 'uml-lockdep')
KERNELS = QEMU_KERNELS + UML_KERNELS + ('host',)
# Kernels that run a case of another when asked to.
STAND_INS = {'uml-lockdep': 'uml', 'x86-debug': '7.3', 'x86-kcsan': '7.3', '5.10': '6.1'}
# Suites that have another QEMU.
EMULATORS = ('trixie', 'trixie-backports')
_REPEATED = ('hba', 'lun', 'qemu', 'device')
_SINGLE = ('claim', 'kernels', 'machine', 'image', 'cpus', 'memory', 'emulator', 'cmdline', 'module', 'boot',
           'faults', 'timeout', 'when')


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
    faults: str = ''
    timeout: int = 120
    when: str = ''

    @property
    def group(self):
        return self.name.split('/')[0]

    @property
    def script(self):
        """Its file, in tests/cases."""
        return f'{self.group}/{os.path.basename(self.path)}' if self.path else self.name

    def guest_key(self, kernel):
        """Cases with equal keys can share one guest of that kernel; those of the host run one after the other."""
        if kernel == 'host':
            return kernel, self.group
        own = self.name if self.boot else ''
        of_qemu = () if kernel in UML_KERNELS else (
            self.machine, self.image, self.hba, self.lun, self.emulator, self.qemu,
            self.device if any(hba.startswith('vhost-user') for hba in self.hba) else ())
        return (kernel, self.cpus, self.memory, self.cmdline, self.module, own, of_qemu)


# Anything that a person may have meant as a header line: `#kernels:`, `# Kernels :`, ...
_LIKE_A_FIELD = re.compile(r'#+\s*([A-Za-z-]+)\s*:(?:\s|$)')
_FIELD = re.compile(r'# ([a-z-]+): +(\S.*)')
_MORE = re.compile(r'#   +(\S.*)')
_SPDX = '# SPDX-License-Identifier: GPL-2.0-or-later'


def _header(lines, name):
    """Yield (key, value, whether it goes on from the line before); refuse what only looks like a field."""
    key = None
    for line in lines:
        more, field, like = _MORE.match(line), _FIELD.match(line), _LIKE_A_FIELD.match(line)
        if field:
            key = field.group(1)
            yield key, field.group(2).strip(), False
        elif key and more:
            yield key, more.group(1).strip(), True
        elif like and line != _SPDX:
            raise CaseError(f"{name}: '{line}' is no header line: those are `# key: value`, in lower case")
        else:
            key = None


def _split(path, name):
    """The header's lines and the body's: the first line that is no comment ends the header."""
    with open(path, encoding='utf-8') as file:
        lines = file.read().splitlines()
    nr = next((number for number, line in enumerate(lines) if not line.startswith('#')), len(lines))
    header, body = lines[:nr], lines[nr:]
    for line in body:
        like = _LIKE_A_FIELD.match(line)
        if like and like.group(1).lower() in _SINGLE + _REPEATED + ('row',):
            raise CaseError(f"{name}: '{line}' stands behind the header, which ends at the first line "
                            'without a #')
    if not any(line.strip() and not line.lstrip().startswith('#') for line in body):
        raise CaseError(f'{name}: there is a header and no command')
    return header


def load(path, name):
    """The case of a file without rows."""
    case, = load_rows(path, name)
    return case


def load_rows(path, name):
    """The cases of a file: one, or one for each `row:` of its header."""
    common, rows = [], []
    for field in _header(_split(path, name), name):
        if field[0] == 'row':
            rows.append((field[1], []))
        else:
            (rows[-1][1] if rows else common).append(field)
    group = name.split('/')[0]
    return [_case(path, f'{group}/{row}', common + fields) for row, fields in rows] or [_case(path, name, common)]


def _case(path, name, header):
    fields = {}
    for key, value, goes_on in header:
        if key in _REPEATED:
            fields.setdefault(key, []).append(value)
        elif key in _SINGLE:
            if key in fields and not goes_on:
                raise CaseError(f"{name}: '{key}:' is there twice")
            fields[key] = f'{fields[key]} {value}' if key in fields else value
        else:
            raise CaseError(f"{name}: unknown header key '{key}' "
                            f"(known: {' '.join(_SINGLE + _REPEATED)} row)")
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
                         ('module', ('kunit',)), ('boot', ('own', 'cold')), ('faults', ('injected',)), ('when', ('asked',))):
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
                cases += load_rows(os.path.join(folder, name), f'{group}/{name}')
    names = [case.name for case in cases]
    if twice := [name for name in names if names.count(name) > 1]:
        raise CaseError(f"two cases are called '{twice[0]}'")
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
