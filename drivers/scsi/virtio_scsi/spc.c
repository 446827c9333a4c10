// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VPD pages, READ CAPACITY, READ BLOCK LIMITS and sense codes (SPC-6, SBC-4,
 * SSC-5).
 *
 * Data that is too short, or that is another page, is ignored. Pure, like
 * limits.c.
 */
#include <linux/kernel.h>
#include <scsi/scsi_proto.h>

#include "limits.h"
#include "spc.h"

#define PAGE_HEADER_LEN		4
#define PAGE_LIST		0x00
#define PAGE_BLOCK_LIMITS	0xb0

#define CHANGED			(VIRTSCSI_SENSE_LIMITS | VIRTSCSI_SENSE_RESCAN)

static const struct {
	u8 key;
	u8 asc;
	u8 ascq;
	unsigned int flags;
} spc_senses[] = {
	/* NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED */
	{ UNIT_ATTENTION, 0x28, 0x00, VIRTSCSI_SENSE_LIMITS },
	{ UNIT_ATTENTION, 0x2a, 0x00, CHANGED }, /* PARAMETERS */
	{ UNIT_ATTENTION, 0x2a, 0x01, CHANGED }, /* MODE PARAMETERS */
	{ UNIT_ATTENTION, 0x2a, 0x09, CHANGED }, /* CAPACITY DATA */
	{ UNIT_ATTENTION, 0x3f, 0x03, CHANGED }, /* INQUIRY DATA */
	/* REPORTED LUNS DATA HAS CHANGED */
	{ UNIT_ATTENTION, 0x3f, 0x0e,
	  VIRTSCSI_SENSE_LIMITS | VIRTSCSI_SENSE_INVENTORY },
};

unsigned int virtscsi_spc_sense(u8 key, u8 asc, u8 ascq)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spc_senses); i++)
		if (spc_senses[i].key == key && spc_senses[i].asc == asc &&
		    spc_senses[i].ascq == ascq)
			return spc_senses[i].flags;
	return 0;
}

static u32 spc_get_be(const u8 *buf, u32 nr_bytes)
{
	u32 value = 0;

	while (nr_bytes--)
		value = value << 8 | *buf++;
	return value;
}

/* Bytes of a VPD page in the buffer, header included; 0 if it is another. */
static u32 spc_page_len(const u8 *buf, u32 len, u8 page)
{
	if (len < PAGE_HEADER_LEN || buf[1] != page)
		return 0;
	return min(len, PAGE_HEADER_LEN + spc_get_be(buf + 2, 2));
}

bool virtscsi_spc_lists_page(const u8 *buf, u32 len, u8 page)
{
	u32 end = spc_page_len(buf, len, PAGE_LIST);
	u32 at;

	for (at = PAGE_HEADER_LEN; at < end; at++)
		if (buf[at] == page)
			return true;
	return false;
}

void virtscsi_spc_read_block_limits(struct virtscsi_answers *answers,
				    const u8 *buf, u32 len)
{
	u32 end = spc_page_len(buf, len, PAGE_BLOCK_LIMITS);

	if (end >= 12)
		answers->max_blocks = spc_get_be(buf + 8, 4);
	if (end >= 16)
		answers->opt_blocks = spc_get_be(buf + 12, 4);
}

void virtscsi_spc_read_capacity10(struct virtscsi_answers *answers,
				  const u8 *buf, u32 len)
{
	if (len >= 8)
		answers->block_size = spc_get_be(buf + 4, 4);
}

void virtscsi_spc_read_capacity16(struct virtscsi_answers *answers,
				  const u8 *buf, u32 len)
{
	if (len >= 12)
		answers->block_size = spc_get_be(buf + 8, 4);
}

void virtscsi_spc_read_tape_limits(struct virtscsi_answers *answers,
				   const u8 *buf, u32 len)
{
	if (len >= 6)
		answers->max_bytes = spc_get_be(buf + 1, 3);
}
