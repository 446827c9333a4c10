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
    r'page allocation failure', r'sysfs: cannot create duplicate',
)))


# In KCSAN's reports a stack follows each access; of it, so many frames are near.
_ACCESS = re.compile(r'\b(read|write)\b.* (to|at) 0x[0-9a-f]+ of \d+ bytes|race at unknown origin')
_NEAR = 4


def _without_others_races(lines):
    """Drop KCSAN's reports on races in which nobody is, or was just called by, our module.

    The kernel has data races of its own; one is ours when the module is among the
    innermost frames of an access.
    """
    kept, report = [], None
    for line in lines:
        if report is None:
            if 'BUG: KCSAN' in line:
                report = [line]
            else:
                kept.append(line)
            continue
        report.append(line)
        if '=========' in line:
            kept += report if _is_our_race(report) else []
            report = None
    return kept + (report or [])


def _is_our_race(report):
    near = 0
    for line in report:
        if _ACCESS.search(line):
            near = _NEAR
        elif near:
            if '[virtio_scsi]' in line:
                return True
            near -= 1
    return False


# Linux 6.1 may want random numbers when ACPI resumes its interrupt links: the clock stands still then.
_KNOWN = ('ktime_get_seconds', 'irqrouter_resume')


def _without_known(lines):
    """Drop the warning that a kernel gives without us."""
    kept, report = [], []
    for line in lines:
        if report or 'WARNING: ' in line and _KNOWN[0] in line:
            report.append(line)
        else:
            kept.append(line)
        if report and 'end trace' in line:
            kept += [] if _KNOWN[1] in '\n'.join(report) else report
            report = []
    return kept + report


def problems(lines):
    """The lines that no healthy run prints."""
    return [line for line in _without_known(_without_others_races(lines)) if _BAD.search(line)]
