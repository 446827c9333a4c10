// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Direct-access block devices. A command names an extent of blocks; with
 * protection information each block of it has a tuple beside the medium.
 *
 * The device stands for initiator port and target in one: where a command asks
 * for protection (RDPROTECT, WRPROTECT) but the driver sent no tuples, it
 * inserts and strips them as an HBA would.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "pi.h"
#include "target.h"
#include "violation.h"

#define MAX_UNMAP_BLOCKS	0x400000
#define MAX_UNMAP_DESCRIPTORS	255
#define MAX_WRITE_SAME_BLOCKS	0x400000
#define PUNCH_FROM_BYTES	65536	/* smaller holes are cheaper to clear */

struct extent {
	uint64_t lba, bytes;
	uint32_t nr;
	uint32_t ref;		/* expected reference tag of the first block */
	struct pi_rule rule;
	uint8_t flags;		/* the CDB byte with protect, DPO, FUA, BYTCHK, UNMAP */
};

static const uint32_t sense_of_verdict[] = {
	[PI_BAD_GUARD] = SENSE_PI_GUARD,
	[PI_BAD_APP] = SENSE_PI_APP,
	[PI_BAD_REF] = SENSE_PI_REF,
};

/* The extent a CDB names; the form of the CDB follows from the opcode's group. */
static void decode(const struct lun *lun, const uint8_t *cdb, struct extent *e)
{
	*e = (struct extent) { .flags = cdb[1], .rule.type = lun->pi };
	switch (cdb[0] >> 5) {
	case 0:
		e->lba = get_be32(cdb) & 0x1fffff;
		e->nr = cdb[4] ? cdb[4] : 256;
		e->flags = 0;
		break;
	case 1:
	case 2:
		e->lba = get_be32(cdb + 2);
		e->nr = get_be16(cdb + 7);
		break;
	case 3:
		e->lba = get_be64(cdb + 12);
		e->nr = get_be32(cdb + 28);
		e->flags = cdb[10];
		break;
	case 4:
		e->lba = get_be64(cdb + 2);
		e->nr = get_be32(cdb + 10);
		break;
	default:
		e->lba = get_be32(cdb + 2);
		e->nr = get_be32(cdb + 6);
	}
	e->bytes = (uint64_t)e->nr * lun->block;
	e->ref = e->lba;
	e->rule.protect = e->flags >> 5;
	if (lun->pi == 2 && cdb[0] == 0x7f) {
		e->ref = get_be32(cdb + 20);
		e->rule.app = get_be16(cdb + 24);
		e->rule.app_mask = get_be16(cdb + 26);
	}
}

static bool check_range(struct lun *lun, struct task *t, uint64_t lba, uint64_t nr)
{
	uint64_t blocks = lun_blocks(lun);

	if (lba <= blocks && nr <= blocks - lba)
		return true;
	task_sense_info(lun, t, SENSE_LBA_RANGE, max_u64(lba, blocks));
	return false;
}

/* Decodes and judges all but the buffers; on false the task has its answer. */
static bool take_extent(struct lun *lun, struct task *t, struct extent *e)
{
	if (!task_ready(lun, t))
		return false;
	decode(lun, t->cdb, e);
	if (e->rule.protect && (!lun->pi || e->rule.protect > 5)) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return false;
	}
	if (e->rule.protect && lun->pi == 2 && t->cdb[0] != 0x7f) {
		task_sense(lun, t, SENSE_BAD_OPCODE);
		return false;
	}
	return check_range(lun, t, e->lba, e->nr);
}

/* The driver's tuples must be those of the extent, and asked for. */
static void check_pi_bytes(const struct lun *lun, const struct extent *e, uint64_t bytes)
{
	if (!bytes)
		return;
	if (!lun->pi || !e->rule.protect)
		violation("LUN %u:%u: protection information without protect field or on an unprotected LUN",
			  lun->target, lun->lun);
	if (bytes != (uint64_t)e->nr * PI_SIZE)
		violation("LUN %u:%u: %llu bytes of protection information for %u blocks",
			  lun->target, lun->lun, (unsigned long long)bytes, e->nr);
}

static uint8_t *block_at(const struct lun *lun, uint64_t lba)
{
	return lun->medium->data + lba * lun->block;
}

