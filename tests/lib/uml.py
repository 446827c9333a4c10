# SPDX-License-Identifier: GPL-2.0-or-later
"""User-Mode Linux guests: the kernel as a process, our device (tests/device) as its HBA.

The root is the host's file system, read-only; the channel is one end of a socket pair
which the guest sees as a serial line.
"""
from guest import Guest


class Uml(Guest):
    pass
