// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tape drive, as much of one as the st driver asks for. On the medium each
 * record stands behind four bytes with its length; a filemark is a record of
 * none. Writing ends the tape.
 */
#include <stdio.h>

#include "bytes.h"
#include "target.h"

#define TAPE_HEADER		4
#define TAPE_BLOCK_MAX		(1 << 20)	/* where no max_block= was given */

/* Sense: the flags beside the key, then additional sense code and qualifier. */
#define SENSE_FILEMARK		0x800001
#define SENSE_OTHER_LENGTH	0x200000
#define SENSE_END_OF_DATA	0x080005
#define SENSE_FULL		0x4d0002

static uint32_t get_be24(const uint8_t *p)
{
	return p[0] << 16 | get_be16(p + 1);
}

static void put_be24(uint8_t *p, uint32_t value)
{
	p[0] = value >> 16;
	put_be16(p + 1, value);
}

static uint32_t block_max(const struct lun *lun)
{
	return lun->max_block ? lun->max_block : TAPE_BLOCK_MAX;
}

/* One block of this length; says in sense data why not. */
static bool read_block(struct lun *lun, struct task *t, uint32_t len, bool any_len, uint32_t left)
{
	uint64_t end = min_u64(lun->tape_end, lun->medium->size);
	const uint8_t *record = lun->medium->data + lun->tape_at;
	uint32_t has = lun->tape_at + TAPE_HEADER <= end ? get_be32(record) : UINT32_MAX;

	/* The medium may have shrunk, or be written to by another drive. */
	if (lun->tape_at + TAPE_HEADER + has > end) {
		task_sense_info(lun, t, SENSE_END_OF_DATA, left);
		return false;
	}
	lun->tape_at += TAPE_HEADER + has;
	if (!has) {
		task_sense_info(lun, t, SENSE_FILEMARK, left);
		return false;
	}
	t->moved += sgl_put(&t->in, record + TAPE_HEADER, min_u64(has, len));
	if (has == len || (any_len && has < len))
		return true;
	/* Of a block: by how much it is too short. Of many: how many are missing. */
	task_sense_info(lun, t, SENSE_OTHER_LENGTH, t->cdb[1] & 1 ? left : len - has);
	return false;
}

static bool write_block(struct lun *lun, struct task *t, uint32_t len, uint32_t left)
{
	uint8_t *record = lun->medium->data + lun->tape_at;

	if (lun->tape_at + TAPE_HEADER + len > lun->medium->size) {
		task_sense_info(lun, t, SENSE_FULL, left);
		return false;
	}
	put_be32(record, len);
	t->moved += sgl_get(&t->out, record + TAPE_HEADER, len);
	lun->tape_at += TAPE_HEADER + len;
	lun->tape_end = lun->tape_at;
	return true;
}

/* How long a block is and how many there are; false if they are not to be had. */
static bool take_blocks(struct lun *lun, struct task *t, uint64_t room, uint32_t *len, uint32_t *nr)
{
	bool fixed = t->cdb[1] & 1;
	uint32_t count = get_be24(t->cdb + 2);

	*len = fixed ? lun->tape_block : count;
	*nr = fixed ? count : !!count;
	if ((fixed && !lun->tape_block) || *len > block_max(lun)) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return false;
	}
	t->overrun = (uint64_t)*len * *nr > room;
	return !t->overrun;
}

static void tape_read(struct lun *lun, struct task *t)
{
	uint32_t len, nr;

	if (!take_blocks(lun, t, t->in.left, &len, &nr))
		return;
	while (nr && read_block(lun, t, len, t->cdb[1] & 2, t->cdb[1] & 1 ? nr : len))
		nr--;
}

static void tape_write(struct lun *lun, struct task *t)
{
	uint32_t len, nr;

	if (!take_blocks(lun, t, t->out.left, &len, &nr))
		return;
	while (nr && write_block(lun, t, len, t->cdb[1] & 1 ? nr : len))
		nr--;
}

static void tape_write_filemarks(struct lun *lun, struct task *t)
{
	uint32_t nr = get_be24(t->cdb + 2);

	while (nr && write_block(lun, t, 0, nr))
		nr--;
}

static void tape_rewind(struct lun *lun, struct task *t)
{
	(void)t;
	lun->tape_at = 0;
}

static void tape_read_block_limits(struct lun *lun, struct task *t)
{
	uint8_t buf[6] = { 0, 0, 0, 0, 0, 1 };

	put_be24(buf + 1, block_max(lun));
	task_reply(t, buf, sizeof(buf), sizeof(buf));
}

/* The block descriptor, which has the length of a block, and no page. */
static void tape_mode_sense(struct lun *lun, struct task *t)
{
	uint8_t buf[12] = { 11, 0, 0x10, 8 };

	if (t->cdb[2] & 0x3f) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	put_be24(buf + 9, lun->tape_block);
	task_reply(t, buf, sizeof(buf), t->cdb[4]);
}

static void tape_mode_select(struct lun *lun, struct task *t)
{
	uint8_t buf[12];

	if (t->cdb[4] != sizeof(buf))
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
	else if (!task_param(t, buf, sizeof(buf)))
		return;
	else if (buf[3] != 8 || get_be24(buf + 9) > block_max(lun))
		task_sense(lun, t, SENSE_BAD_PARAMETER);
	else
		lun->tape_block = get_be24(buf + 9);
}

static const struct scsi_command tape_commands[] = {
	{ 0x00, -1, 6, scsi_test_unit_ready },
	{ 0x01, -1, 6, tape_rewind },
	{ 0x03, -1, 6, scsi_request_sense },
	{ 0x05, -1, 6, tape_read_block_limits },
	{ 0x08, -1, 6, tape_read },
	{ 0x0a, -1, 6, tape_write },
	{ 0x10, -1, 6, tape_write_filemarks },
	{ 0x12, -1, 6, scsi_inquiry },
	{ 0x15, -1, 6, tape_mode_select },
	{ 0x1a, -1, 6, tape_mode_sense },
	{ 0x1b, -1, 6, scsi_nothing },
	{ 0x1e, -1, 6, scsi_prevent_removal },
	{ 0xa0, -1, 12, scsi_report_luns },
	{ 0xa3, 0x0c, 12, scsi_report_opcodes },
	{ 0xa3, 0x0d, 12, scsi_report_tmfs },
};

const struct lun_type tape_type = {
	.name = "tape",
	.peripheral_type = 0x01,
	.removable = true,
	.product = "TAPE",
	.commands = tape_commands,
	.nr_commands = ARRAY_SIZE(tape_commands),
};
