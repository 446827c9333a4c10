// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What every logical unit has in common: who answers for a LUN that is not
 * there, unit attentions, sense data, and the primary commands. The command
 * tables drive both dispatch and REPORT SUPPORTED OPERATION CODES.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "loop.h"
#include "target.h"

static const struct scsi_command well_known_commands[] = {
	{ 0x00, -1, 6, scsi_nothing },
	{ 0x03, -1, 6, scsi_request_sense },
	{ 0x12, -1, 6, scsi_inquiry },
};

/* A LUN that only says what it is: the REPORT LUNS well-known logical unit. */
static const struct lun_type well_known_type = {
	.name = "well-known",
	.peripheral_type = 0x1e,
	.product = "REPORT LUNS",
	.commands = well_known_commands,
	.nr_commands = ARRAY_SIZE(well_known_commands),
};

uint64_t lun_blocks(const struct lun *lun)
{
	return lun->medium && !lun->open ? lun->medium->size / lun->block : 0;
}

void lun_attention(struct lun *lun, uint32_t sense)
{
	unsigned int nr = lun->nr_attention;

	for (unsigned int i = 0; i < nr; i++)
		if (lun->attention[i] == sense)
			return;
	if (nr < ARRAY_SIZE(lun->attention))
		lun->attention[lun->nr_attention++] = sense;
}

static uint32_t take_attention(struct lun *lun)
{
	uint32_t sense = lun->attention[0];

	lun->nr_attention--;
	memmove(lun->attention, lun->attention + 1, lun->nr_attention * sizeof(sense));
	return sense;
}

void lun_eject(struct lun *lun)
{
	lun->open = true;
	lun->media_event = 3;
}

void lun_load(struct lun *lun)
{
	lun->open = false;
	lun->stopped = false;
	if (lun->medium) {
		lun->media_event = 2;
		lun_attention(lun, SENSE_UA_MEDIUM);
	}
}

static unsigned int format_sense(bool descriptor, uint8_t *buf, uint32_t sense, const uint64_t *info)
{
	memset(buf, 0, 32);
	if (descriptor) {
		buf[0] = 0x72;
		buf[1] = sense >> 16;
		buf[2] = sense >> 8;
		buf[3] = sense;
		if (!info)
			return 8;
		buf[7] = 12;
		buf[9] = 0x0a;
		buf[10] = 0x80;
		put_be64(buf + 12, *info);
		return 20;
	}
	buf[0] = 0x70;
	buf[2] = sense >> 16;
	buf[7] = 10;
	buf[12] = sense >> 8;
	buf[13] = sense;
	if (info && *info <= UINT32_MAX) {
		buf[0] |= 0x80;
		put_be32(buf + 3, *info);
	}
	return 18;
}

void task_sense(struct lun *lun, struct task *t, uint32_t sense)
{
	t->status = SAM_CHECK_CONDITION;
	t->sense_len = format_sense(lun && lun->d_sense, t->sense, sense, NULL);
}

void task_sense_info(struct lun *lun, struct task *t, uint32_t sense, uint64_t info)
{
	t->status = SAM_CHECK_CONDITION;
	t->sense_len = format_sense(lun->d_sense, t->sense, sense, &info);
}

/* Answers with data: as much as was asked for, if there is room for that. */
void task_reply(struct task *t, const void *buf, uint64_t len, uint64_t allocation)
{
	if (allocation > t->in.left)
		t->overrun = true;
	else
		t->moved = sgl_put(&t->in, buf, min_u64(len, allocation));
}

/* Fetches a parameter list of just this length. */
bool task_param(struct task *t, void *buf, uint64_t len)
{
	if (len > t->out.left) {
		t->overrun = true;
		return false;
	}
	t->moved = sgl_get(&t->out, buf, len);
	return true;
}

bool task_ready(struct lun *lun, struct task *t)
{
	if (!lun->medium || lun->open)
		task_sense(lun, t, SENSE_NOT_READY_NO_MEDIUM);
	else if (lun->stopped)
		task_sense(lun, t, SENSE_NOT_READY_STOPPED);
	return t->status == SAM_GOOD;
}

void scsi_nothing(struct lun *lun, struct task *t)
{
	(void)lun;
	(void)t;
}

void scsi_test_unit_ready(struct lun *lun, struct task *t)
{
	task_ready(lun, t);
}

