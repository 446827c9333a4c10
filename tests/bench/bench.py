#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare our driver with the in-tree one and with other adapters' (see scripts/bench).

Counts are taken in a guest whose instructions a plugin counts. With one CPU its clock
counts instructions as well, so its times repeat. With several CPUs times are taken in
another guest, without the plugin, on the host's clock: the drivers take turns, so that
what else the machine does strikes all of them.
"""
import argparse
import collections
import dataclasses
import datetime
import json
import os
import shlex
import statistics
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, 'tests', 'lib')]
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import kernels
import procs
import report
import scan
from guest import GuestError
from measure import Guest, plugin
from workloads import DEVICES, WORKLOADS


# What else this machine does can only make a run slower, so of two in a row the better counts.
RUNS = 2


def say(text):
    print(f'bench: {text}', file=sys.stderr, flush=True)


def machines(workloads):
    """The workloads by the machine that they need."""
    groups = collections.defaultdict(list)
    for workload in workloads:
        groups[workload.machine].append(workload)
    return groups.values()


def in_turn(guest, workloads, devices, do):
    """Load each driver once, and do(workload, device, disk) for all of its workloads."""
    for name in devices:
        device = DEVICES[name]
        for parameters in dict.fromkeys(workload.parameters for workload in workloads):
            mine = [workload for workload in workloads
                    if name in workload.devices and workload.parameters == parameters]
            if not mine:
                continue
            disk = guest.load(device, parameters)
            for workload in mine:
                do(workload, device, disk)
            guest.unload(device)


def count(kernel, insn, workloads, devices, results):
    for group in machines(workloads):
        say(f'counting: {", ".join(workload.name for workload in group)}')
        guest = Guest(kernel, group[0], insn)

        def one(workload, device, disk):
            figures = results[workload.name][device.name]
            figures.update(guest.count(workload, device, disk))
            if workload.cpus > 1 and device.is_virtio_scsi:
                figures.update(guest.hold(workload, device, disk))
        in_turn(guest, group, devices, one)
        guest.close()


def count_scan(kernel, insn, results):
    say(f'counting: {scan.NAME}')
    guest = scan.Scan(kernel, insn)
    for name in ('ours', 'intree'):
        results[scan.NAME][name].update(guest.count(name))
    guest.close()


def clock(kernel, workloads, devices, rounds, results):
    for group in machines(workloads):
        say(f'timing, {rounds} rounds: {", ".join(workload.name for workload in group)}')
        guest = Guest(kernel, group[0])

        def one(workload, device, disk):
            runs = [guest.fio(workload, disk, workload.nr_ios[1]) for _ in range(RUNS)]
            for what, value in max(runs, key=lambda run: run['iops']).items():
                results[workload.name][device.name].setdefault(what, []).append(value)
        for number in range(rounds):
            # Who comes first is at an advantage or not; let it be each in turn.
            in_turn(guest, group, devices if number % 2 else devices[::-1], one)
        guest.close()


def compare(results):
    """Ratios to the in-tree driver: of counts one, of times the median of the rounds' and their spread."""
    for figures in results.values():
        base = figures.get('intree', {})
        for name, mine in figures.items():
            ratios = {}
            for what, value in mine.items():
                if what not in base or what in ('functions', 'spread'):
                    continue
                if isinstance(value, list):
                    pairs = sorted(one / other for one, other in zip(value, base[what]) if other)
                    if pairs:
                        ratios[what] = [statistics.median(pairs), pairs[0], pairs[-1]]
                elif base[what]:
                    ratios[what] = value / base[what]
            mine['ratio'] = ratios
        for mine in figures.values():
            for what in ('iops', 'p50_us', 'p99_us', 'cpu'):
                if isinstance(mine.get(what), list):
                    mine[what] = statistics.median(mine[what])


def pair_of_numbers(text):
    short, long = map(int, text.split(','))
    return short, long


def main():
    parser = argparse.ArgumentParser(prog='bench', description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--quick', action='store_true', help='the most telling figures, in some minutes')
    parser.add_argument('--kernel', default='7.3', choices=('6.1', '6.12', '7.3'), help='guest kernel (7.3)')
    parser.add_argument('--rounds', type=int, default=None,
                        help='how often to time each workload (3, quick: 2; 0: count only)')
    parser.add_argument('--devices', default='', help='drivers, with commas (all; quick: all but nvme and pvscsi)')
    parser.add_argument('--workloads', default='', help='only those whose name contains this')
    parser.add_argument('--ios', type=pair_of_numbers, metavar='SHORT,LONG',
                        help="I/Os per job in the short and the long run (each workload's own, mostly 2000,22000)")
    parser.add_argument('--functions', action='store_true', help='print the instructions of single functions')
    parser.add_argument('--out', default=os.path.join(TOP, 'build', 'bench'), help='where results go (build/bench)')
    options = parser.parse_args()
    devices = (options.devices or ('ours,intree,virtio-blk' if options.quick
                                   else ','.join(DEVICES))).split(',')
    workloads = [workload for workload in WORKLOADS
                 if (workload.is_quick or not options.quick) and options.workloads in workload.name]
    if options.ios:
        workloads = [dataclasses.replace(workload, nr_ios=options.ios) for workload in workloads]
    is_scanned = options.workloads in scan.NAME and {'ours', 'intree'} <= set(devices)
    if not (workloads or is_scanned) or not set(devices) <= set(DEVICES):
        parser.error(f"devices are {','.join(DEVICES)}; workloads: {', '.join(w.name for w in WORKLOADS)}, {scan.NAME}")

    procs.install()
    started = datetime.datetime.now()
    results = collections.defaultdict(lambda: collections.defaultdict(dict))
    try:
        kernel = kernels.Kernel(options.kernel, 'ours', '', procs.tempdir())
        insn = plugin(TOP, lambda argv: subprocess.run(argv, check=True))
        count(kernel, insn, workloads, devices, results)
        if is_scanned:
            count_scan(kernel, insn, results)
        rounds = options.rounds if options.rounds is not None else 2 if options.quick else 3
        if rounds:
            clock(kernel, [workload for workload in workloads if workload.cpus > 1], devices, rounds, results)
    except (kernels.BuildError, kernels.Missing, GuestError, subprocess.CalledProcessError, ValueError) as error:
        say(error)
        return 1
    compare(results)
    version = subprocess.run([kernels.program('qemu-system-x86_64'), '--version'], capture_output=True,
                             text=True, check=True).stdout.split('\n')[0]
    commit = subprocess.run(['git', '-C', TOP, 'describe', '--always', '--dirty'], capture_output=True,
                            text=True, check=False).stdout.strip()
    document = {'date': f'{started:%Y-%m-%d}', 'minutes': round((datetime.datetime.now() - started).seconds / 60, 1),
                'kernel': kernel.release, 'qemu': version, 'commit': commit,
                'command': shlex.join(['scripts/bench', *sys.argv[1:]]), 'results': results}
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, 'bench.json'), 'w', encoding='utf-8') as file:
        json.dump(document, file, indent=1)
    report.table(document)
    if options.functions:
        report.functions(document)
    report.page(document, options.out)
    report.plots(document, options.out)
    return 0


if __name__ == '__main__':
    sys.exit(main())
