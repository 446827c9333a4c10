# SPDX-License-Identifier: GPL-2.0-or-later
"""Our driver without its counters, built aside, to see what counting costs.

The driver has no such option, so it is a copy of the sources that is changed: what is
counted for each command, and for each buffer of a virtqueue, goes.
"""
import os
import re
import shutil
import subprocess


def _rewrite(path, pattern, replacement, wanted):
    with open(path, encoding='utf-8') as file:
        text, found = re.subn(pattern, replacement, file.read(), flags=re.M)
    if found != wanted:
        raise ValueError(f'{os.path.basename(path)}: {found} places count, not {wanted}')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def add(kernel, top, workdir):
    """Put it beside the modules of the kernel's guests, as uncounted.ko."""
    copy = os.path.join(workdir, 'uncounted')
    for folder in ('drivers', 'include', 'scripts'):
        shutil.copytree(os.path.join(top, folder), os.path.join(copy, folder))
    sources = os.path.join(copy, 'drivers', 'scsi', 'virtio_scsi')
    _rewrite(os.path.join(sources, 'stats.h'),
             r'^(static inline void virtscsi_stats_(?:submit|complete)\([^)]*\)\n\{)', r'\1 return;', 2)
    _rewrite(os.path.join(sources, 'vq.c'), r'^.*\bstats\.[a-z]+ ?(?:\+\+|\+= .*);\n', '', 9)
    module = subprocess.run([os.path.join(copy, 'scripts', 'build'), kernel.name], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=True).stdout.split('\n')[-2]
    kernel.add_module(module, 'uncounted.ko')
