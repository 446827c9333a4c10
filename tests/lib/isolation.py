# SPDX-License-Identifier: GPL-2.0-or-later
"""The isolation table: who is hurt when a LUN is in trouble.

Runs the cases of tests/cases/isolation with the in-tree driver and with ours, by default
and with the full ladder, on each QEMU, on vhost-scsi and on our device in User-Mode Linux.
Each run is a guest of its own. What was found is kept in build/isolation.json, so that a
part can be repeated, and as soon as nothing is missing it is written to
Documentation/results/isolation.rst. The exit status is 1 when ours by default fails a case
or is worse than in-tree.
"""
import argparse
import concurrent.futures
import dataclasses
import datetime
import json
import os
import subprocess
import sys
import textwrap

import cases as caselib
import kernels
import procs
import vhost
from guest import GuestError
from qemu import Qemu
from uml import Uml

TARGET = os.path.join(kernels.TOP, 'Documentation', 'results', 'isolation.rst')
KEPT = os.path.join(kernels.TOP, 'build', 'isolation.json')
_COLUMNS = {'in-tree': ('intree', ''), 'default': ('ours', ''), 'ladder': ('ours', 'full')}
_TITLES = {'in-tree': 'in-tree', 'default': 'ours by default', 'ladder': 'ours, full ladder'}
# The host of a row: the suite whose QEMU it is, '' for the one that is installed.
_DEVICE = 'tests/device'
_VHOST = 'vhost-scsi'
# The oldest QEMU that passes on what vhost-scsi says of LUNs that come and go.
_VHOST_QEMU = 'trixie-backports'
_EMULATORS = ('', *caselib.EMULATORS)
_HEAD = """.. SPDX-License-Identifier: GPL-2.0-or-later

===============
Isolation table
===============

A LUN is in trouble: who else is hurt? Each cell is one run of a case of
``tests/cases/isolation``, which first watches for equally long without the trouble. The LUN
has verified I/O in flight; its SCSI timer is 2 seconds instead of 30, so a minute is scaled
to 4 seconds. The trouble lasts 20 seconds where the case does not say otherwise.

*pause*
    the longest time without a completed read from a healthy LUN of the same HBA, which is
    read every 20 ms; its errors; its reads, in percent of those without the trouble
*other HBA*
    the longest such time on another HBA
*clock*
    the longest time that the guest's clock jumped, or lagged behind the host's
*resize*, *add*
    when a resize of another LUN, and a LUN plugged in elsewhere, were seen in the guest.
    From QEMU 10 on there is no resize: QEMU itself stops the guest for it while I/O hangs.
    vhost-scsi has no event for it
*LUN*
    what came of the LUN's own I/O, and how long after the trouble it went on
*unbind*, *suspend*
    how long that took

A cell with **bold** words failed its case. With the full ladder nothing is judged: it is the
administrator's choice.

"""
_NAMES = (('healthy_pause', 'pause {} s'), ('healthy_errors', '{} errors'), ('healthy_ios', '{} % I/O'),
          ('other_pause', 'other HBA {} s'), ('clock', 'clock {} s'), ('resize', 'resize {} s'), ('add', 'add {} s'),
          ('stuck', 'LUN {}'), ('took', 'after {} s'), ('unbind', 'unbind {} s'), ('suspend', 'suspend {} s'), ('resets', '{} resets'),
          ('given_up', 'given up {} times'), ('hung_tasks', '{} hung tasks'))
_ONLY_IF_SOME = ('resets', 'given_up', 'hung_tasks')
_RANK = {'right': 0, 'error': 1, 'hang': 2}


@dataclasses.dataclass
class Cell:
    values: dict
    reasons: list
    is_skipped: bool = False
    commit: str = ''
    date: str = ''

    def text(self):
        if self.is_skipped:
            return 'not there'
        said = [words.format(self.values[key]) for key, words in _NAMES if key in self.values
                and self.values[key] != 'none' and not (key in _ONLY_IF_SOME and self.values[key] == '0')]
        text = ', '.join(said).replace('never s', 'never')
        if self.reasons:
            text = f"{text} **{self.reasons[0].replace('*', '')}**".strip()
        return text


def _seconds(value):
    return 1e9 if value == 'never' else float(value)


