#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to find many LUNs: our driver beside the in-tree one.

    scale.py NR_LUNS ROUNDS

The two take turns in User-Mode Linux, each time in a fresh guest with one processor, so
each round gives a ratio: of processor time (that of the guest's kernel), of the time
until the scan returns, of that until the last command of the disk driver is finished, of
memory.  Machines are noisy: it fails when the interval that holds the median of the
ratios with 95 per cent lies wholly above 1.05.  Commands can be counted: it fails when
there is one more, since a disk that announces no limit is not asked anything.
"""
import json
import math
import os
import re
import statistics
import sys
import time

import kernels
import procs
from cases import Case
from guest import GuestError, Outcome
from uml import Uml

_WORST = 1.05
_LEAST_ROUNDS = 6  # fewer say nothing with 95 per cent
_NR_TARGETS = 4
_DRIVERS = ('intree', 'ours')
_TITLES = {'commands': 'commands', 'scan_ms': 'scan returned, ms', 'ready_ms': 'disks ready, ms',
           'cpu_ms': 'processor time, ms', 'memory_kib': 'memory, KiB'}


class Scanned(Uml):
    """A guest whose case marks points in time, at which its processor time is read."""

    def __init__(self, kernel, nr_luns):
        targets = min(nr_luns, _NR_TARGETS)
        luns = f'1-{targets}:0-{nr_luns // targets - 1}:mem,size=1M'
        super().__init__(kernel, Case(
            name='../guest/scan', path='', claim='', cpus=1, memory=f'{256 + nr_luns // 5}M', timeout=300, lun=(),
            cmdline='log_buf_len=16M',  # what the kernel says of each LUN is all looked at
            device=(f'--config max_target={targets} --lun {luns}',)))
        self._nr_luns = nr_luns
        self._marks = {}

    def _verb_mark(self, name):
        tasks = f'/proc/{self.process.pid}/task'
        on_cpu_ns = 0
        for task in os.listdir(tasks):
            with open(f'{tasks}/{task}/schedstat', encoding='ascii') as file:
                on_cpu_ns += int(file.read().split()[0])
        self._marks[name] = time.monotonic(), on_cpu_ns / 1e9
        return ''

    def after_case(self, outcome):
        """Which rules the in-tree driver breaks is no matter here."""
        if self.kernel.driver == 'ours':
            super().after_case(outcome)

    def verbs(self):
        return dict(super().verbs(), mark=self._verb_mark, luns=lambda _: str(self._nr_luns))

    def measure(self):
        """One scan: {quantity: value}."""
        self.boot()
        outcome = self.run(self.case, Outcome())
        if outcome.reasons:
            raise GuestError('\n'.join(outcome.reasons + outcome.output[-5:]))
        stats = json.loads(self.device.tell('stats'))
        begin, scanned, end = (self._marks[name] for name in ('begin', 'scanned', 'end'))
        return {'commands': sum(queue['commands'] for queue in stats['queues']),
                'ready_ms': stats['last_ns'] / 1e6 - 1e3 * begin[0],
                'cpu_ms': 1e3 * (end[1] - begin[1]), 'scan_ms': 1e3 * (scanned[0] - begin[0]),
                'memory_kib': int(re.search(r'^memory (\d+)$', '\n'.join(outcome.output), re.M)[1])}


def rounds(nr_luns, number):
    """{driver: [{quantity: value} of each round]}, the drivers taking turns at going first."""
    made = {name: kernels.Kernel('uml', name, '', os.path.join(procs.tempdir(), name)) for name in _DRIVERS}
    found = {name: [] for name in _DRIVERS}
    for turn in range(number):
        for name in _DRIVERS if turn % 2 else _DRIVERS[::-1]:
            guest = Scanned(made[name], nr_luns)
            try:
                found[name].append(guest.measure())
            finally:
                guest.kill()
    return found


def interval(ratios):
    """Where the median lies with 95 per cent, whatever the distribution (sign test)."""
    number, outside, below = len(ratios), 0, 0.5 ** len(ratios)
    while 2 * (below + math.comb(number, outside + 1) * 0.5 ** number) <= 0.05:
        outside += 1
        below += math.comb(number, outside) * 0.5 ** number
    return sorted(ratios)[outside], sorted(ratios)[number - 1 - outside]


def judge(found, nr_luns):
    """Print the table; what is worse than it may be."""
    bad = []
    print(f'{nr_luns} LUNs, {len(found["ours"])} rounds. For each LUN, medians; the ratio with its interval of 95 %:')
    print(f"{'':<22}{'in-tree':>10}{'ours':>10}{'ratio':>8}")
    for quantity, title in _TITLES.items():
        values = [[one[quantity] / nr_luns for one in found[name]] for name in _DRIVERS]
        intree, ours = (statistics.median(of) for of in values)
        ratios = [after / before for before, after in zip(*values)]
        least, most = interval(ratios)
        print(f'{title:<22}{intree:>10.2f}{ours:>10.2f}{statistics.median(ratios):>8.3f}   {least:.3f} - {most:.3f}')
        if quantity == 'commands':
            if ours > intree:
                bad.append(f'{ours - intree:.2f} commands more for each LUN than with the in-tree driver')
        elif least > _WORST:
            bad.append(f'{title}: at least {least:.3f} x in-tree, more than {_WORST}')
    return bad


def main():
    if len(sys.argv) != 3 or not all(word.isdigit() and int(word) for word in sys.argv[1:]):
        sys.exit(f'usage: {os.path.basename(sys.argv[0])} NR_LUNS ROUNDS')
    nr_luns, number = int(sys.argv[1]), int(sys.argv[2])
    if number < _LEAST_ROUNDS:
        sys.exit(f'scale: {number} rounds say nothing, at least {_LEAST_ROUNDS} do')
    procs.install()
    try:
        found = rounds(nr_luns, number)
    except (kernels.BuildError, kernels.Missing, GuestError) as error:
        sys.exit(f'scale: {error}')
    bad = judge(found, nr_luns)
    for line in bad:
        print(f'FAIL: {line}')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
