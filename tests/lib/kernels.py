# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest is made of: the kernel, the module trees, the initramfs parts.

Kernels and our module come from scripts/kernel and scripts/build.  A module tree
holds the few distribution modules that a guest needs, decompressed, and ours under
updates/, where depmod prefers it; `--driver intree` leaves ours out.
"""
import functools
import hashlib
import lzma
import os
import re
import shlex
import shutil
import subprocess
import threading

import arch
from cpio import Cpio

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TESTS = os.path.join(TOP, 'tests')
CACHE = os.environ.get('VSCSI_CACHE') or os.path.join(
    os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'virtio-scsi')

# Modules (with what they depend on) that a guest may need; built-in ones are not missed.
_MODULES = ('virtio_pci', 'virtio_mmio', 'virtio_console', 'virtio_scsi', 'scsi_mod', 'sd_mod',
            'sr_mod', 'sg', 'st', 'ses', 'ch', 'crc_t10dif', 'crct10dif_generic', 'crc32c_generic',
            # for guests that run more of the host's programs than they have
            '9p', '9pnet_virtio',
            'dm_multipath', 'dm_round_robin', 'ext4',
            # for scripts/bench
            'virtio_blk', 'nvme', 'vmw_pvscsi')

# The host's programs that a guest has, besides all of busybox.
_PROGRAMS = ('kmod', 'kexec', 'lsscsi', 'lsblk', 'dd', 'dmsetup', 'stty', 'tar', 'mt-st', 'mtx',
             'sg_dd', 'sg_inq', 'sg_luns', 'sg_map', 'sg_modes', 'sg_opcodes', 'sg_persist',
             'sg_prevent', 'sg_raw', 'sg_rbuf', 'sg_read', 'sg_read_block_limits', 'sg_readcap',
             'sg_requests', 'sg_reset', 'sg_start', 'sg_sync', 'sg_turs', 'sg_unmap', 'sg_vpd',
             'sg_write_same')
_KMOD_NAMES = ('modprobe', 'rmmod', 'insmod', 'lsmod', 'modinfo', 'depmod')


class Missing(Exception):
    """A program or file that the tests need is not there."""


class BuildError(Exception):
    pass


def _answer(argv, log=None, **env):
    """The last line that one of our scripts prints.

    Its progress goes to our stderr, or into a log that is shown when it fails.
    """
    progress = None
    if log:
        os.makedirs(os.path.dirname(log), exist_ok=True)
        progress = open(log, 'w+', encoding='utf-8')
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=progress, text=True, check=False,
                          env=dict(os.environ, **env), stdin=subprocess.DEVNULL)
    said = ''
    if progress:
        progress.seek(0)
        said = ''.join(['\n', *progress.readlines()[-12:], f'log: {log}'])
        progress.close()
    if done.returncode:
        raise BuildError(f"{os.path.relpath(argv[0], TOP)} {' '.join(argv[1:])} failed "
                         f'(status {done.returncode}){said}')
    lines = done.stdout.split('\n')
    return lines[-2] if len(lines) > 1 else ''


def program(name):
    path = shutil.which(name, path='/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin')
    if not path:
        raise Missing(name)
    return path


@functools.cache
def fio():
    """The guests' own fio, small and static."""
    return _answer([os.path.join(TOP, 'scripts', 'fio')])


def directory(name):
    """Where scripts/kernel has the kernel, which it makes where the cache lacks it."""
    return _answer([os.path.join(TOP, 'scripts', 'kernel'), name])


def emulator(suite):
    """Another suite's qemu-system-x86_64."""
    return _answer([os.path.join(TOP, 'scripts', 'qemu'), suite])


def build_id(module):
    """The GNU build id of an ELF file, in hexadecimal: proves which module is loaded."""
    notes = subprocess.run(['readelf', '-n', module], capture_output=True, text=True, check=True)
    found = re.search(r'Build ID: ([0-9a-f]+)', notes.stdout)
    if not found:
        raise BuildError(f'{module} has no build id')
    return found.group(1)


# What a case may take from whoever started the run: to repeat it, or have more of it, or a part.
_PASSED_ON = ('VSCSI_SEED', 'VSCSI_FUZZ_SECONDS', 'VSCSI_SCHEDULES', 'VSCSI_FIELD',
              'VSCSI_LADDER')


