# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that has booted, saved for the others of its kernel, which then need not boot.

It has no HBA. QEMU loads it into a machine that has some: those are as after power-on, and
the guest finds them when it scans its PCI bus again, before it loads the driver.
"""
import threading

from cases import Case

PLAIN = Case(name='plain', path='', claim='', hba=(), lun=())
# What PCI devices cannot change in a guest that runs.
_MUST_BE_PLAIN = ('machine', 'image', 'cpus', 'memory', 'emulator', 'qemu', 'cmdline')


def fits(case):
    """Whether a plain guest can become that of the case: vhost's HBAs need other memory."""
    return (case.boot != 'cold' and all(getattr(case, name) == getattr(PLAIN, name) for name in _MUST_BE_PLAIN)
            and not any(hba.startswith('vhost-') for hba in case.hba))


class Saved:
    """Made by the first guest that wants it; the others wait."""

    def __init__(self, path, make):
        self._path = path
        self._make = make
        self._lock = threading.Lock()

    def path(self):
        """The file; None where it could not be made, so that each guest boots."""
        with self._lock:
            make, self._make = self._make, None
            if make:
                path, self._path = self._path, None
                make(path)
                self._path = path
        return self._path