static void tuple_load(const struct lun *lun, uint64_t lba, uint8_t tuple[PI_SIZE])
{
	for (int i = 0; i < PI_SIZE; i++)
		tuple[i] = ~lun->medium->pi[lba * PI_SIZE + i];
}

static void tuple_store(const struct lun *lun, uint64_t lba, const uint8_t tuple[PI_SIZE])
{
	for (int i = 0; i < PI_SIZE; i++)
		lun->medium->pi[lba * PI_SIZE + i] = ~tuple[i];
}

static bool tuple_is_good(struct lun *lun, struct task *t, const struct extent *e, uint32_t i,
			  const uint8_t *tuple, const uint8_t *block)
{
	enum pi_verdict v = pi_check(&e->rule, tuple, block, lun->block, e->ref + i);

	if (v != PI_GOOD)
		task_sense_info(lun, t, sense_of_verdict[v], e->lba + i);
	return v == PI_GOOD;
}

/* Blocks get fresh tuples when they are written without. */
static void tuples_make(const struct lun *lun, const struct extent *e)
{
	uint8_t tuple[PI_SIZE];

	for (uint32_t i = 0; i < e->nr; i++) {
		pi_make(tuple, block_at(lun, e->lba + i), lun->block,
			lun->pi == 3 ? UINT32_MAX : e->ref + i);
		tuple_store(lun, e->lba + i, tuple);
	}
}

void disk_read(struct lun *lun, struct task *t)
{
	struct extent e;

	if (!take_extent(lun, t, &e))
		return;
	check_pi_bytes(lun, &e, t->pi_in.left);
	if (e.bytes > t->in.left) {
		t->overrun = true;
		return;
	}
	if (!lun->pi || !e.rule.protect) {
		t->moved = sgl_put(&t->in, block_at(lun, e.lba), e.bytes);
		return;
	}
	for (uint32_t i = 0; i < e.nr; i++) {
		const uint8_t *block = block_at(lun, e.lba + i);
		uint8_t tuple[PI_SIZE];

		tuple_load(lun, e.lba + i, tuple);
		if (!tuple_is_good(lun, t, &e, i, tuple, block))
			return;
		for (int j = 0; t->tuple_flip && j < PI_SIZE; j++)
			tuple[j] ^= t->tuple_flip[j];
		sgl_put(&t->pi_in, tuple, PI_SIZE);
		t->moved += sgl_put(&t->in, block, lun->block);
	}
}

static bool take_writable_extent(struct lun *lun, struct task *t, struct extent *e)
{
	if (!take_extent(lun, t, e))
		return false;
	if (lun->medium->read_only) {
		task_sense(lun, t, SENSE_WRITE_PROTECTED);
		return false;
	}
	return true;
}

static void disk_write(struct lun *lun, struct task *t)
{
	uint8_t block[4096], tuple[PI_SIZE];
	struct extent e;

	if (!take_writable_extent(lun, t, &e))
		return;
	check_pi_bytes(lun, &e, t->pi_out.left);
	if (e.bytes > t->out.left) {
		t->overrun = true;
		return;
	}
	if (!lun->pi || !t->pi_out.left) {
		t->moved = sgl_get(&t->out, block_at(lun, e.lba), e.bytes);
		if (lun->pi)
			tuples_make(lun, &e);
		return;
	}
	for (uint32_t i = 0; i < e.nr; i++) {
		sgl_get(&t->out, block, lun->block);
		sgl_get(&t->pi_out, tuple, PI_SIZE);
		if (!tuple_is_good(lun, t, &e, i, tuple, block))
			return;
		memcpy(block_at(lun, e.lba + i), block, lun->block);
		tuple_store(lun, e.lba + i, tuple);
		t->moved += lun->block;
	}
}

static void disk_verify(struct lun *lun, struct task *t)
{
	uint8_t block[4096], tuple[PI_SIZE];
	unsigned int compare;
	struct extent e;

	if (!take_extent(lun, t, &e))
		return;
	compare = e.flags >> 1 & 3;
	if (compare == 2) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	if (compare && (compare == 1 ? e.bytes : lun->block) > t->out.left) {
		t->overrun = true;
		return;
	}
	for (uint32_t i = 0; i < e.nr; i++) {
		if (compare == 1 || (compare == 3 && i == 0))
			t->moved += sgl_get(&t->out, block, lun->block);
		if (compare && memcmp(block, block_at(lun, e.lba + i), lun->block)) {
			task_sense_info(lun, t, SENSE_MISCOMPARE, e.lba + i);
			return;
		}
		if (e.rule.protect && !compare) {
			tuple_load(lun, e.lba + i, tuple);
			if (!tuple_is_good(lun, t, &e, i, tuple, block_at(lun, e.lba + i)))
				return;
		}
	}
}