void scsi_request_sense(struct lun *lun, struct task *t)
{
	uint32_t sense = lun->nr_attention ? take_attention(lun) : 0;
	uint8_t buf[32];
	unsigned int len = format_sense(t->cdb[1] & 1, buf, sense, NULL);

	task_reply(t, buf, len, t->cdb[4]);
}

static void put_padded(uint8_t *to, const char *text, size_t len)
{
	memset(to, ' ', len);
	memcpy(to, text, min_u64(strlen(text), len));
}

static void serial_of(const struct lun *lun, char serial[16])
{
	snprintf(serial, 16, "T%03uL%05u", lun->target, lun->lun);
}

/* Page 83h: a T10 vendor designator, and a locally assigned NAA one. */
static unsigned int vpd_identification(const struct lun *lun, uint8_t *buf)
{
	char serial[16];
	unsigned int len;

	serial_of(lun, serial);
	len = strlen(serial);
	buf[4] = 2;		/* ASCII */
	buf[5] = 1;
	buf[7] = 8 + len;
	put_padded(buf + 8, "VSCSI", 8);
	memcpy(buf + 16, serial, len);
	buf += 8 + 8 + len;
	buf[0] = 1;		/* binary */
	buf[1] = 3;
	buf[3] = 8;
	put_be64(buf + 4, 0x3000000076000000ull | lun->target << 16 | lun->lun);
	return 8 + 8 + len + 12;
}

static unsigned int vpd_page(struct lun *lun, uint8_t page, uint8_t *buf)
{
	char serial[16];

	memset(buf, 0, 512);
	switch (page) {
	case 0x80:
		serial_of(lun, serial);
		memcpy(buf + 4, serial, strlen(serial));
		return 4 + strlen(serial);
	case 0x83:
		return vpd_identification(lun, buf);
	default:
		return lun->type->vpd ? lun->type->vpd(lun, page, buf) : 0;
	}
}

void scsi_inquiry(struct lun *lun, struct task *t)
{
	uint64_t allocation = get_be16(t->cdb + 3);
	uint8_t page = t->cdb[2], buf[512] = { 0 };
	unsigned int len = 0;

	if (!(t->cdb[1] & 1)) {
		if (page) {
			task_sense(lun, t, SENSE_BAD_CDB_FIELD);
			return;
		}
		buf[0] = lun->type->peripheral_type;
		buf[1] = lun->type->removable ? 0x80 : 0;
		buf[2] = 6;		/* SPC-4 */
		buf[3] = 0x12;		/* hierarchical LUNs, response format 2 */
		buf[4] = 31;
		buf[5] = lun->pi ? 1 : 0;
		buf[7] = 2;		/* command queuing */
		put_padded(buf + 8, "VSCSI", 8);
		put_padded(buf + 16, lun->type->product, 16);
		put_padded(buf + 32, "1", 4);
		task_reply(t, buf, 36, allocation);
		return;
	}
	if (page == 0) {
		uint8_t scratch[512];

		len = 5;
		for (unsigned int p = 1; p < 256; p++)
			if (vpd_page(lun, p, scratch))
				buf[len++] = p;
	} else {
		len = vpd_page(lun, page, buf);
	}
	if (!len) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	buf[0] = lun->type->peripheral_type;
	buf[1] = page;
	put_be16(buf + 2, len - 4);
	task_reply(t, buf, len, allocation);
}

unsigned int mode_page_control(struct lun *lun, bool changeable, uint8_t *buf)
{
	buf[0] = 0x0a;
	buf[1] = 10;
	buf[2] = changeable || lun->d_sense ? 4 : 0;
	if (!changeable)
		buf[5] = lun->pi ? 0x80 : 0;	/* application tags are the owner's */
	return 12;
}

