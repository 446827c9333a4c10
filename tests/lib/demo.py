# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest of scripts/demo: boot it, show what it does as it does it, sum up.

The same machinery as for a test case, with a terminal as the audience.
"""
import os
import sys
import time

import kernels
import procs
from cases import Case
from guest import GuestError, Outcome
from qemu import Qemu, accelerator

CASE = Case(name='../guest/demo', path='', claim='the driver at work', cpus=4,
            hba=('virtio-scsi-pci,num_queues=4',), timeout=240,
            lun=('disk serial=demo-disk', 'cd target=1 text=Greetings_from_the_optical_disc size=16M',
                 'disk target=2 lun=0 size=32M', 'disk target=2 lun=300 size=32M'))
_COLOURS = {'heading': '1', 'good': '32', 'bad': '1;31', 'faint': '2'} if sys.stdout.isatty() else {}


def show(text, colour=None):
    code = _COLOURS.get(colour)
    print(f'\033[{code}m{text}\033[0m' if code else text, flush=True)


class Screen(Outcome):
    """Prints what the guest says, and keeps each step's verdict."""

    def __init__(self):
        super().__init__()
        self.good, self.bad = [], []

    def add_output(self, line):
        super().add_output(line)
        word, _, rest = line.partition(' ')
        if word == '==':
            show(f'\n{rest}', 'heading')
        elif word == '$' or word.startswith('+'):
            pass
        elif word == 'ok:':
            self.good.append(rest)
            show('  ok', 'good')
        elif word == 'BAD:':
            self.bad.append(rest)
            show('  WENT WRONG', 'bad')
        else:
            show(f'  {line}')


def main():
    procs.install()
    try:
        show('Preparing Linux 7.3 from Debian and our module for it', 'heading')
        kernel = kernels.Kernel('7.3', 'ours', '', procs.tempdir())
        show(f'  {os.path.relpath(kernel.built, kernels.TOP)}, for {kernel.release}')
        show('\nBooting a virtual machine with a virtio-scsi-pci adapter', 'heading')
        guest = Qemu(kernel, CASE)
        try:
            seconds = guest.boot()
        except GuestError as error:
            guest = guest.another(error)
            show(f'  {error}, once more')
            seconds = guest.boot()
    except (kernels.BuildError, kernels.Missing, GuestError) as error:
        show(f'demo: {error}', 'bad')
        return 1
    show(f'  up in {seconds:.1f} s ({accelerator(kernel)})')
    screen = guest.run(CASE, Screen())
    console = guest.console_text()
    started = time.monotonic()
    show('\nPowering off', 'heading')
    if guest.close():
        screen.good.append('the machine powers off by itself')
        show(f'  done in {time.monotonic() - started:.1f} s')
    else:
        screen.bad.append('the machine did not power off by itself')
    # The guest's own verdict repeats what the steps said; the rest is news.
    screen.bad += [reason for reason in screen.reasons if not (screen.bad and reason.startswith('exit'))]

    show(f'\nWhat worked ({len(screen.good)} of {len(screen.good) + len(screen.bad)})', 'heading')
    for title in screen.good:
        show(f'  ok     {title}', 'good')
    for title in screen.bad:
        show(f'  WRONG  {title}', 'bad')
    if not screen.bad and screen.good:
        return 0
    log = os.path.join(kernels.TOP, 'build', 'log', 'demo')
    with open(log, 'w', encoding='utf-8') as file:
        file.write('\n'.join([*screen.transcript, '', *screen.log, '', console, '']))
    show(f'\nlog: {os.path.relpath(log)}')
    return 1


if __name__ == '__main__':
    sys.exit(main())
