// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VPD page B0h (SBC-4) and sense codes (SPC-6). Pure, like limits.c.
 */
#include <linux/kernel.h>
#include <scsi/scsi_proto.h>

#include "spc.h"

#define PAGE_BLOCK_LIMITS	0xb0
/* Where MAXIMUM TRANSFER LENGTH ends; the page length does not count 4 bytes. */
#define PAGE_END		12

#define CHANGED	(VIRTSCSI_SENSE_LIMITS | VIRTSCSI_SENSE_RESCAN)

static const struct {
	u8 asc;
	u8 ascq;
	unsigned int flags;
} spc_attentions[] = {
	/* NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED */
	{ 0x28, 0x00, VIRTSCSI_SENSE_LIMITS },
	{ 0x2a, 0x00, CHANGED }, /* PARAMETERS */
	{ 0x2a, 0x01, CHANGED }, /* MODE PARAMETERS */
	/* ASYMMETRIC ACCESS STATE CHANGED: the LUN may say its block size now */
	{ 0x2a, 0x06, VIRTSCSI_SENSE_LIMITS },
	/* CAPACITY DATA */
	{ 0x2a, 0x09, CHANGED | VIRTSCSI_SENSE_CAPACITY },
	{ 0x3f, 0x03, CHANGED }, /* INQUIRY DATA */
	/* REPORTED LUNS DATA HAS CHANGED */
	{ 0x3f, 0x0e, VIRTSCSI_SENSE_LIMITS | VIRTSCSI_SENSE_INVENTORY },
};

unsigned int virtscsi_spc_sense(u8 key, u8 asc, u8 ascq)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spc_attentions); i++)
		if (key == UNIT_ATTENTION && spc_attentions[i].asc == asc &&
		    spc_attentions[i].ascq == ascq)
			return spc_attentions[i].flags;
	return 0;
}

u32 virtscsi_spc_max_blocks(const u8 *buf, u32 len)
{
	if (len < PAGE_END || buf[1] != PAGE_BLOCK_LIMITS ||
	    (buf[2] << 8 | buf[3]) < PAGE_END - 4)
		return 0;
	return (u32)buf[8] << 24 | buf[9] << 16 | buf[10] << 8 | buf[11];
}
