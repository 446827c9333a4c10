# SPDX-License-Identifier: GPL-2.0-or-later
"""Which skips are allowed: the lines of tests/skips."""
import fnmatch
import os

import kernels


def is_allowed(case, kernel, driver, reason):
    """Whether that case may be skipped there for that reason."""
    with open(os.path.join(kernels.TESTS, 'skips'), encoding='utf-8') as file:
        rows = [line.split(maxsplit=3) for line in file if line.strip() and not line.startswith('#')]
    return any(fnmatch.fnmatchcase(case, row[0]) and fnmatch.fnmatchcase(kernel, row[1]) and
               fnmatch.fnmatchcase(driver, row[2]) and reason == row[3].strip() for row in rows)
