/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of SPC-6, SBC-4 and SSC-5 that the driver understands, see spc.c.
 */
#ifndef VIRTSCSI_SPC_H
#define VIRTSCSI_SPC_H

#include <linux/bits.h>
#include <linux/types.h>

struct virtscsi_answers;

/* What sense data tell the driver. */
enum virtscsi_spc_sense {
	VIRTSCSI_SENSE_LIMITS = BIT(0),		/* limits may have changed */
	VIRTSCSI_SENSE_RESCAN = BIT(1),		/* capacity, mode or INQUIRY data changed */
	VIRTSCSI_SENSE_INVENTORY = BIT(2),	/* the target has other LUNs */
};

/* Bits of enum virtscsi_spc_sense. */
unsigned int virtscsi_spc_sense(u8 key, u8 asc, u8 ascq);

/* Is @page named in VPD page 00h? */
bool virtscsi_spc_lists_page(const u8 *buf, u32 len, u8 page);

/* Each sets the fields of @answers that @buf is long enough to contain. */
void virtscsi_spc_read_block_limits(struct virtscsi_answers *answers,
				    const u8 *buf, u32 len);
void virtscsi_spc_read_capacity10(struct virtscsi_answers *answers,
				  const u8 *buf, u32 len);
void virtscsi_spc_read_capacity16(struct virtscsi_answers *answers,
				  const u8 *buf, u32 len);
void virtscsi_spc_read_tape_limits(struct virtscsi_answers *answers,
				   const u8 *buf, u32 len);

#endif