def worse(ours, intree):
    """In what a cell of ours is worse than in-tree's, by more than noise."""
    found = []
    for key in ('healthy_pause', 'other_pause', 'clock', 'resize', 'add', 'unbind', 'suspend'):
        pair = [cell.values.get(key, 'none') for cell in (ours, intree)]
        if 'none' not in pair and _seconds(pair[0]) > _seconds(pair[1]) + 1:
            found.append(f'{key} {pair[0]} s instead of {pair[1]} s')
    if int(ours.values.get('healthy_errors', 0)) > int(intree.values.get('healthy_errors', 0)):
        found.append('errors of a healthy LUN')
    if _RANK.get(ours.values.get('stuck'), 3) > _RANK.get(intree.values.get('stuck'), 3):
        found.append(f"the LUN's I/O: {ours.values.get('stuck')} instead of {intree.values.get('stuck')}")
    return found


def run(kernel, case):
    cell = play(kernel, case)
    cell.commit, cell.date = commit(), str(datetime.date.today())
    return cell


def play(kernel, case):
    guest = (Uml if kernel.is_uml else vhost.VhostQemu if vhost.is_asked_for(case) else Qemu)(kernel, case)
    try:
        try:
            guest.boot()
        except GuestError as error:
            guest = guest.another(error)
            guest.boot()
        outcome = guest.run(case)
        if outcome.reasons:
            keep_log(kernel, case, outcome, guest)
    except (GuestError, kernels.Missing, OSError) as error:
        return Cell({}, [f'no guest: {error}'])
    finally:
        guest.kill()
    if outcome.skipped:
        return Cell({}, [], True)
    values = dict(word.split('=', 1) for line in outcome.output if line.startswith('RESULT ')
                  for word in line.split()[1:])
    said = [line.removeprefix('FAIL: ') for line in outcome.output if line.startswith('FAIL: ')]
    return Cell(values, said + outcome.reasons)


def keep_log(kernel, case, outcome, guest):
    host = _VHOST if vhost.is_asked_for(case) else case.emulator or kernel.name
    name = '-'.join(['isolation-table', case.name.split('/')[1], host, kernel.driver])
    os.makedirs(os.path.join(kernels.TOP, 'build', 'log'), exist_ok=True)
    with open(os.path.join(kernels.TOP, 'build', 'log', name), 'w', encoding='utf-8') as file:
        file.write('\n'.join([*outcome.transcript, '', *outcome.log, '', guest.said(), '']))


def on_vhost(case):
    """The case on vhost-scsi, which has one HBA and the storage of device-mapper; None where that cannot be."""
    if case.hba[0] != 'virtio-scsi-pci' or case.image != 'vmlinux' or not any(lun.startswith('nbd-disk') for lun in case.lun):
        return None
    luns = tuple(lun.replace('nbd-disk', 'disk') for lun in case.lun if 'hba=' not in lun)
    # QEMU knows the targets that are there when it starts.
    return dataclasses.replace(case, hba=(f'{vhost.HBA},hotplug=on',), lun=(*luns, 'disk target=4 lun=9'), cpus=1,
                               emulator=_VHOST_QEMU, timeout=2 * case.timeout)


def rows_of(chosen, hosts):
    for case in chosen:
        if 'uml' in case.kernels:
            if _DEVICE in hosts:
                yield case, _DEVICE
        else:
            yield from ((dataclasses.replace(case, emulator=host), host)
                        for host in _EMULATORS if host in hosts and host >= case.emulator)
            if _VHOST in hosts and (there := on_vhost(case)):
                yield there, _VHOST


def run_column(column, rows, jobs, work):
    driver, os.environ['VSCSI_LADDER'] = _COLUMNS[column]
    made = {}
    for name in sorted({'uml' if host == _DEVICE else '7.3' for _, host in rows}):
        scratch = os.path.join(work, f'{column}-{name}')
        os.mkdir(scratch)
        made[name] = kernels.Kernel(name, driver, '', scratch)

    def one(row):
        case, host = row
        cell = run(made['uml' if host == _DEVICE else '7.3'], case)
        print(f"{case.name.split('/')[1]} | {title(host)} | {_TITLES[column]} | {cell.text()}", flush=True)
        return cell

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for row, cell in zip(rows, pool.map(one, rows)):
            keep(column, row, cell)


def key(row):
    case, host = row
    return f"{case.name.split('/')[1]} on {title(host)}"


def kept():
    """What was found so far: {column: {key of a row: Cell}}."""
    try:
        with open(KEPT, encoding='utf-8') as file:
            found = json.load(file)
    except FileNotFoundError:
        found = {}
    return {column: {row: Cell(**cell) for row, cell in found.get(column, {}).items()} for column in _COLUMNS}


def keep(column, row, cell):
    found = kept()
    found[column][key(row)] = cell
    with open(KEPT + '.new', 'w', encoding='utf-8') as file:
        json.dump({name: {one: dataclasses.asdict(it) for one, it in cells.items()} for name, cells in found.items()}, file)
    os.replace(KEPT + '.new', KEPT)


