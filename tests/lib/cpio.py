# SPDX-License-Identifier: GPL-2.0-or-later
"""Write initramfs archives (cpio "newc").

The kernel unpacks concatenated archives one after the other, so an initramfs is put
together from parts that are cached separately.
"""
import os
import stat


class Cpio:
    def __init__(self, path):
        self._file = open(path, 'wb')
        self._inode = 0
        self._seen = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._entry('TRAILER!!!', 0, b'')
        self._file.close()

    def _entry(self, name, mode, data):
        self._inode += 1
        name = name.encode() + b'\0'
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        self._write(b'070701' + b''.join(b'%08X' % field for field in fields) + name)
        self._write(data)

    def _write(self, data):
        self._file.write(data + b'\0' * (-len(data) % 4))

    def directory(self, name):
        """A directory and its parents, once each."""
        name = name.strip('/')
        if name in self._seen or not name:
            return
        self.directory(os.path.dirname(name))
        self._seen.add(name)
        self._entry(name, stat.S_IFDIR | 0o755, b'')

    def data(self, name, data, mode=0o644):
        name = name.strip('/')
        if name not in self._seen:
            self._seen.add(name)
            self.directory(os.path.dirname(name))
            self._entry(name, stat.S_IFREG | mode, data)

    def file(self, name, source):
        """A copy of the host's file, links followed."""
        with open(source, 'rb') as file:
            self.data(name, file.read(), stat.S_IMODE(os.stat(source).st_mode))

    def link(self, name, target):
        name = name.strip('/')
        if name not in self._seen:
            self._seen.add(name)
            self.directory(os.path.dirname(name))
            self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def tree(self, name, source):
        for folder, _, files in sorted(os.walk(source)):
            inside = os.path.join(name, os.path.relpath(folder, source)).rstrip('/.')
            self.directory(inside)
            for file in sorted(files):
                self.file(os.path.join(inside, file), os.path.join(folder, file))
