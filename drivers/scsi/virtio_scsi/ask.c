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
 * Nothing here fails: a LUN that does not answer has said nothing. The commands
 * carry REQ_DRV, by which cmd.c tells them from those of others.
 */
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

static void ask_disk(struct scsi_device *sdev, u8 *buf,
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

	if (sdev->skip_vpd_pages)
		return;
	len = ask_page(sdev, 0x00, buf);
	if (!virtscsi_answer_lists_page(buf, len, 0xb0))
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

/**
 * virtscsi_ask() - ask a LUN for its limits
 * @sdev: LUN
 * @answers: what it said; all zero where it said nothing
 *
 * Context: process; sleeps as long as the device keeps the commands.
 */
void virtscsi_ask(struct scsi_device *sdev, struct virtscsi_answers *answers)
{
	u8 *buf = kzalloc(ASK_LEN, GFP_KERNEL);

	*answers = (struct virtscsi_answers){};
	if (!buf)
		return;
	switch (sdev->type) {
	case TYPE_DISK:
	case TYPE_ZBC:
		ask_disk(sdev, buf, answers);
		break;
	case TYPE_TAPE:
		ask_tape(sdev, buf, answers);
		break;
	}
	kfree(buf);
}

/**
 * virtscsi_ask_has_questions() - is there anything to ask a LUN
 * @sdev: LUN
 *
 * Context: any.
 * Return: true for the types that announce limits.
 */
bool virtscsi_ask_has_questions(const struct scsi_device *sdev)
{
	return sdev->type == TYPE_DISK || sdev->type == TYPE_ZBC ||
	       sdev->type == TYPE_TAPE;
}
