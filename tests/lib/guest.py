# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest as the runner sees it: lines on a channel that carries nothing else.

The host says `run NAME NUMBER SECONDS`, `leaks`, `rescan` or `off`.  The guest's agent answers with
lines that start with a word:

  ready RELEASE      the agent is there, or has scanned the PCI bus again
  out TEXT           a line of the case's output
  log TEXT           a line of the kernel log since the case began, or of a leak
  host VERB ARGS     the case asks the host side for something; the host answers
                     `reply STATUS BASE64`, with ` +` when that is not all of it
  more               the rest, please: a serial line drops what nobody reads in time
  done STATUS        the case ended; 77 means skipped; or nothing more is said of leaks
  gone               the guest is about to power off

QEMU and UML differ in how they start (start()), and in which verbs they serve.
"""
import base64
import os
import select
import subprocess
import time

import dmesg
import kernels
import procs

# The guest bounds a case itself; only a guest that hangs makes the host wait longer.
_GRACE = 80
_POWER_OFF_TIMEOUT = 30
# What the agent leaves in the kernel's log before a case, and before it powers the guest off.
_BEGIN, _OFF = 'vscsi-test: begin ', 'vscsi-test: off'
# The last that a kernel says.
DOWN = 'Power down'
# A tty holds 4 KiB that nobody has read.
_LINE = 3000

# A kernel with all detectors on takes its time.
_SLOWNESS = {'uml-debug': 4, 'uml-lockdep': 2, 'x86-debug': 3, 'x86-kcsan': 3}


class GuestError(Exception):
    """The guest did not boot, hung or died."""


class Outcome:
    """What came of a case: it passed when there are no reasons for the contrary."""

    def __init__(self):
        self.status = None
        self.output = []
        self.transcript = []
        self._started = time.monotonic()
        self.log = []
        self.reasons = []

    def add_output(self, line):
        """A line that the case wrote; shell traces go into the transcript only."""
        self.transcript.append(f'{time.monotonic() - self._started:7.2f} {line}')
        if not line.startswith('+'):
            self.output.append(line)

    def last_command(self):
        """The trace of the command that ended the case."""
        traced = [line for line in self.transcript if '+ ' in line]
        return traced[-1].split('+ ', 1)[1] if traced else ''

    def judge_status(self):
        """An exit status other than 0 is a reason; 77 is none where the case says why."""
        if self.status == 77 and self.skip_reason() or self.status in (0, None):
            return
        said = [line for line in self.output if line.startswith('FAIL: ')]
        self.reasons += said[:1] or [f'exit status {self.status}: {self.last_command()}']

    @property
    def skipped(self):
        return self.status == 77 and not self.reasons

    def skip_reason(self):
        """What the case says behind SKIP: ; without it 77 is an exit status like others."""
        said = [line.removeprefix('SKIP: ') for line in self.output if line.startswith('SKIP: ')]
        return said[-1] if said else ''


class Guest:
    boot_timeout = 120
    def __init__(self, kernel, case):
        self.kernel = kernel
        self.case = case
        self.dir = procs.tempdir()
        self.console = os.path.join(self.dir, 'console')
        self.errors = os.path.join(self.dir, 'errors')
        self.process = None
        self._pending = b''
        self._reply = None  # the lines of a reply that are still to be sent
        self._number = -1  # of the case that runs
        self.channel = None

    # -- to be provided ---------------------------------------------------
    def start(self):
        """Start the guest and set self.process and self.channel (a socket)."""
        raise NotImplementedError

    def verbs(self):
        return {'sleep': self._verb_sleep, 'file': self._verb_file, 'promtool': _verb_promtool,
                'unpacked': _verb_unpacked,
                'clock': lambda _: str(int(time.monotonic() * 1000))}

    def close_transport(self):
        pass

    def before_case(self, case):
        pass

    def after_case(self, outcome):
        pass

    def misbehaves(self):
        """Whether the case has asked the device for a fault."""
        return False

    def another(self, error):
        """A guest to be booted instead of this one, which ended with an error as it booted."""
        raise error

    @property
    def ends(self):
        """Whether the emulator ends when the guest has powered off."""
        return True

    def aborts_when_down(self, _status):
        """Whether the emulator has failed only after the kernel was down."""
        return False

    # -- life -------------------------------------------------------------
    def boot(self):
        started = time.monotonic()
        self.start()
        self._expect('ready', time.monotonic() + self.boot_timeout * self._slowness())
        return time.monotonic() - started

    def _slowness(self):
        return _SLOWNESS.get(self.kernel.name, 1)

    def _is_off(self):
        return self.process.poll() is not None or not self.ends and DOWN in self.console_text()

    def power_off(self):
        """Tell the guest to power off; returns what went wrong since its last case, and leaves the rest to kill()."""
        deadline = time.monotonic() + _POWER_OFF_TIMEOUT * self._slowness()
        wrong = []
        try:
            self._send('off')
            self._expect('gone', deadline)
            while not self._is_off() and time.monotonic() < deadline:
                time.sleep(0.02)
            if not self._is_off():
                wrong.append('still running')
            elif self.process.poll() and not self.aborts_when_down(self.process.returncode):
                wrong.append(f'status {self.process.returncode}')
        except (GuestError, OSError) as error:
            wrong.append(str(error))
        _, _, since = self.console_text().rpartition(_BEGIN)
        if _OFF not in since:
            wrong.append('not on the console')
        wrong += dmesg.problems(since.split('\n'))[:5]
        return [f'power-off: {text}' for text in wrong]

    def close(self):
        """True when the guest has powered off by itself, without a complaint."""
        wrong = self.power_off()
        self.kill()
        return not wrong

    def kill(self):
        if self.process:
            procs.stop(self.process)
        self.close_transport()
        if self.channel:
            self.channel.close()
            self.channel = None
        procs.remove(self.dir)

    def console_text(self):
        return _text(self.console)

    def said(self):
        """What the emulator itself had to say."""
        return _text(self.errors).strip()

    # -- the channel ------------------------------------------------------
    def _send(self, line):
        self.channel.sendall(line.encode() + b'\n')

    def _line(self, deadline):
        while b'\n' not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestError('the guest hangs: nothing came in time')
            readable, _, _ = select.select([self.channel], [], [], min(left, 1))
            if readable:
                data = self.channel.recv(65536)
                if not data:
                    raise GuestError(f'the guest died {self.said()}'.strip())
                self._pending += data
            elif self.process.poll() is not None:
                raise GuestError(f'the guest died (status {self.process.returncode})')
        line, _, self._pending = self._pending.partition(b'\n')
        return line.decode('utf-8', 'replace').rstrip('\r')

    def _expect(self, word, deadline):
        while True:
            line = self._line(deadline)
            if line.split(' ')[0] == word:
                return line

    def run(self, case, outcome=None):
        """Run one case; a guest is good for another only when this one passed."""
        outcome = outcome or Outcome()
        self._number += 1
        try:
            self.before_case(case)
            timeout = case.timeout * self._slowness()
            self._send(f'run {case.script} {self._number} {timeout}')
            self._converse(outcome, time.monotonic() + timeout + _GRACE)
            self.after_case(outcome)
        except (GuestError, OSError) as error:
            outcome.reasons.append(str(error))
            marker = f'{_BEGIN}{case.script} {self._number}'
            _, _, since = self.console_text().rpartition(marker)
            outcome.reasons += dmesg.problems(since.split('\n'))[:5]
            outcome.status = None
            return outcome
        outcome.judge_status()
        if not case.faults and not self.misbehaves():
            outcome.reasons += [line for line in outcome.output if line.startswith('LOST: ')]
        outcome.reasons += [f'kernel log: {line}' for line in dmesg.problems(outcome.log)[:8]]
        return outcome

    def find_leaks(self, outcome):
        """What the guest has lost track of by the end of its last case, whose outcome this is."""
        found = Outcome()
        try:
            self._send('leaks')
            self._converse(found, time.monotonic() + _GRACE * self._slowness())
        except (GuestError, OSError) as error:
            outcome.reasons.append(f'looking for leaks: {error}')
        outcome.reasons += found.reasons
        outcome.log += found.log
        outcome.reasons += [f'at the end of the guest: {line}' for line in dmesg.problems(found.log)[:8]]

    def _converse(self, outcome, deadline):
        while True:
            word, _, rest = self._line(deadline).partition(' ')
            if word == 'out':
                outcome.add_output(rest)
            elif word == 'log':
                outcome.log.append(rest)
            elif word == 'fail':
                outcome.reasons.append(rest)
            elif word == 'host':
                outcome.add_output(f'+ host {rest[:300]}')
                status, text = self._serve(rest)
                if status:
                    outcome.add_output(f'the host answers {status}: {text[:500]}')
                self._reply = _reply_lines(status, text)
                self._send(next(self._reply))
            elif word == 'more':
                self._send(next(self._reply))
            elif word == 'done':
                outcome.status = int(rest)
                return

    # -- what a case may ask for --------------------------------------------
    def _serve(self, request):
        verb, _, rest = request.partition(' ')
        serve = self.verbs().get(verb)
        if not serve:
            return 2, f"no host verb '{verb}' in this guest (known: {' '.join(sorted(self.verbs()))})"
        try:
            return 0, serve(rest)
        except Exception as error:  # the case decides what a failed request means
            return 1, f'{type(error).__name__}: {error}'

    @staticmethod
    def _verb_sleep(seconds):
        time.sleep(min(float(seconds), 60))
        return ''

    def _verb_file(self, arguments):
        """file NAME SIZE [TEXT]: a sparse file whose first line is TEXT; prints its path."""
        name, size, *text = arguments.split(' ', 2)
        return self.make_file(name, size, text[0] + '\n' if text else '')

    def make_file(self, name, size, text=''):
        """A sparse file in the guest's directory."""
        path = os.path.join(self.dir, os.path.basename(name))
        with open(path, 'wb') as file:
            file.write(text.encode())
            file.truncate(parse_size(size))
        return path


def _verb_promtool(encoded):
    """promtool BASE64: Prometheus' own tool checks that text; what it minds is an error."""
    promtool = kernels.uninstalled('prometheus', 'usr/bin/promtool')
    done = subprocess.run([promtool, 'check', 'metrics'], input=base64.b64decode(encoded), capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode()
    if done.returncode or said:
        raise ValueError(said)
    return said


def _verb_unpacked(package):
    """unpacked PACKAGE: the directory in the cache where a Debian package is unpacked, without being installed."""
    return kernels.uninstalled(package, '')


def _reply_lines(status, text):
    encoded = base64.b64encode(text.encode()).decode()
    for start in range(0, len(encoded) or 1, _LINE):
        more = ' +' if start + _LINE < len(encoded) else ''
        yield f'reply {status} {encoded[start:start + _LINE]}{more}'


def _text(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read().replace('\r', '')
    except OSError:
        return ''


def parse_size(text):
    unit = {'K': 10, 'M': 20, 'G': 30, 'T': 40}.get(text[-1:].upper())
    return int(text[:-1]) << unit if unit else int(text)
