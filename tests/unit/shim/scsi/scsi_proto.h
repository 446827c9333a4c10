/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SAM-6: status codes; SPC-6: sense keys and peripheral device types. */
#ifndef SHIM_SCSI_PROTO_H
#define SHIM_SCSI_PROTO_H

#define SAM_STAT_GOOD				0x00
#define SAM_STAT_CHECK_CONDITION		0x02
#define SAM_STAT_CONDITION_MET			0x04
#define SAM_STAT_BUSY				0x08
#define SAM_STAT_INTERMEDIATE			0x10
#define SAM_STAT_INTERMEDIATE_CONDITION_MET	0x14
#define SAM_STAT_RESERVATION_CONFLICT		0x18
#define SAM_STAT_COMMAND_TERMINATED		0x22
#define SAM_STAT_TASK_SET_FULL			0x28
#define SAM_STAT_ACA_ACTIVE			0x30
#define SAM_STAT_TASK_ABORTED			0x40

#define HARDWARE_ERROR			0x04
#define ILLEGAL_REQUEST			0x05
#define UNIT_ATTENTION			0x06
#define ABORTED_COMMAND			0x0b

#define TYPE_DISK			0x00
#define TYPE_TAPE			0x01
#define TYPE_ROM			0x05
#define TYPE_MEDIUM_CHANGER		0x08
#define TYPE_ENCLOSURE			0x0d
#define TYPE_ZBC			0x14

#endif