static void clear_blocks(struct lun *lun, uint64_t lba, uint64_t nr)
{
	uint64_t offset = lba * lun->block, bytes = nr * lun->block;

	if (bytes < PUNCH_FROM_BYTES ||
	    fallocate(lun->medium->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes) < 0)
		memset(block_at(lun, lba), 0, bytes);
	memset(lun->medium->pi + lba * PI_SIZE, 0, nr * PI_SIZE);
}

static void disk_write_same(struct lun *lun, struct task *t)
{
	bool unmap, no_data;
	uint8_t block[4096] = { 0 };
	struct extent e;

	if (!take_writable_extent(lun, t, &e))
		return;
	unmap = e.flags & 8;
	no_data = t->cdb[0] == 0x93 && e.flags & 1;
	if (!e.nr || e.nr > MAX_WRITE_SAME_BLOCKS || e.flags & 0x16) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	if (!no_data && !task_param(t, block, lun->block))
		return;
	if (unmap && !memcmp(block, block + 1, lun->block - 1) && !block[0]) {
		clear_blocks(lun, e.lba, e.nr);
		return;
	}
	for (uint32_t i = 0; i < e.nr; i++)
		memcpy(block_at(lun, e.lba + i), block, lun->block);
	if (lun->pi)
		tuples_make(lun, &e);
}

static void disk_unmap(struct lun *lun, struct task *t)
{
	unsigned int len = get_be16(t->cdb + 7), nr;
	uint8_t buf[65536];

	if (!task_ready(lun, t) || !task_param(t, buf, len) || len < 8)
		return;
	if (lun->medium->read_only) {
		task_sense(lun, t, SENSE_WRITE_PROTECTED);
		return;
	}
	nr = get_be16(buf + 2) / 16;
	if (nr > MAX_UNMAP_DESCRIPTORS || 8 + nr * 16 > len) {
		task_sense(lun, t, SENSE_BAD_PARAMETER);
		return;
	}
	for (unsigned int i = 0; i < nr; i++) {
		const uint8_t *d = buf + 8 + i * 16;
		uint32_t blocks = get_be32(d + 8);

		if (blocks > MAX_UNMAP_BLOCKS) {
			task_sense(lun, t, SENSE_BAD_PARAMETER);
			return;
		}
		if (!check_range(lun, t, get_be64(d), blocks))
			return;
		clear_blocks(lun, get_be64(d), blocks);
	}
}

static void disk_synchronize(struct lun *lun, struct task *t)
{
	struct extent e;

	if (take_extent(lun, t, &e) && lun->medium->synced && fdatasync(lun->medium->fd) < 0)
		task_sense(lun, t, 0x030c00);	/* write error */
}

static void disk_prefetch(struct lun *lun, struct task *t)
{
	struct extent e;

	take_extent(lun, t, &e);
}

void disk_read_capacity10(struct lun *lun, struct task *t)
{
	uint8_t buf[8];

	if (!task_ready(lun, t))
		return;
	put_be32(buf, min_u64(lun_blocks(lun) - 1, UINT32_MAX));
	put_be32(buf + 4, lun->block);
	task_reply(t, buf, sizeof(buf), sizeof(buf));
}

static void disk_read_capacity16(struct lun *lun, struct task *t)
{
	uint8_t buf[32] = { 0 };

	if (!task_ready(lun, t))
		return;
	put_be64(buf, lun_blocks(lun) - 1);
	put_be32(buf + 8, lun->block);
	buf[12] = lun->pi ? (lun->pi - 1) << 1 | 1 : 0;
	buf[14] = 0xc0;		/* thin, and unmapped blocks read as zeros */
	task_reply(t, buf, sizeof(buf), get_be32(t->cdb + 10));
}

static unsigned int disk_mode_page(struct lun *lun, uint8_t page, bool changeable, uint8_t *buf)
{
	switch (page) {
	case 0x01:
		buf[0] = page;
		buf[1] = 10;
		return 12;
	case 0x08:
		buf[0] = page;
		buf[1] = 18;
		buf[2] = changeable || lun->write_cache ? 4 : 0;
		return 20;
	case 0x0a:
		return mode_page_control(lun, changeable, buf);
	case 0x1c:
		buf[0] = page;
		buf[1] = 10;
		return 12;
	}
	return 0;
}

