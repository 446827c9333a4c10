/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SAM-6: the status codes that the codec names. */
#ifndef SHIM_SCSI_PROTO_H
#define SHIM_SCSI_PROTO_H

#define SAM_STAT_GOOD			0x00
#define SAM_STAT_CHECK_CONDITION	0x02
#define SAM_STAT_BUSY			0x08

#endif
