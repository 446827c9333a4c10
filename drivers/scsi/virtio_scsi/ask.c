// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asking a LUN for its limits.
 *
 * A disk says how large its blocks are, then how many of them one command may
 * move: VPD page B0h, into which QEMU writes the host's own limits where a real
 * disk is passed through. In this order, because QEMU scales the page by the
 * block size and knows that only after it has seen a READ CAPACITY go by. A
 * tape drive says how long a block may be. No page of other types carries a
 * limit, so they are not asked.
 *
 * When a LUN is found the SCSI core reads its VPD pages, too, and of most disks
 * they say enough.
 *
 * Nothing here fails: a LUN that does not answer has said nothing, and what it
 * said before stands. The commands carry REQ_DRV, by which cmd.c tells them from
 * those of others.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <scsi/scsi.h>
#include <scsi/scsi_device.h>

#include "answer.h"
#include "virtscsi.h"

#define ASK_TIMEOUT	(10 * HZ)
#define ASK_RETRIES	1

/* So many unit attentions can be pending before the answer comes. */
#define ASK_ATTEMPTS	5

/* The most that old devices return, whose length field has one byte. */
#define ASK_LEN		252

/* Returns how many bytes of @buf are there to be looked at. */
static u32 ask(struct scsi_device *sdev, const u8 *cdb, u8 *buf, u32 len)
{
	struct scsi_sense_hdr sense = {};
	const struct scsi_exec_args args = { .sshdr = &sense };
	unsigned int attempt;
	int result;

	for (attempt = 0; attempt < ASK_ATTEMPTS; attempt++) {
		/* What is not transferred reads as zero, hence as no limit. */
		memset(buf, 0, len);
		result = scsi_execute_cmd(sdev, cdb, REQ_OP_DRV_IN | REQ_DRV,
					  buf, len, ASK_TIMEOUT, ASK_RETRIES,
					  &args);
		if (!result)
			return len;
		if (result < 0 || !scsi_sense_valid(&sense) ||
		    sense.sense_key != UNIT_ATTENTION)
			break;
		/* It was meant for the disk driver, which asks for it here. */
		if (sdev->removable)
			sdev->changed = 1;
	}
	return 0;
}

static u32 ask_page(struct scsi_device *sdev, u8 page, u8 *buf)
{
	const u8 cdb[6] = { INQUIRY, 1, page, 0, ASK_LEN };

	return ask(sdev, cdb, buf, ASK_LEN);
}

static bool ask_capacity(struct scsi_device *sdev, u8 *buf,
			 struct virtscsi_answers *answers)
{
	const u8 capacity10[10] = { READ_CAPACITY };
	const u8 capacity16[16] = { SERVICE_ACTION_IN_16, SAI_READ_CAPACITY_16,
				    [13] = 32 };
	u32 len;

	len = ask(sdev, capacity10, buf, 8);
	if (len) {
		virtscsi_answer_capacity10(answers, buf, len);
	} else {
		len = ask(sdev, capacity16, buf, 32);
		virtscsi_answer_capacity16(answers, buf, len);
	}
	return len;
}

static void ask_disk(struct scsi_device *sdev, u8 *buf,
		     struct virtscsi_answers *answers)
{
	u32 len;

	if (sdev->skip_vpd_pages)
		return;
	len = ask_page(sdev, 0x00, buf);
	if (!len)
		return;
	if (!virtscsi_answer_lists_page(buf, len, 0xb0)) {
		answers->max_blocks = 0;
		answers->opt_blocks = 0;
		return;
	}
	/* A page in blocks of another size than the one known would mislead. */
	if (!ask_capacity(sdev, buf, answers) && answers->block_size)
		return;
	len = ask_page(sdev, 0xb0, buf);
	virtscsi_answer_block_limits(answers, buf, len);
}

static void ask_tape(struct scsi_device *sdev, u8 *buf,
		     struct virtscsi_answers *answers)
{
	const u8 cdb[6] = { READ_BLOCK_LIMITS };
	u32 len = ask(sdev, cdb, buf, 6);

	virtscsi_answer_tape(answers, buf, len);
}

static bool ask_is_disk(const struct scsi_device *sdev)
{
	return sdev->type == TYPE_DISK || sdev->type == TYPE_ZBC;
}

/**
 * virtscsi_ask() - ask a LUN for its limits
 * @sdev: LUN
 * @answers: what it said before; each is replaced where it says something now
 *
 * Context: process; sleeps as long as the device keeps the commands.
 */
void virtscsi_ask(struct scsi_device *sdev, struct virtscsi_answers *answers)
{
	u8 *buf = kzalloc(ASK_LEN, GFP_KERNEL);

	if (!buf)
		return;
	if (ask_is_disk(sdev))
		ask_disk(sdev, buf, answers);
	else if (sdev->type == TYPE_TAPE)
		ask_tape(sdev, buf, answers);
	kfree(buf);
}

/**
 * virtscsi_ask_core() - take in the VPD pages that the SCSI core has read
 * @sdev: LUN
 * @hba_max_sectors: 512-byte units in one command of the HBA
 * @answers: gets what they say
 *
 * The core reads them before anybody has asked for the size of a block, which
 * QEMU does not know then, either. Blocks have 512 bytes at least, so it is
 * of interest only where those would bound the LUN.
 *
 * Context: any.
 * Return: true if nothing is left to be asked; false if something may be: the
 *	core has not read the pages, as it does not of an old LUN that is in its
 *	list of odd devices, or could not; the size of a block decides; or the
 *	LUN is a tape drive.
 */
bool virtscsi_ask_core(struct scsi_device *sdev, u32 hba_max_sectors,
		       struct virtscsi_answers *answers)
{
	const struct scsi_vpd *list, *page;
	bool is_listed, is_all;

	if (!ask_is_disk(sdev))
		return sdev->type != TYPE_TAPE;
	if (sdev->skip_vpd_pages)
		return true;
	rcu_read_lock();
	list = rcu_dereference(sdev->vpd_pg0);
	page = rcu_dereference(sdev->vpd_pgb0);
	is_listed = list &&
		    virtscsi_answer_lists_page(list->data, list->len, 0xb0);
	if (is_listed && page)
		virtscsi_answer_block_limits(answers, page->data, page->len);
	is_all = list && (!is_listed || page);
	rcu_read_unlock();
	return is_all && (!answers->max_blocks ||
			  answers->max_blocks >= hba_max_sectors);
}