def commit():
    return subprocess.run(['git', '-C', kernels.TOP, 'describe', '--always', '--dirty'], capture_output=True,
                          text=True, check=True).stdout.strip()


_versions = {}


def title(host):
    if host in (_DEVICE, _VHOST):
        return 'our device' if host == _DEVICE else host
    if host not in _versions:
        path = kernels.emulator(host) if host else kernels.program('qemu-system-x86_64')
        said = subprocess.run([path, '--version'], capture_output=True, text=True, check=True).stdout
        _versions[host] = f'QEMU {said.split()[3]}'
    return _versions[host]


def judge(rows, found):
    """What of ours by default fails, and in what it is worse than in-tree."""
    verdict = []
    for row in map(key, rows):
        ours, intree = found['default'].get(row), found['in-tree'].get(row)
        if ours and ours.reasons:
            verdict.append(f'{row} fails: {ours.reasons[0]}')
        if ours and intree:
            verdict += [f'{row} is worse than in-tree: {words}' for words in worse(ours, intree)]
    return verdict


def document(rows, columns, found, verdict):
    lines = ['.. list-table::', '   :header-rows: 1', '']
    def line(words):
        for number, word in enumerate(words):
            lines.append(f"   {'*' if number == 0 else ' '} - {word}")
    line(['trouble', 'host', *(_TITLES[column] for column in columns)])
    for row in rows:
        line([f"``{row[0].name.split('/')[1]}``", title(row[1]), *(found[column][key(row)].text() for column in columns)])
    claims = dict((case.name.split('/')[1], case.claim) for case, _ in rows)
    for name, claim in claims.items():
        lines += ['', f'``{name}``', *textwrap.wrap(claim, 92, initial_indent='    ', subsequent_indent='    ')]
    said = []
    for column in columns:
        shares = sorted(int(cell.values['healthy_ios']) for cell in (found[column][key(row)] for row in rows)
                        if 'healthy_ios' in cell.values)
        if shares:
            said.append(f'{_TITLES[column]}: half of the runs have {shares[len(shares) // 2]} % of the I/O or more')
    said += verdict or ['no cell of ours by default fails or is worse than in-tree'] * ('default' in columns)
    made = sorted({f'{cell.date} ({cell.commit})' for column in columns for cell in (found[column][key(row)] for row in rows)})
    return '\n'.join([*lines, '', *(f'| {text}' for text in said), '', f"``make isolation``, {', '.join(made)}.", ''])


def main():
    parser = argparse.ArgumentParser(prog='isolation', description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('name', nargs='*', help='cases of the group isolation (all)')
    parser.add_argument('--host', action='append', choices=('7.2', *caselib.EMULATORS, 'vhost', 'device'),
                        help='only there: the QEMU that is installed or another suite\'s, vhost-scsi, or our device (repeatable)')
    parser.add_argument('--column', action='append', choices=tuple(_COLUMNS), help='only this one (repeatable)')
    parser.add_argument('-j', '--jobs', type=int, default=2, help='guests at a time (2)')
    options = parser.parse_args()
    everything = caselib.load_all(os.path.join(kernels.TESTS, 'cases'))
    try:
        chosen = caselib.select(everything, [f'isolation/{name}' for name in options.name] or ['isolation'])
    except caselib.CaseError as error:
        sys.exit(f'isolation: {error}')
    hosts = [{'7.2': '', 'device': _DEVICE, 'vhost': _VHOST}.get(host, host) for host in options.host or ()] or [
        *_EMULATORS, _VHOST, _DEVICE]
    columns = options.column or list(_COLUMNS)
    rows = list(rows_of(chosen, hosts))
    procs.install()
    work = procs.tempdir()
    os.makedirs(os.path.dirname(KEPT), exist_ok=True)
    for column in columns:
        run_column(column, rows, options.jobs, work)
    found = kept()
    print(document(rows, columns, found, judge(rows, found)))
    rows = list(rows_of(caselib.select(everything, ['isolation']), [*_EMULATORS, _VHOST, _DEVICE]))
    missing = [f'{key(row)} ({column})' for row in rows for column in _COLUMNS if key(row) not in found[column]]
    if missing:
        print(f'isolation: no table is written, {len(missing)} cells have not been run yet, among them {missing[0]}')
    else:
        os.makedirs(os.path.dirname(TARGET), exist_ok=True)
        with open(TARGET, 'w', encoding='utf-8') as file:
            file.write(_HEAD + document(rows, list(_COLUMNS), found, judge(rows, found)))
    return 1 if judge(rows, found) else 0


if __name__ == '__main__':
    sys.exit(main())