void scsi_mode_sense(struct lun *lun, struct task *t)
{
	bool ten = t->cdb[0] == 0x5a;
	uint64_t allocation = ten ? get_be16(t->cdb + 7) : t->cdb[4];
	uint8_t page = t->cdb[2] & 0x3f, control = t->cdb[2] >> 6, buf[1024] = { 0 };
	bool disk = lun->type == &disk_type;
	unsigned int len = ten ? 8 : 4, header = len;
	uint8_t specific = disk ? 0x10 | (lun->medium->read_only ? 0x80 : 0) : 0;

	if (control == 3) {
		task_sense(lun, t, 0x053900);	/* saving parameters not supported */
		return;
	}
	if (disk && !(t->cdb[1] & 8)) {
		put_be32(buf + len, min_u64(lun_blocks(lun), UINT32_MAX));
		put_be32(buf + len + 4, lun->block);
		len += 8;
	}
	for (unsigned int p = 0; p < 0x3f; p++)
		if (page == 0x3f || page == p)
			len += lun->type->mode_page(lun, p, control == 1, buf + len);
	if (page != 0x3f && len <= header + 8 && !lun->type->mode_page(lun, page, false, buf + len)) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	if (ten) {
		put_be16(buf, len - 2);
		buf[3] = specific;
		buf[7] = disk && !(t->cdb[1] & 8) ? 8 : 0;
	} else {
		buf[0] = len - 1;
		buf[2] = specific;
		buf[3] = disk && !(t->cdb[1] & 8) ? 8 : 0;
	}
	task_reply(t, buf, len, allocation);
}

/* Takes what mode_page() calls changeable: D_SENSE, and a disk's write cache. */
void scsi_mode_select(struct lun *lun, struct task *t)
{
	bool ten = t->cdb[0] == 0x55;
	unsigned int len = ten ? get_be16(t->cdb + 7) : t->cdb[4], at = ten ? 8 : 4;
	uint8_t buf[65536] = { 0 };

	if (!task_param(t, buf, len) || !len)
		return;
	at += ten ? get_be16(buf + 6) : buf[3];
	while (at + 2 <= len) {
		const uint8_t *p = buf + at;

		at += 2 + p[1];
		if ((p[0] & 0x3f) == 0x0a && p[1] == 10 && at <= len) {
			lun->d_sense = p[2] & 4;
		} else if ((p[0] & 0x3f) == 0x08 && p[1] == 18 && at <= len &&
			   lun->type == &disk_type) {
			lun->write_cache = p[2] & 4;
		} else {
			task_sense(lun, t, SENSE_BAD_PARAMETER);
			return;
		}
	}
}

/* A LUN in the single-level form: flat addressing from 256 on. */
static void put_lun(uint8_t *to, const struct lun *lun)
{
	bool is_bare = lun->is_bare || (lun->lun < 256 && !lun->is_flat);

	put_be16(to, is_bare ? lun->lun : 0x4000 | lun->lun);
}

/*
 * The inventory of a target. From the well-known LUN of the whole device
 * (C1 01, no target) that of all, each in the form that the lun field has.
 */
