# SPDX-License-Identifier: GPL-2.0-or-later
"""A real iSCSI target on loopback for the `lun:` kinds iscsi-*: disk, tape, changer, cd.

One tgtd for each guest, told what to serve before QEMU starts.  It takes a free port,
and keeps its control socket and its files in the guest's directory, so that any number
of them run side by side.  A changer has a slot for each cartridge and one for export,
and all the tape drives of the guest, which then begin empty.
"""
import hashlib
import os
import random
import socket
import subprocess
import time

import kernels
import procs
from guest import GuestError, parse_size

IQN = 'iqn.2026-11.test.vscsi:parts'
_PORTAL = '127.0.0.1'
_CHANGER_DRIVES, _CHANGER_ARM, _CHANGER_EXPORT, _CHANGER_SLOTS = 1, 256, 768, 1024
_ELEMENT_ARM, _ELEMENT_SLOT, _ELEMENT_EXPORT, _ELEMENT_DRIVE = 1, 2, 3, 4


class Target:
    """One tgtd with one target; each add_*() answers the number of the LUN it made."""

    def __init__(self, directory):
        self.dir = os.path.join(directory, 'iscsi')
        self.log = os.path.join(self.dir, 'log')
        self.portal = None
        self.process = None
        self._nr_luns = 0
        self._drives = []
        os.mkdir(self.dir)
        self._env = dict(os.environ, TGT_IPC_SOCKET=os.path.join(self.dir, 'control'))

    def start(self):
        """A port that was free a moment ago may be taken now: then another."""
        for _ in range(5):
            with socket.socket() as probe:
                probe.bind((_PORTAL, 0))
                self.portal = f'{_PORTAL}:{probe.getsockname()[1]}'
            with open(self.log, 'wb') as log:
                self.process = procs.start(
                    [kernels.program('tgtd'), '-f', '--iscsi', f'portal={self.portal}'],
                    env=self._env, stdout=log, stderr=log)
            self._wait_for_control()
            if 'unable to bind' not in self._said():
                break
            self.stop()
        else:
            raise GuestError(f'tgtd found no port: {self._said()}')
        self._tell('target', 'new', '-T', IQN)
        self._tell('target', 'bind', '-I', 'ALL')

    def stop(self):
        if self.process:
            procs.stop(self.process)
            self.process = None

    def _said(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()

    def _wait_for_control(self):
        deadline = time.monotonic() + 20
        while self._admin('target', 'show').returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise GuestError(f'tgtd did not start: {self._said()}')
            time.sleep(0.02)

    def _admin(self, mode, verb, *words):
        return subprocess.run([kernels.program('tgtadm'), '--lld', 'iscsi', '--mode', mode, '--op', verb,
                               *(() if verb == 'show' else ('--tid', '1')), *words],
                              env=self._env, capture_output=True, text=True, check=False)

    def _tell(self, mode, verb, *words):
        done = self._admin(mode, verb, *words)
        if done.returncode:
            raise GuestError(f"tgtadm {mode} {verb} {' '.join(words)}: {done.stderr.strip()}")

    # -- logical units --------------------------------------------------------
    def _add(self, kind, path, *words):
        self._nr_luns += 1
        self._tell('logicalunit', 'new', '--lun', str(self._nr_luns), '-Y', kind, '-b', path, *words)
        return self._nr_luns

    def _update(self, number, **params):
        self._tell('logicalunit', 'update', '--lun', str(number), '--params',
                   ','.join(f'{key}={value}' for key, value in params.items()))

    def _file(self, name, size, text=''):
        path = os.path.join(self.dir, name)
        with open(path, 'wb') as file:
            file.write(text.encode())
            file.truncate(parse_size(size))
        return path

    def _cartridge(self, barcode, size):
        path = os.path.join(self.dir, barcode)
        subprocess.run([kernels.program('tgtimg'), '--op', 'new', '--device-type', 'tape', '--barcode', barcode,
                        '--size', str(parse_size(size) >> 20), '--type', 'data', '--file', path],
                       check=True, stdout=subprocess.DEVNULL)
        return path

    def add_disk(self, size='64M', text=''):
        return self._add('disk', self._file(f'disk{self._nr_luns}', size, text))

    def add_cd(self, size='16M', text=''):
        """A disc that ends with the checksum, in hexadecimal, of what stands before."""
        path = self._file(f'cd{self._nr_luns}', '0')
        with open(path, 'wb') as file:
            body = text.encode()
            body += random.randbytes(parse_size(size) - len(body) - 64)
            file.write(body + hashlib.sha256(body).hexdigest().encode())
        return self._add('cd', path)

    def add_tape(self, size='100M'):
        """A drive with a cartridge in it."""
        lun = self._add('tape', self._cartridge(f'DRIVE{self._nr_luns:03}', size), '--bstype', 'ssc')
        self._drives.append(lun)
        return lun

    def add_changer(self, size='100M', cartridges='3'):
        """The drives that were added before become the changer's."""
        changer = self._add('changer', self._file('changer', '1K'))
        self._update(changer, media_home=self.dir)
        for kind, start, quantity in ((_ELEMENT_ARM, _CHANGER_ARM, 1), (_ELEMENT_EXPORT, _CHANGER_EXPORT, 1),
                                      (_ELEMENT_DRIVE, _CHANGER_DRIVES, len(self._drives)),
                                      (_ELEMENT_SLOT, _CHANGER_SLOTS, int(cartridges) + 1)):
            self._update(changer, element_type=kind, start_address=start, quantity=quantity)
        for place, drive in enumerate(self._drives):
            self._update(drive, online=0)
            self._update(changer, element_type=_ELEMENT_DRIVE, address=_CHANGER_DRIVES + place, tid=1, lun=drive)
        for place in range(int(cartridges)):
            barcode = f'TAPE{place + 1:04}'
            self._cartridge(barcode, size)
            self._update(changer, element_type=_ELEMENT_SLOT, address=_CHANGER_SLOTS + place, barcode=barcode,
                         sides=1)
        return changer

    def add(self, kind, properties):
        """A LUN of a kind without its `iscsi-`; takes what is the target's out of the properties.
        With `again` it is the one before, by another session."""
        if properties.pop('again', ''):
            return self._nr_luns
        mine = {key: properties.pop(key) for key in ('size', 'text', 'cartridges') if key in properties}
        if 'text' in mine:
            mine['text'] = mine['text'].replace('_', ' ') + '\n'
        return getattr(self, f'add_{kind}')(**mine)