static unsigned int disk_vpd(struct lun *lun, uint8_t page, uint8_t *buf)
{
	switch (page) {
	case 0x86:
		/* protection types 1 to 3; guard, application and reference tag checked */
		buf[4] = lun->pi ? 0x3f : 0;
		buf[5] = 0x07;	/* simple, ordered and head-of-queue tasks */
		return 64;
	case 0xb0:
		buf[4] = 1;	/* no WRITE SAME of zero blocks */
		put_be32(buf + 8, lun->max_blocks);
		put_be32(buf + 12, lun->opt_blocks);
		put_be32(buf + 20, MAX_UNMAP_BLOCKS);
		put_be32(buf + 24, MAX_UNMAP_DESCRIPTORS);
		put_be32(buf + 28, 1);
		put_be64(buf + 36, MAX_WRITE_SAME_BLOCKS);
		return 64;
	case 0xb1:
		put_be16(buf + 4, 1);	/* does not rotate */
		return 64;
	case 0xb2:
		buf[5] = 0xe4;	/* UNMAP, WRITE SAME (16) and (10), reads as zeros */
		buf[6] = 2;	/* thin */
		return 8;
	}
	return 0;
}

static const struct scsi_command disk_commands[] = {
	{ 0x00, -1, 6, scsi_test_unit_ready },
	{ 0x03, -1, 6, scsi_request_sense },
	{ 0x08, -1, 6, disk_read },
	{ 0x0a, -1, 6, disk_write },
	{ 0x12, -1, 6, scsi_inquiry },
	{ 0x15, -1, 6, scsi_mode_select },
	{ 0x1a, -1, 6, scsi_mode_sense },
	{ 0x1b, -1, 6, scsi_start_stop },
	{ 0x1d, -1, 6, scsi_nothing },			/* SEND DIAGNOSTIC */
	{ 0x1e, -1, 6, scsi_prevent_removal },
	{ 0x25, -1, 10, disk_read_capacity10 },
	{ 0x28, -1, 10, disk_read },
	{ 0x2a, -1, 10, disk_write },
	{ 0x2e, -1, 10, disk_write },			/* WRITE AND VERIFY */
	{ 0x2f, -1, 10, disk_verify },
	{ 0x34, -1, 10, disk_prefetch },
	{ 0x35, -1, 10, disk_synchronize },
	{ 0x41, -1, 10, disk_write_same },
	{ 0x42, -1, 10, disk_unmap },
	{ 0x55, -1, 10, scsi_mode_select },
	{ 0x5a, -1, 10, scsi_mode_sense },
	{ 0x7f, 0x09, 32, disk_read },
	{ 0x7f, 0x0a, 32, disk_verify },
	{ 0x7f, 0x0b, 32, disk_write },
	{ 0x7f, 0x0c, 32, disk_write },			/* WRITE AND VERIFY */
	{ 0x7f, 0x0d, 32, disk_write_same },
	{ 0x88, -1, 16, disk_read },
	{ 0x8a, -1, 16, disk_write },
	{ 0x8e, -1, 16, disk_write },
	{ 0x8f, -1, 16, disk_verify },
	{ 0x90, -1, 16, disk_prefetch },
	{ 0x91, -1, 16, disk_synchronize },
	{ 0x93, -1, 16, disk_write_same },
	{ 0x9e, 0x10, 16, disk_read_capacity16 },
	{ 0xa0, -1, 12, scsi_report_luns },
	{ 0xa3, 0x0c, 12, scsi_report_opcodes },
	{ 0xa3, 0x0d, 12, scsi_report_tmfs },
	{ 0xa8, -1, 12, disk_read },
	{ 0xaa, -1, 12, disk_write },
	{ 0xae, -1, 12, disk_write },
	{ 0xaf, -1, 12, disk_verify },
};

const struct lun_type disk_type = {
	.name = "disk",
	.peripheral_type = 0x00,
	.product = "DISK",
	.commands = disk_commands,
	.nr_commands = ARRAY_SIZE(disk_commands),
	.mode_page = disk_mode_page,
	.vpd = disk_vpd,
};