void target_report_luns(bool all_targets, uint8_t target, struct task *t)
{
	uint8_t select = t->cdb[2];
	uint64_t allocation = get_be32(t->cdb + 6);
	uint8_t *buf;
	size_t len = 8;

	if (select > 2 || allocation < 16) {
		task_sense(NULL, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	buf = xalloc(NULL, 1, 16);
	memset(buf, 0, 8);
	for (struct lun *lun = NULL; select != 1 && (lun = inventory_next(lun));) {
		if (!all_targets && lun->target != target)
			continue;
		buf = xalloc(buf, len + 16, 1);
		memset(buf + len, 0, 8);
		if (all_targets) {
			buf[len] = 1;
			buf[len + 1] = lun->target;
			put_lun(buf + len + 2, lun);
		} else {
			put_lun(buf + len, lun);
		}
		len += 8;
	}
	if (select) {
		memset(buf + len, 0, 8);
		put_be16(buf + len, LUN_WELL_KNOWN);
		len += 8;
	}
	put_be32(buf, len - 8);
	task_reply(t, buf, len, allocation);
	free(buf);
}

void scsi_report_luns(struct lun *lun, struct task *t)
{
	for (unsigned int i = 0; i < lun->nr_attention; i++)
		if (lun->attention[i] == SENSE_UA_LUNS_CHANGED) {
			lun->nr_attention--;
			memmove(lun->attention + i, lun->attention + i + 1,
				(lun->nr_attention - i) * sizeof(lun->attention[0]));
		}
	target_report_luns(false, lun->target, t);
}

static const struct scsi_command *find_command(const struct lun_type *type, uint8_t opcode, int service)
{
	for (unsigned int i = 0; i < type->nr_commands; i++) {
		const struct scsi_command *c = &type->commands[i];

		if (c->opcode == opcode && (c->service < 0 || c->service == service))
			return c;
	}
	return NULL;
}

void scsi_report_opcodes(struct lun *lun, struct task *t)
{
	uint8_t options = t->cdb[2] & 7, opcode = t->cdb[3], buf[2048] = { 0 };
	const struct scsi_command *c;
	unsigned int len = 4;

	if (options > 3) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	if (!options) {
		for (unsigned int i = 0; i < lun->type->nr_commands; i++, len += 8) {
			c = &lun->type->commands[i];
			buf[len] = c->opcode;
			put_be16(buf + len + 2, c->service < 0 ? 0 : c->service);
			buf[len + 5] = c->service >= 0;
			put_be16(buf + len + 6, c->cdb_len);
		}
		put_be32(buf, len - 4);
	} else {
		c = find_command(lun->type, opcode, get_be16(t->cdb + 4));
		buf[1] = c ? 3 : 1;
		if (c) {
			put_be16(buf + 2, c->cdb_len);
			memset(buf + 4, 0xff, c->cdb_len);
			buf[4] = opcode;
			len += c->cdb_len;
		}
	}
	task_reply(t, buf, len, get_be32(t->cdb + 6));
}

void scsi_report_tmfs(struct lun *lun, struct task *t)
{
	/* all but CLEAR ACA; I_T nexus reset and QUERY TASK SET in the second byte */
	const uint8_t buf[16] = { 0xdc, 0x05 };

	(void)lun;
	task_reply(t, buf, 4, get_be32(t->cdb + 6));
}

void scsi_prevent_removal(struct lun *lun, struct task *t)
{
	lun->locked = t->cdb[4] & 1;
}

void scsi_start_stop(struct lun *lun, struct task *t)
{
	bool start = t->cdb[4] & 1, load_eject = t->cdb[4] & 2;

	if (t->cdb[4] >> 4)
		return;		/* a power condition: taken, without effect */
	if (!load_eject || !lun->type->removable)
		lun->stopped = !start;
	else if (start)
		lun_load(lun);
	else if (lun->locked)
		task_sense(lun, t, SENSE_REMOVAL_PREVENTED);
	else
		lun_eject(lun);
}

/* What a target says where it has no such LUN. */
static void run_without_lun(uint8_t target, uint16_t number, struct task *t)
{
	uint8_t buf[36] = { 0x7f, 0, number ? 0 : 6, 0x12, 31 };	/* version 0 as QEMU */

	if (t->cdb[0] == 0x12 && !(t->cdb[1] & 1)) {
		put_padded(buf + 8, "VSCSI", 28);
		task_reply(t, buf, sizeof(buf), get_be16(t->cdb + 3));
	} else if (t->cdb[0] == 0xa0) {
		target_report_luns(false, target, t);
	} else if (t->cdb[0] == 0x03) {
		unsigned int len = format_sense(t->cdb[1] & 1, buf, SENSE_NO_LUN, NULL);

		task_reply(t, buf, len, t->cdb[4]);
	} else {
		task_sense(NULL, t, SENSE_NO_LUN);
	}
}

/* Runs one command; the caller has seen to it that the target exists. */
void target_execute(uint8_t target, uint16_t number, struct task *t)
{
	struct lun well_known = { .target = target, .lun = number, .type = &well_known_type };
	struct lun *lun = number == LUN_WELL_KNOWN ? &well_known : inventory_find(target, number);
	uint8_t opcode = t->cdb[0];
	const struct scsi_command *c;
	int service;

	if (!lun || (lun == &well_known && opcode == 0xa0)) {
		run_without_lun(target, number, t);
		return;
	}
	if (lun->nr_attention && opcode != 0x12 && opcode != 0xa0 && opcode != 0x03) {
		task_sense(lun, t, take_attention(lun));
		return;
	}
	service = opcode == 0x7f ? get_be16(t->cdb + 8) : t->cdb[1] & 0x1f;
	c = find_command(lun->type, opcode, service);
	if (c && lun->refuse && t->out.left + t->in.left > lun->refuse)
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);	/* as QEMU has it for EINVAL */
	else if (c)
		c->run(lun, t);
	else
		task_sense(lun, t, SENSE_BAD_OPCODE);
}
