// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A CD drive, as much of one as the sr driver asks for: one data track, a tray
 * that the driver and the control socket open and close.
 */
#include <stdio.h>

#include "bytes.h"
#include "target.h"

static void put_address(uint8_t *to, uint64_t lba, bool msf)
{
	uint64_t frame = lba + 150;

	if (!msf) {
		put_be32(to, lba);
		return;
	}
	to[0] = 0;
	to[1] = frame / 75 / 60;
	to[2] = frame / 75 % 60;
	to[3] = frame % 75;
}

static void cdrom_read_toc(struct lun *lun, struct task *t)
{
	bool msf = t->cdb[1] & 2;
	uint8_t format = t->cdb[2] & 0xf ? t->cdb[2] & 0xf : t->cdb[9] >> 6;
	uint8_t buf[20] = { 0, 0, 1, 1 };
	unsigned int len = format ? 12 : 20;

	if (!task_ready(lun, t))
		return;
	if (format > 1) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	put_be16(buf, len - 2);
	buf[5] = 0x14;		/* a data track */
	buf[6] = 1;
	put_address(buf + 8, 0, msf);
	buf[13] = 0x14;
	buf[14] = 0xaa;		/* the lead-out */
	put_address(buf + 16, lun_blocks(lun), msf);
	task_reply(t, buf, len, get_be16(t->cdb + 7));
}

static void cdrom_get_configuration(struct lun *lun, struct task *t)
{
	bool disc = lun->medium && !lun->open;
	uint8_t buf[32] = {
		0, 0, 0, 28, 0, 0, 0, disc ? 8 : 0,
		0x00, 0x00, 0x03, 4, 0x00, 0x08, disc, 0,	/* profile list: CD-ROM */
		0x00, 0x01, 0x03, 4, 0, 0, 0, 1,		/* core: SCSI */
		0x00, 0x03, 0x03, 4, 0x29, 0, 0, 0,		/* removable: tray, eject, lock */
	};

	task_reply(t, buf, sizeof(buf), get_be16(t->cdb + 7));
}

static void cdrom_get_event_status(struct lun *lun, struct task *t)
{
	uint8_t buf[8] = { 0, 2, 0x80, 0x10 };
	unsigned int len = 4;

	if (!(t->cdb[1] & 1)) {
		task_sense(lun, t, SENSE_BAD_CDB_FIELD);
		return;
	}
	if (t->cdb[4] & 0x10) {
		buf[1] = 6;
		buf[2] = 4;
		buf[4] = lun->media_event;
		buf[5] = (lun->open ? 1 : 0) | (lun->medium && !lun->open ? 2 : 0);
		len = 8;
		lun->media_event = 0;
	}
	task_reply(t, buf, len, get_be16(t->cdb + 7));
}

static void cdrom_read_disc_information(struct lun *lun, struct task *t)
{
	uint8_t buf[34] = { 0, 32, 0x0e, 1, 1, 1, 1 };

	if (task_ready(lun, t))
		task_reply(t, buf, sizeof(buf), get_be16(t->cdb + 7));
}

static unsigned int cdrom_mode_page(struct lun *lun, uint8_t page, bool changeable, uint8_t *buf)
{
	switch (page) {
	case 0x01:
		buf[0] = page;
		buf[1] = 10;
		return 12;
	case 0x0a:
		return mode_page_control(lun, changeable, buf);
	case 0x2a:
		buf[0] = page;
		buf[1] = 20;
		if (!changeable) {
			buf[6] = 0x29;		/* tray, eject, lock */
			put_be16(buf + 8, 706);	/* kB/s: 4x */
			put_be16(buf + 14, 706);
		}
		return 22;
	}
	return 0;
}

static const struct scsi_command cdrom_commands[] = {
	{ 0x00, -1, 6, scsi_test_unit_ready },
	{ 0x03, -1, 6, scsi_request_sense },
	{ 0x12, -1, 6, scsi_inquiry },
	{ 0x15, -1, 6, scsi_mode_select },
	{ 0x1a, -1, 6, scsi_mode_sense },
	{ 0x1b, -1, 6, scsi_start_stop },
	{ 0x1e, -1, 6, scsi_prevent_removal },
	{ 0x25, -1, 10, disk_read_capacity10 },
	{ 0x28, -1, 10, disk_read },
	{ 0x43, -1, 10, cdrom_read_toc },
	{ 0x46, -1, 10, cdrom_get_configuration },
	{ 0x4a, -1, 10, cdrom_get_event_status },
	{ 0x51, -1, 10, cdrom_read_disc_information },
	{ 0x55, -1, 10, scsi_mode_select },
	{ 0x5a, -1, 10, scsi_mode_sense },
	{ 0xa0, -1, 12, scsi_report_luns },
	{ 0xa3, 0x0c, 12, scsi_report_opcodes },
	{ 0xa3, 0x0d, 12, scsi_report_tmfs },
	{ 0xa8, -1, 12, disk_read },
};

const struct lun_type cdrom_type = {
	.name = "cdrom",
	.peripheral_type = 0x05,
	.removable = true,
	.product = "CD-ROM",
	.commands = cdrom_commands,
	.nr_commands = ARRAY_SIZE(cdrom_commands),
	.mode_page = cdrom_mode_page,
};
