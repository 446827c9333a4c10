// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tape drive, as much of one as the st driver asks for. The tape lies in the
 * medium from its beginning: each record between two words that say how long it
 * is, so that one can go back as well; a filemark is two words alone, and a word
 * of zero is the end of what was written.
 */
#include <stdio.h>

#include "bytes.h"
#include "target.h"

#define WORD		4
#define FILEMARK	0xffffffff
#define MAX_RECORD	(1 << 20)	/* unless the LUN has another */

/* In byte 2 of fixed-format sense data. */
#define SENSE_FILEMARK	0x80
#define SENSE_ILI	0x20

#define SENSE_AT_FILEMARK	0x000001
#define SENSE_WRONG_LENGTH	0x000000
#define SENSE_AT_BEGINNING	0x000004
#define SENSE_END_OF_DATA	0x080005
#define SENSE_END_OF_TAPE	0x0d0002

static uint32_t bytes_of(uint32_t word)
{
	return word == FILEMARK ? 0 : word;
}

/* What is behind the position; 0: nothing that makes sense (a file can hold anything). */
static uint32_t word_behind(const struct lun *lun)
{
	uint64_t size = lun->medium->size, room = size - lun->position;
	uint32_t word = 0;

	if (lun->position <= size && room >= 2 * WORD)
		word = get_be32(lun->medium->data + lun->position);
	return 2ull * WORD + bytes_of(word) <= room ? word : 0;
}

/* What is before it. */
static uint32_t word_before(const struct lun *lun)
{
	uint32_t word = 0;

	if (lun->position >= 2 * WORD && lun->position <= lun->medium->size)
		word = get_be32(lun->medium->data + lun->position - WORD);
	return 2ull * WORD + bytes_of(word) <= lun->position ? word : 0;
}

static uint32_t max_record(const struct lun *lun)
{
	return lun->max_record ? lun->max_record : MAX_RECORD;
}

static uint32_t number_of(const struct task *t)
{
	return t->cdb[2] << 16 | t->cdb[3] << 8 | t->cdb[4];
}

static void step(struct lun *lun)
{
	lun->position += 2 * WORD + bytes_of(word_behind(lun));
}

static void step_back(struct lun *lun)
{
	lun->position -= 2 * WORD + bytes_of(word_before(lun));
}

static void stop(struct lun *lun, struct task *t, uint32_t sense, uint8_t flags, uint32_t info)
{
	task_sense_info(lun, t, sense, info);
	t->sense[2] |= flags;
}

/* Takes one record; false: there is none, or it has another length. */
static bool read_record(struct lun *lun, struct task *t, uint32_t want, bool any_shorter,
			uint32_t left)
{
	uint32_t word = word_behind(lun), len = bytes_of(word);
	const uint8_t *data = lun->medium->data + lun->position + WORD;

	if (!word) {
		stop(lun, t, SENSE_END_OF_DATA, 0, left);
		return false;
	}
	step(lun);
	if (word == FILEMARK) {
		stop(lun, t, SENSE_AT_FILEMARK, SENSE_FILEMARK, left);
		return false;
	}
	t->moved += sgl_put(&t->in, data, min_u64(want, len));
	if (len == want || (any_shorter && len < want))
		return true;
	/* Without records of fixed length: how much shorter; longer is less than nothing. */
	stop(lun, t, SENSE_WRONG_LENGTH, SENSE_ILI, t->cdb[1] & 1 ? left : want - len);
	return false;
}

static void tape_read(struct lun *lun, struct task *t)
{
	bool fixed = t->cdb[1] & 1, any_shorter = t->cdb[1] & 2;
	uint32_t n = number_of(t), len = fixed ? lun->record : n;

	if (!task_ready(lun, t) || !n)
		return;
	if ((fixed && (!len || any_shorter)) || len > max_record(lun)) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	if ((uint64_t)len * (fixed ? n : 1) > t->in.left) {
		t->overrun = true;
		return;
	}
	if (!fixed)
		read_record(lun, t, len, any_shorter, n);
	for (; fixed && n && read_record(lun, t, len, false, n); n--)
		;
}

/* A record, or with NULL a filemark. What was behind it is gone. */
static bool append(struct lun *lun, struct task *t, uint32_t word, struct sgl *data, uint32_t left)
{
	uint8_t *at = lun->medium->data + lun->position;

	if (lun->position + 3 * WORD + bytes_of(word) > lun->medium->size) {
		stop(lun, t, SENSE_END_OF_TAPE, 0x40, left);
		return false;
	}
	put_be32(at, word);
	if (data)
		t->moved += sgl_get(data, at + WORD, word);
	put_be32(at + WORD + bytes_of(word), word);
	step(lun);
	put_be32(lun->medium->data + lun->position, 0);
	return true;
}

