# SPDX-License-Identifier: GPL-2.0-or-later
"""KTAP on standard output: a line as soon as a result is known, a count at the end."""
import threading


class Ktap:
    def __init__(self, planned):
        self._lock = threading.Lock()
        self._number = 0
        self._missed = set()
        self.passed = self.failed = self.skipped = 0
        self._print('KTAP version 1')
        self._print(f'1..{planned}')

    def _print(self, text):
        print(text, flush=True)

    def note(self, text):
        with self._lock:
            for line in text.splitlines():
                self._print(f'# {line}')

    def _line(self, verdict, name, comment):
        self._number += 1
        self._print(f'{verdict} {self._number} - {name} # {comment}')

    def ok(self, name, seconds):
        with self._lock:
            self.passed += 1
            self._line('ok', name, f'{seconds:.1f} s')

    def skip(self, name, reason):
        with self._lock:
            self.skipped += 1
            self._line('ok', name, f'SKIP {reason}')

    def fail(self, name, seconds, reasons):
        with self._lock:
            self.failed += 1
            self._line('not ok', name, f'{seconds:.1f} s')
            for reason in reasons:
                self._print(f'#   {reason}')

    def missing(self, name, what):
        """A case that cannot run: the first line of what is missing, the rest of it once."""
        with self._lock:
            self.failed += 1
            self._line('not ok', name, f"missing: {what.split(chr(10))[0]}")
            if what not in self._missed:
                self._missed.add(what)
                for line in what.split('\n')[1:]:
                    self._print(f'#   {line}')

    def finish(self):
        with self._lock:
            if not self.passed:
                self._print('# no test has passed')
            self._print(f'{self.passed} passed, {self.failed} failed, {self.skipped} skipped')
        return 1 if self.failed or not self.passed else 0
