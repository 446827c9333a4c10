# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases that need no guest: run by the host's shell in the repository, bounded. Those that call ccache share a cache."""
import os
import subprocess
import tempfile
import time

import kernels
import procs
from guest import Outcome


def run(case):
    """The case's outcome and its time."""
    outcome = Outcome()
    started = time.monotonic()
    scratch = procs.tempdir()
    # Into a file: a pipe ends only when the last process that has it does, and one may
    # have left the process group.
    with tempfile.TemporaryFile() as output:
        child = procs.start(['sh', '-eux', case.path], cwd=kernels.TOP, stdout=output,
                            stderr=subprocess.STDOUT, env=dict(
                                os.environ, SCRATCH=scratch, CASE=case.name, CCACHE_MAXSIZE='300M',
                                CCACHE_DIR=os.path.join(kernels.CACHE, 'ccache')))
        try:
            outcome.status = child.wait(case.timeout)
        except subprocess.TimeoutExpired:
            outcome.reasons.append(f'took longer than {case.timeout} s')
        procs.stop(child)
        output.seek(0)
        text = output.read().decode('utf-8', 'replace')
    procs.remove(scratch)
    for line in text.split('\n')[:-1]:
        outcome.add_output(line)
    outcome.judge_status()
    return outcome, time.monotonic() - started
