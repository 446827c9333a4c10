# SPDX-License-Identifier: GPL-2.0-or-later
"""The results as a table for the terminal, and as plots."""
import os
import subprocess
import sys

from symbols import PARTS

_BOLD = ('\033[1m', '\033[0m') if sys.stdout.isatty() else ('', '')

# Column, its heading, how to print the value.
_COLUMNS = (
    ('instructions', 'insns', '{:.0f}'), ('driver', 'driver', '{:.0f}'), ('helpers', 'helpers', '{:.0f}'), ('ring', 'ring', '{:.0f}'),
    ('scsi', 'scsi', '{:.0f}'), ('block', 'block', '{:.0f}'), ('sched', 'sched', '{:.0f}'), ('rest', 'rest', '{:.0f}'),
    ('spread', 'spread', '{:.2%}'), ('allocations', 'allocs', '{:.2f}'), ('descriptors', 'descs', '{:.1f}'),
    ('doorbells', 'bells', '{:.2f}'), ('interrupts', 'irqs', '{:.2f}'), ('iops', 'IOPS', '{:.0f}'),
    ('p50_us', 'p50 us', '{:.0f}'), ('p99_us', 'p99 us', '{:.0f}'), ('cpu', 'CPU', '{:.2f}'),
    ('hold_mean', 'hold', '{:.0f}'), ('hold_reap', 'longest reap', '{:.0f}'),
    ('hold_add', 'longest add', '{:.0f}'))


_NR_FUNCTIONS = 20

_PAGE = """.. SPDX-License-Identifier: GPL-2.0-or-later

==========
Benchmarks
==========

What one I/O costs. Instructions of the driver, of small helpers that a driver calls or has inline, of the
ring (virtio core) and of the whole kernel; the spread is that of two counts of the whole kernel. IOPS and 99th
percentile of latency are in virtual time; with several CPUs they are ratios of wall-clock times, with the
smallest and largest of the rounds. In brackets: the ratio to the in-tree driver. How it is measured is in
:doc:`/testing`.

{date}, commit {commit}, guest Linux {kernel}, {qemu}: ``{command}``, {minutes} minutes.
This page is build/bench/benchmarks.rst of that run.

.. csv-table::
   :header-rows: 1

"""


def _ratio(value):
    """A ratio; of times with the least and the greatest of the rounds."""
    if isinstance(value, list):
        return '{:.2f}'.format(value[0]), '{:.2f}-{:.2f}'.format(value[1], value[2])
    return '{:.2f}'.format(value), ''


def table(document):
    print(f"\n{document['date']}, Linux {document['kernel']}, {document['qemu']}, commit {document['commit']}")
    print('Per I/O: kernel instructions (of these: driver, ring, SCSI core), allocations, descriptors, doorbells,')
    print('interrupts; hold: instructions under the queue lock. In brackets the ratio to in-tree, of times the')
    print('median of the rounds; below it the least and the greatest.')
    for workload, figures in document['results'].items():
        columns = [column for column in _COLUMNS if any(column[0] in mine for mine in figures.values())]
        print(f"\n{_BOLD[0]}{workload}{_BOLD[1]}")
        print(' ' * 12 + ''.join(f'{heading:>15}' for _, heading, _ in columns))
        for name, mine in figures.items():
            line, spread = f'  {name:<10}', ' ' * 12
            for what, _, form in columns:
                value = form.format(mine[what]) if what in mine else '-'
                first, second = _ratio(mine['ratio'][what]) if what in mine['ratio'] and name != 'intree' else ('', '')
                plain = f'{value} [{first}]' if first else value
                bold = plain.replace(first, f'{_BOLD[0]}{first}{_BOLD[1]}') if first else plain
                line += ' ' * (15 - len(plain)) + bold
                spread += f'{second:>15}'
            print(line + ('\n' + spread.rstrip() if spread.strip() else ''))


def functions(document):
    """Where the instructions are: the driver's functions, and the largest others."""
    for workload, figures in document['results'].items():
        for name, mine in figures.items():
            insns = mine.get('functions', {})  # largest first
            driver = [one for one in insns if one.startswith('virtio_scsi:')]
            others = [one for one in insns if one not in driver][:_NR_FUNCTIONS]
            print(f'\n{workload}, {name}:')
            for one in driver + others:
                print(f'  {insns[one]:8.1f} {one}')


