# SPDX-License-Identifier: GPL-2.0-or-later
"""The frequency of this machine's time-stamp counter.

Under TCG a guest reads the host's counter, and calibrates it against emulated timers
while it boots.  On a busy host that goes wrong by factors: the guest's seconds then
last a tenth of ours, and every timeout in it is too short.  So it is told instead.
This is also what made microvm hang in half the runs: it has no better clock to notice.
"""
import ctypes
import functools
import mmap
import platform
import time


@functools.cache
def khz():
    """In kHz; None where the guest's counter is not the host's."""
    if platform.machine() != 'x86_64':
        return None
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    # rdtsc; shl rdx, 32; or rax, rdx; ret
    page.write(bytes.fromhex('0f31 48c1e220 4809d0 c3'))
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))

    def sample():
        """The tightest of some readings of both clocks, against preemption in between."""
        readings = []
        for _ in range(20):
            before = time.monotonic_ns()
            count = read()
            after = time.monotonic_ns()
            readings.append((after - before, count, before))
        return min(readings)[1:]

    count, at = sample()
    time.sleep(0.1)
    count_then, then = sample()
    return round((count_then - count) * 1_000_000 / (then - at))
