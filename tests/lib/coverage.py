# SPDX-License-Identifier: GPL-2.0-or-later
"""Which lines of the driver the tests have reached, by GCOV in uml-debug guests.

Each guest leaves its counters when it powers off; they are added up (gcov-tool), laid
over the source (gcov), and printed: a line for each file, then each stretch of lines
that nothing has reached.  A guest that was killed leaves nothing.
"""
import glob
import json
import os
import shutil
import subprocess
import threading

KERNEL = 'uml-debug'


def _run(*argv, **kwargs):
    return subprocess.run(argv, check=True, capture_output=True, text=True, **kwargs)


class Coverage:
    """The sum over the guests of one build of the module."""

    def __init__(self, module, workdir):
        self.objects = os.path.dirname(module)
        self.sum = os.path.join(workdir, 'coverage')
        self.guests = 0
        self._lock = threading.Lock()

    def collect(self, folder):
        """Add what a guest has left in the folder."""
        with self._lock:
            if not os.path.isdir(folder) or not os.listdir(folder):
                return
            self.guests += 1
            if self.guests == 1:
                shutil.copytree(folder, self.sum)
                return
            merged = self.sum + '.new'
            _run('gcov-tool', 'merge', '-o', merged, self.sum, folder)
            shutil.rmtree(self.sum)
            os.rename(merged, self.sum)

    def report(self):
        """The lines of text to print."""
        if not self.guests:
            return ['coverage: no guest has left any']
        lines, total, reached = [], 0, 0
        for data in sorted(glob.glob(os.path.join(self.sum, '*.gcda'))):
            for path, counts in _lines(data, self.objects):
                hit = sum(1 for count in counts.values() if count)
                total += len(counts)
                reached += hit
                lines.append(f'{os.path.basename(path):20} {hit:4} of {len(counts):4} lines, '
                             f'{100 * hit / len(counts):5.1f} %')
                lines += [f'  not reached: {stretch}' for stretch in _gaps(path, counts)]
        return [f'coverage of {self.guests} guests: {reached} of {total} lines, '
                f'{100 * reached / max(total, 1):.1f} %', *lines]


def _lines(data, objects):
    """(source file, {line: count}) of each source file of ours in an object."""
    name = os.path.basename(data).removesuffix('.gcda')
    shutil.copyfile(os.path.join(objects, f'{name}.gcno'), data.removesuffix('.gcda') + '.gcno')
    out = _run('gcov', '--json-format', '--stdout', data, cwd=os.path.dirname(data)).stdout
    for file in json.loads(out)['files']:
        path = os.path.realpath(os.path.join(objects, file['file']))
        if f'/drivers/scsi/virtio_scsi/{name}.c' in path:
            counts = {}
            for line in file['lines']:
                number = line['line_number']
                counts[number] = counts.get(number, 0) + line['count']
            if counts:
                yield path, counts


def _gaps(path, counts):
    """`first-last: the first line's text` of each stretch that nothing reached."""
    with open(path, encoding='utf-8') as file:
        text = file.read().split('\n')
    stretch = []
    for number in [*sorted(counts), None]:
        if number is not None and not counts[number]:
            stretch.append(number)
        elif stretch:
            span = str(stretch[0]) if len(stretch) == 1 else f'{stretch[0]}-{stretch[-1]}'
            yield f'{span}: {text[stretch[0] - 1].strip()}'
            stretch = []