class Kernel:
    """One kernel together with the driver under test."""

    def __init__(self, name, driver, variant, workdir):
        self.name = name
        self.arch = arch.of_kernel(name)
        self.driver = driver
        self.coverage = None  # a Coverage, when the lines reached are to be counted
        self.saved = None     # a Saved, when many guests are to start from it
        self.dir = directory(name)
        with open(os.path.join(self.dir, 'release'), encoding='ascii') as file:
            self.release = file.read().strip()
        self.is_uml = os.path.exists(os.path.join(self.dir, 'linux'))
        self.modroot = os.path.join(workdir, f'{name}{variant}-modules')
        self.built = self._build(variant) if driver == 'ours' else None
        self._make_module_tree(self.built)
        if self.is_uml:
            self.fio = fio()
        else:
            self.initrd = os.path.join(workdir, f'{name}{variant}-initrd')
            self._make_initrd()

    def _build(self, variant):
        return self.build_in(TOP, variant)

    def build_in(self, top, variant):
        """Build the module of the repository, or of a copy of it; its path."""
        _answer([os.path.join(top, 'scripts', 'build'), self.name],
                os.path.join(TOP, 'build', 'log', f'build-{self.name}{variant}'),
                **({'KUNIT': '1'} if variant == 'kunit' else {}))
        suffix = '-kunit' if variant == 'kunit' else ''
        module = os.path.join(top, 'build', self.release + suffix, 'virtio_scsi.ko')
        if not os.path.exists(module):
            raise BuildError(f'scripts/build {self.name} left no {module}')
        return module

    def _wanted(self, tree):
        """Paths, relative to the tree, of the modules wanted and of what they need."""
        paths, needs = {}, {}
        with open(os.path.join(tree, 'modules.dep'), encoding='ascii') as file:
            for line in file:
                path, _, rest = line.strip().partition(':')
                name = os.path.basename(path).split('.ko')[0].replace('-', '_')
                paths[name] = path
                needs[path] = rest.split()
        wanted = set()
        for name in _MODULES:
            if name in paths:
                wanted |= {paths[name], *needs[paths[name]]}
        return sorted(wanted)

    def _make_module_tree(self, ours):
        source = os.path.join(self.dir, 'lib/modules', self.release)
        tree = os.path.join(self.modroot, 'lib/modules', self.release)
        for path in self._wanted(source):
            target = os.path.join(tree, path.removesuffix('.xz'))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if path.endswith('.xz'):
                with lzma.open(os.path.join(source, path)) as packed, open(target, 'wb') as plain:
                    shutil.copyfileobj(packed, plain)
            elif path.endswith('.ko'):
                shutil.copyfile(os.path.join(source, path), target)
            else:
                raise BuildError(f'{path}: compressed in a way that is not known here')
        for name in ('modules.order', 'modules.builtin', 'modules.builtin.modinfo'):
            if os.path.exists(os.path.join(source, name)):
                shutil.copyfile(os.path.join(source, name), os.path.join(tree, name))
            else:
                open(os.path.join(tree, name), 'wb').close()
        if ours:
            os.makedirs(os.path.join(tree, 'updates'))
            shutil.copyfile(ours, os.path.join(tree, 'updates/virtio_scsi.ko'))
        subprocess.run([program('depmod'), '-b', self.modroot, self.release], check=True)
        with open(os.path.join(tree, 'modules.dep'), encoding='ascii') as file:
            chosen = [line.split(':')[0] for line in file if '/virtio_scsi.ko:' in line]
        if len(chosen) != 1 or chosen[0].startswith('updates/') != bool(ours):
            raise BuildError(f'depmod chose {chosen} for virtio_scsi, wanted driver: {self.driver}')
        self.module = os.path.join(tree, chosen[0])
        self.build_id = build_id(self.module)

    def add_module(self, path, name):
        """Another module file for the guests, outside of where modprobe looks."""
        shutil.copyfile(path, os.path.join(self.modroot, 'lib/modules', self.release, name))
        self._make_initrd()

    def environment(self, tests, modroot):
        """What the guest's scripts want to know, as shell assignments."""
        scripts = '/vscsi' if tests == '/vscsi' else os.path.join(TOP, 'scripts')
        passed_on = ''.join(f'{name}={shlex.quote(os.environ[name])}\n' for name in _PASSED_ON if name in os.environ)
        return (f'{passed_on}VSCSI_TESTS={tests}\nVSCSI_MODROOT={modroot}\nVSCSI_DRIVER={self.driver}\n'
                f'VSCSI_BUILD_ID={self.build_id}\nVSCSI_KERNEL={self.name}\n'
                f'VSCSI_LIMITS={scripts}/virtio-scsi-limits\nVSCSI_TOP={scripts}/virtio-scsi-top\n')

    def _make_initrd(self):
        part = self.initrd + '.part'
        with Cpio(part) as cpio:
            cpio.tree('lib/modules', os.path.join(self.modroot, 'lib/modules'))
            cpio.tree('vscsi/guest', os.path.join(TESTS, 'guest'))
            cpio.tree('vscsi/cases', os.path.join(TESTS, 'cases'))
            for name in ('virtio-scsi-limits', 'virtio-scsi-top'):
                cpio.file(f'vscsi/{name}', os.path.join(TOP, 'scripts', name))
            for rules in ('Documentation/examples/60-virtio-scsi-limits.rules',
                          'scripts/packaging/60-virtio-scsi-disks.rules'):
                cpio.file(f'vscsi/{os.path.basename(rules)}', os.path.join(TOP, rules))
            cpio.data('vscsi/env', self.environment('/vscsi', '').encode())
        with open(self.initrd, 'wb') as whole:
            for path in (base_initrd(self.arch), part):
                with open(path, 'rb') as file:
                    shutil.copyfileobj(file, whole, 1 << 20)
        os.unlink(part)


