/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SAM-6: the status codes that the codec names; SPC-6: peripheral device types. */
#ifndef SHIM_SCSI_PROTO_H
#define SHIM_SCSI_PROTO_H

#define SAM_STAT_GOOD			0x00
#define SAM_STAT_CHECK_CONDITION	0x02
#define SAM_STAT_BUSY			0x08

#define TYPE_DISK			0x00
#define TYPE_TAPE			0x01
#define TYPE_ROM			0x05
#define TYPE_MEDIUM_CHANGER		0x08
#define TYPE_ENCLOSURE			0x0d
#define TYPE_ZBC			0x14

#endif
