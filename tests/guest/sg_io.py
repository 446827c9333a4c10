#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sg_io.py NODE in|out|none LENGTH CDB [SENSE_ROOM [TIMEOUT_MS]]: one command by SG_IO, and what the user is told of it.

The CDB is in hexadecimal. Prints a line of words: status, host (the host byte), resid, sense
(what was written there) and data (the first 16 bytes of what was read). Data that goes out
counts up from 0. Bytes behind the end of the sense data must not be written.
For guests that have the host's Python: User-Mode Linux.
"""
import ctypes
import fcntl
import sys


class Header(ctypes.Structure):
    _fields_ = [(name, getattr(ctypes, 'c_' + kind)) for name, kind in (word.split(':') for word in '''
        interface_id:int dxfer_direction:int cmd_len:ubyte mx_sb_len:ubyte iovec_count:ushort dxfer_len:uint
        dxferp:void_p cmdp:void_p sbp:void_p timeout:uint flags:uint pack_id:int usr_ptr:void_p status:ubyte
        masked_status:ubyte msg_status:ubyte sb_len_wr:ubyte host_status:ushort driver_status:ushort
        resid:int duration:uint info:uint'''.split())]


def main(node, direction, length, cdb, sense_room='255', timeout_ms='60000'):
    cdb = bytes.fromhex(cdb)
    length, sense_room = int(length), int(sense_room)
    data = (ctypes.c_ubyte * max(length, 1))(*[number & 255 for number in range(length)] if direction == 'out' else [])
    sense = (ctypes.c_ubyte * 255)(*[0xEE] * 255)
    command = (ctypes.c_ubyte * len(cdb))(*cdb)
    header = Header(interface_id=ord('S'), dxfer_direction={'none': -1, 'out': -2, 'in': -3}[direction],
                    cmd_len=len(cdb), mx_sb_len=sense_room, timeout=int(timeout_ms), dxfer_len=length,
                    dxferp=ctypes.addressof(data), cmdp=ctypes.addressof(command), sbp=ctypes.addressof(sense))
    with open(node, 'rb' if direction == 'none' else 'rb+', buffering=0) as file:
        fcntl.ioctl(file, 0x2285, header)
    assert set(bytes(sense)[header.sb_len_wr:]) <= {0xEE}, 'written behind the end of the sense data'
    print(f'status={header.status} host={header.host_status} resid={header.resid} '
          f'sense={bytes(sense)[:header.sb_len_wr].hex()} '
          f"data={bytes(data)[:min(length, 16)].hex() if direction == 'in' else ''}")


main(*sys.argv[1:])