_base_lock = threading.Lock()


def base_initrd(architecture):
    """The programs, cached by the identity of every file that goes in."""
    with _base_lock:
        return _base_initrd(architecture)


def _programs(architecture):
    """Files of a guest and where they come from, links of a guest and where they lead."""
    if architecture != 'amd64':
        return ({'bin/busybox': uninstalled('busybox-static', 'bin/busybox', architecture)},
                {'bin/sh': 'busybox', 'sbin/modprobe': '/bin/busybox'})
    files = {'bin/busybox': program('busybox'), 'usr/bin/fio': fio()}
    for name in ('sh',) + _PROGRAMS:
        path = program(name)
        files[f'bin/{name}' if name == 'sh' else f'usr/bin/{name}'] = path
        listing = subprocess.run(['ldd', path], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r'(/\S+)', listing):
            files[library.lstrip('/')] = library
    return files, {'sbin/modprobe': '/usr/bin/kmod', **{f'usr/bin/{name}': 'kmod' for name in _KMOD_NAMES}}


def uninstalled(name, path, architecture='amd64'):
    """A file of a Debian package that is not installed, only unpacked in the cache."""
    package = _answer([os.path.join(TOP, 'scripts', 'deb-get'), 'bookworm', architecture, name])
    folder = os.path.join(CACHE, 'foreign', os.path.basename(package).removesuffix('.deb'))
    if not os.path.exists(folder):
        scratch = f'{folder}.{os.getpid()}'
        os.makedirs(scratch)
        subprocess.run(['dpkg', '-x', package, scratch], check=True)
        os.rename(scratch, folder)
    return os.path.join(folder, path)


def _base_initrd(architecture):
    files, links = _programs(architecture)
    init = os.path.join(TESTS, 'guest', 'init')
    stamp = hashlib.sha256(repr([3, open(init, 'rb').read(), links]).encode())
    for name, path in sorted(files.items()):
        info = os.stat(path)
        stamp.update(f'{name} {path} {info.st_size} {info.st_mtime_ns}\n'.encode())
    folder = os.path.join(CACHE, 'initramfs')
    prefix = f'programs-{architecture}-'
    target = os.path.join(folder, f'{prefix}{stamp.hexdigest()[:16]}.cpio')
    if not os.path.exists(target):
        os.makedirs(folder, exist_ok=True)
        for old in os.listdir(folder):
            if old.startswith(prefix):
                os.unlink(os.path.join(folder, old))
        scratch = f'{target}.{os.getpid()}'
        with Cpio(scratch) as cpio:
            for name in ('dev', 'proc', 'sys', 'run', 'tmp', 'mnt', 'root', 'etc', 'usr/sbin'):
                cpio.directory(name)
            for name, path in files.items():
                cpio.file(name, path)
            for name, path in links.items():
                cpio.link(name, path)
            cpio.file('init', init)
        os.rename(scratch, target)
    return target
