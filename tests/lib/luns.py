# SPDX-License-Identifier: GPL-2.0-or-later
"""The `lun:` lines of a case's header, ranges multiplied out."""
import re

from guest import GuestError

# The kinds that a real iSCSI target serves, for QEMU to pass through (iscsi.py).
ISCSI = ('iscsi-disk', 'iscsi-tape', 'iscsi-changer', 'iscsi-cd')
# A disk on a qemu-nbd of its own, which can hang (storage.py).
NBD = 'nbd-disk'
_KINDS = ('disk', 'cd', 'tape', NBD) + ISCSI


def expand(line):
    """`disk target=0..3 lun=0` -> [(kind, properties)], ranges multiplied out."""
    kind, *words = line.split()
    if kind not in _KINDS:
        raise GuestError(f"lun: '{line}': the kind is '{kind}' (known: {' '.join(_KINDS)})")
    found = [{}]
    for word in words:
        key, equals, value = word.partition('=')
        span = re.fullmatch(r'(\d+)\.\.(\d+)', value)
        if span and key in ('target', 'lun', 'hba'):
            values = [str(n) for n in range(int(span[1]), int(span[2]) + 1)]
        else:
            values = [value if equals else 'on']
        found = [dict(one, **{key: value}) for one in found for value in values]
    return [(kind, one) for one in found]
