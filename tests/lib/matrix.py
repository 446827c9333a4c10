# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make test T=matrix` prints at the end: machines by kernels, and how each fared."""
import arch

GROUP = 'matrix/'


def _version(kernel):
    """6.1 of 6.1-s390x: the architecture is the row's matter."""
    return kernel.removesuffix('-' + arch.of_kernel(kernel))


def table(results, releases):
    """Lines.  results: {(case, kernel): verdict}; releases: {kernel: as uname -r says}."""
    results = {key: verdict for key, verdict in results.items() if key[0].startswith(GROUP)}
    cells = {(case.removeprefix(GROUP), _version(kernel)): verdict
             for (case, kernel), verdict in results.items()}
    if not cells:
        return []
    rows = sorted({row for row, _ in cells})
    columns = sorted({column for _, column in cells},
                     key=lambda version: [int(part) if part.isdigit() else 99 for part in version.split('.')])
    lines = [['', *columns]] + [[row, *(cells.get((row, column), '-') for column in columns)] for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns) + 1)]
    return [''.join(f'{field:{width + 2}}' for field, width in zip(line, widths)).rstrip() for line in lines] + [
        f'{kernel}: {releases[kernel]}' for kernel in sorted({kernel for _, kernel in results}) if kernel in releases]
