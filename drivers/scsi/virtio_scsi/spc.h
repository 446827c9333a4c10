/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of SPC-6 and SBC-4 that the driver understands, see spc.c.
 */
#ifndef VIRTSCSI_SPC_H
#define VIRTSCSI_SPC_H

#include <linux/bits.h>
#include <linux/types.h>

/* What sense data tell the driver. */
enum virtscsi_spc_sense {
	VIRTSCSI_SENSE_LIMITS = BIT(0),		/* limits may have changed */
	VIRTSCSI_SENSE_RESCAN = BIT(1),		/* capacity, mode or INQUIRY data changed */
	VIRTSCSI_SENSE_INVENTORY = BIT(2),	/* the target has other LUNs */
	VIRTSCSI_SENSE_CAPACITY = BIT(3),	/* capacity changed */
};

/* Bits of enum virtscsi_spc_sense. */
unsigned int virtscsi_spc_sense(u8 key, u8 asc, u8 ascq);

/* MAXIMUM TRANSFER LENGTH of VPD page B0h; 0 if @buf does not have it. */
u32 virtscsi_spc_max_blocks(const u8 *buf, u32 len);

#endif