static bool is_writable(struct lun *lun, struct task *t)
{
	if (task_ready(lun, t) && lun->medium->read_only)
		task_sense(lun, t, SENSE_WRITE_PROTECTED);
	return t->status == SAM_GOOD;
}

static void tape_write(struct lun *lun, struct task *t)
{
	bool fixed = t->cdb[1] & 1;
	uint32_t n = number_of(t), len = fixed ? lun->record : n;

	if (!is_writable(lun, t) || !n)
		return;
	if (!len || len > max_record(lun)) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	if ((uint64_t)len * (fixed ? n : 1) > t->out.left) {
		t->overrun = true;
		return;
	}
	if (!fixed)
		append(lun, t, len, &t->out, n);
	for (; fixed && n && append(lun, t, len, &t->out, n); n--)
		;
}

static void tape_write_filemarks(struct lun *lun, struct task *t)
{
	if (!is_writable(lun, t))
		return;
	for (uint32_t n = number_of(t); n && append(lun, t, FILEMARK, NULL, n); n--)
		;
}

static void tape_space(struct lun *lun, struct task *t)
{
	int32_t n = (int32_t)(number_of(t) << 8) >> 8;
	bool marks = (t->cdb[1] & 7) == 1, to_end = (t->cdb[1] & 7) == 3;
	uint32_t word;

	if (!task_ready(lun, t))
		return;
	while (n || to_end) {
		bool back = n < 0 && !to_end;

		word = back ? word_before(lun) : word_behind(lun);
		if (!word && back) {
			stop(lun, t, SENSE_AT_BEGINNING, 0x40, -n);
			return;
		}
		if (!word) {
			if (!to_end)
				stop(lun, t, SENSE_END_OF_DATA, 0, n);
			return;
		}
		if (back)
			step_back(lun);
		else
			step(lun);
		if (!to_end && !marks && word == FILEMARK) {
			stop(lun, t, SENSE_AT_FILEMARK, SENSE_FILEMARK, back ? -n : n);
			return;
		}
		if (!marks || word == FILEMARK)
			n += back ? 1 : -1;
	}
}

static void tape_rewind(struct lun *lun, struct task *t)
{
	(void)t;
	lun->position = 0;
}

static void tape_read_block_limits(struct lun *lun, struct task *t)
{
	uint8_t buf[6] = { 0 };

	put_be32(buf, max_record(lun));	/* the first byte is the granularity: any */
	put_be16(buf + 4, 1);
	task_reply(t, buf, sizeof(buf), sizeof(buf));
}

/* Header and block descriptor; there are no pages. */
static void tape_mode_sense(struct lun *lun, struct task *t)
{
	uint8_t buf[12] = { 11, 0, 0x10, 8 };

	if (lun->medium->read_only)
		buf[2] |= 0x80;
	put_be32(buf + 8, lun->record);
	task_reply(t, buf, sizeof(buf), t->cdb[4]);
}

static void tape_mode_select(struct lun *lun, struct task *t)
{
	uint8_t buf[12] = { 0 };

	if (!task_param(t, buf, min_u64(t->cdb[4], sizeof(buf))) || buf[3] != 8)
		return;
	if ((get_be32(buf + 8) & 0xffffff) > max_record(lun))
		task_sense(lun, t, SENSE_BAD_PARAMETER);
	else
		lun->record = get_be32(buf + 8) & 0xffffff;
}

static const struct scsi_command tape_commands[] = {
	{ 0x00, -1, 6, scsi_test_unit_ready },
	{ 0x01, -1, 6, tape_rewind },
	{ 0x03, -1, 6, scsi_request_sense },
	{ 0x05, -1, 6, tape_read_block_limits },
	{ 0x08, -1, 6, tape_read },
	{ 0x0a, -1, 6, tape_write },
	{ 0x10, -1, 6, tape_write_filemarks },
	{ 0x11, -1, 6, tape_space },
	{ 0x12, -1, 6, scsi_inquiry },
	{ 0x15, -1, 6, tape_mode_select },
	{ 0x1a, -1, 6, tape_mode_sense },
	{ 0x1b, -1, 6, scsi_nothing },			/* LOAD UNLOAD */
	{ 0x1e, -1, 6, scsi_nothing },			/* PREVENT ALLOW MEDIUM REMOVAL */
	{ 0xa0, -1, 12, scsi_report_luns },
};

const struct lun_type tape_type = {
	.name = "tape",
	.peripheral_type = 0x01,
	.product = "TAPE",
	.commands = tape_commands,
	.nr_commands = ARRAY_SIZE(tape_commands),
};
