#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bsg.py sg_io|uring_cmd NODE LENGTH CDB: one command that reads, by a bsg node, and what the user is told of it.

It prints the line that sg_io.py prints. uring_cmd is io_uring's pass-through, which bsg has since Linux 7.1.
For guests that have the host's Python: User-Mode Linux.
"""
import ctypes
import fcntl
import mmap
import os
import struct
import sys

_libc = ctypes.CDLL(None, use_errno=True)
_SETUP, _ENTER, _GETEVENTS = 425, 426, 1
_SQE128_CQE32 = 1 << 10 | 1 << 11
_SQES = 0x10000000
_URING_CMD = 46
_MS = 60000


def _call(number, *arguments):
    result = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def sg_io(fd, cdb, data, sense):
    """By struct sg_io_v4: status, host byte, residual and length of the sense data."""
    header = bytearray(160)
    struct.pack_into('=iIIIQ', header, 0, ord('Q'), 0, 0, len(cdb), ctypes.addressof(cdb))
    struct.pack_into('=IQ', header, 44, len(sense), ctypes.addressof(sense))
    struct.pack_into('=I', header, 68, len(data))
    struct.pack_into('=QI', header, 80, ctypes.addressof(data), _MS)
    fcntl.ioctl(fd, 0x2285, header)
    _, host, status, _, _, _, sense_len, resid = struct.unpack_from('=8I', header, 108)
    return status, host, resid, sense_len


def uring_cmd(fd, cdb, data, sense):
    """The same by a ring for one command."""
    params = ctypes.create_string_buffer(120)
    struct.pack_into('=I', params, 8, _SQE128_CQE32)
    ring = _call(_SETUP, 1, params)
    sq_tail, sq_array, cqes = (struct.unpack_from('=I', params, offset)[0] for offset in (44, 64, 100))
    with mmap.mmap(ring, mmap.PAGESIZE) as rings, mmap.mmap(ring, mmap.PAGESIZE, offset=_SQES) as entry:
        struct.pack_into('=BBHiI', entry, 0, _URING_CMD, 0, 0, fd, 0)
        struct.pack_into('=QIIIIQQIIQIII', entry, 48, ctypes.addressof(cdb), len(cdb), 0, 0, len(sense),
                         ctypes.addressof(sense), 0, 0, 0, ctypes.addressof(data), len(data), 0, _MS)
        struct.pack_into('=I', rings, sq_array, 0)
        struct.pack_into('=I', rings, sq_tail, 1)
        _call(_ENTER, ring, 1, 1, _GETEVENTS, None, 0)
        error, _, result = struct.unpack_from('=iIQ', rings, cqes + 8)
    if error < 0:
        raise OSError(-error, os.strerror(-error))
    return result & 255, result >> 16 & 255, result >> 32, result >> 24 & 255


def main(how, node, length, cdb):
    cdb = bytes.fromhex(cdb)
    cdb = (ctypes.c_ubyte * len(cdb))(*cdb)
    data, sense = (ctypes.c_ubyte * int(length))(), (ctypes.c_ubyte * 255)()
    with open(node, 'rb+', buffering=0) as file:
        status, host, resid, sense_len = {'sg_io': sg_io, 'uring_cmd': uring_cmd}[how](file.fileno(), cdb, data, sense)
    print(f'status={status} host={host} resid={resid} sense={bytes(sense)[:sense_len].hex()} data={bytes(data)[:16].hex()}')


main(*sys.argv[1:])