def page(document, out):
    """The same with fewer columns, as a page for Documentation/results."""
    counts = ('driver', 'helpers', 'ring', 'instructions', 'spread', 'allocations', 'descriptors', 'doorbells',
              'interrupts')
    times = ('iops', 'p99_us')
    rows = [['workload', '', 'driver', 'helpers', 'ring', 'all kernel', 'spread', 'allocations', 'descriptors',
             'doorbells', 'interrupts', 'IOPS', 'p99 us']]
    forms = {what: form for what, _, form in _COLUMNS}
    for workload, figures in document['results'].items():
        for name, mine in figures.items():
            cells = [workload if name == next(iter(figures)) else '', name]
            for what in counts:
                value = forms[what].format(mine[what]) if what in mine else ''
                ratio = mine['ratio'].get(what)
                cells.append(f'{value} [{ratio:.2f}]' if ratio and name != 'intree' else value)
            for what in times:
                first, second = _ratio(mine['ratio'][what]) if what in mine['ratio'] else ('', '')
                if second:
                    cells.append(f'{first} ({second})' if name != 'intree' else '')
                else:
                    value = forms[what].format(mine[what]) if what in mine else ''
                    cells.append(f'{value} [{first}]' if first and name != 'intree' else value)
            rows.append(cells)
    with open(os.path.join(out, 'benchmarks.rst'), 'w', encoding='utf-8') as file:
        file.write(_PAGE.format(**document))
        for cells in rows:
            file.write('   ' + ','.join(f'"{cell}"' for cell in cells) + '\n')


def _gnuplot(out, name, rows, commands):
    data = os.path.join(out, f'{name}.dat')
    with open(data, 'w', encoding='utf-8') as file:
        for row in rows:
            file.write('\t'.join(str(cell) for cell in row) + '\n')
    script = (f"set terminal svg size 960,480 font 'sans,13' background 'white'\nset output '{out}/{name}.svg'\n"
              "set style fill solid 0.9 border -1\nset style data histograms\nset boxwidth 0.8\n"
              "set grid ytics lc '#dddddd'\nset border 3\nset tics nomirror\nset datafile separator tab\n"
              "set key outside right top\n" + commands.format(data=data))
    subprocess.run(['gnuplot'], input=script, text=True, check=True)


def plots(document, out):
    """Instructions by part, and IOPS against the in-tree driver."""
    results = document['results']
    named = [(f'{device}\\n{workload}', mine) for workload, figures in results.items()
             for device, mine in figures.items() if workload.startswith('4k read, depth') and 'driver' in mine]
    if named:
        rows = [['x', *PARTS]] + [[name, *(round(mine[part]) for part in PARTS)] for name, mine in named]
        _gnuplot(out, 'instructions', rows,
                 "set style histogram rowstacked\nset title 'Guest kernel instructions per I/O, by part'\n"
                 "set xtics rotate by -45 font ',10'\n"
                 "plot for [i=2:%d] '{data}' using i:xtic(1) title columnheader(i)\n" % (len(PARTS) + 1))
    ratios = [(workload, figures['ours']['ratio']) for workload, figures in results.items()
              if isinstance(figures.get('ours', {}).get('ratio', {}).get('iops'), list)]
    if ratios:
        rows = [['x', 'IOPS', 'least', 'greatest']] + [[name, *ratio['iops']] for name, ratio in ratios]
        _gnuplot(out, 'iops', rows,
                 "set style histogram errorbars lw 1.5\nset title 'IOPS, ours / in-tree: median and range'\n"
                 "set yrange [0:*]\nset xtics rotate by -45 font ',10'\n"
                 "plot '{data}' using 2:3:4:xtic(1) title 'ours / in-tree', 1 lc 'black' title 'equal'\n")
    print(f"\n{os.path.relpath(out)}: bench.json, benchmarks.rst" + ''.join(
        f', {name}' for name in ('instructions.svg', 'iops.svg') if os.path.exists(os.path.join(out, name))))
