# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases that need no guest: run by the host's shell in the repository, bounded."""
import os
import subprocess
import time

import kernels
import procs
from guest import Outcome


def run(case):
    """The case's outcome and its time."""
    outcome = Outcome()
    started = time.monotonic()
    scratch = procs.tempdir()
    child = procs.start(['sh', '-eux', case.path], cwd=kernels.TOP, stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT, env=dict(os.environ, SCRATCH=scratch))
    try:
        output, _ = child.communicate(timeout=case.timeout)
        outcome.status = child.returncode
    except subprocess.TimeoutExpired:
        procs.stop(child)
        output, _ = child.communicate()
        outcome.reasons.append(f'took longer than {case.timeout} s')
    procs.stop(child)
    procs.remove(scratch)
    for line in output.decode('utf-8', 'replace').split('\n')[:-1]:
        outcome.add_output(line)
    if outcome.status not in (0, 77, None):
        outcome.reasons.append(f'exit status {outcome.status}')
    return outcome, time.monotonic() - started
