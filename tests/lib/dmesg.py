# SPDX-License-Identifier: GPL-2.0-or-later
"""What in a kernel log makes a case fail: reports of the kernel about itself."""
import re

_BAD = re.compile('|'.join((
    r'\bWARNING: ', r'\bBUG: ', r'\bOops\b', r'kernel BUG at', r'Kernel panic', r'Call Trace:',
    r'\bKASAN: ', r'\bUBSAN: ', r'\bKCSAN: ', r'kmemleak: .*suspected', r'^unreferenced object',
    r'possible circular locking', r'possible recursive locking', r'inconsistent lock state',
    r'suspicious RCU usage', r'lock held when returning', r'held lock freed',
    r'sleeping function called', r'scheduling while atomic', r'INFO: task .* blocked for more than',
    r'INFO: rcu_', r'rcu: INFO:', r'self-detected stall', r'soft lockup', r'hard LOCKUP',
    r'refcount_t: ', r'list_(add|del) corruption', r'general protection fault',
    r'unable to handle', r'DMA-API: .*: device driver', r'ODEBUG: ', r'stack-protector: ',
    r'page allocation failure', r'sysfs: cannot create duplicate', r'swiotlb buffer is full',
)))


def problems(lines):
    """The lines that no healthy run prints."""
    return [line for line in lines if _BAD.search(line)]
