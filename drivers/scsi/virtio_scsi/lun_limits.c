// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limits of a LUN: query, compute, apply.
 *
 * A disk reports its block size, then in VPD page B0h how many blocks one
 * command may move. QEMU writes the host's own limits into that page when it
 * passes a real disk through. A tape drive reports how long a block may be. Other
 * types have no page with a limit and are not queried. A query never fails:
 * without an answer the previous one stays in force.
 *
 * limits.c computes the limits from those of the HBA, the answers and the
 * overrides. They are applied while the block layer freezes the queue of the LUN.
 * So no request in flight exceeds the limits that it was built for.
 *
 * The completion path reads single limits without the lock of the LUN.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_devinfo.h>

#include "spc.h"
#include "virtscsi.h"

#define QUERY_TIMEOUT	(10 * HZ)
#define QUERY_RETRIES	1

/* So many unit attentions may be pending before the answer comes. */
#define QUERY_ATTEMPTS	5

/* The most that old devices return, whose length field has one byte. */
#define QUERY_LEN	252

static struct virtscsi_lun_negotiation *lun_limits_of(struct scsi_device *sdev)
{
	struct virtscsi_lun *lun = sdev->hostdata;

	return &lun->limits;
}

/* Returns how many bytes of @buf are valid. REQ_DRV marks it for sense.c. */
static u32 lun_limits_execute(struct scsi_device *sdev, const u8 *cdb, u8 *buf,
			      u32 len)
{
	struct scsi_sense_hdr sense = {};
	const struct scsi_exec_args args = { .sshdr = &sense };
	unsigned int attempt;
	int result;

	for (attempt = 0; attempt < QUERY_ATTEMPTS; attempt++) {
		/* Bytes that are not transferred are zero: no limit. */
		memset(buf, 0, len);
		result = scsi_execute_cmd(sdev, cdb, REQ_OP_DRV_IN | REQ_DRV,
					  buf, len, QUERY_TIMEOUT,
					  QUERY_RETRIES, &args);
		if (!result)
			return len;
		if (result < 0 || !scsi_sense_valid(&sense) ||
		    sense.sense_key != UNIT_ATTENTION)
			break;
		/* The query took it from the disk driver, which reads this. */
		if (sdev->removable)
			sdev->changed = 1;
	}
	return 0;
}

static u32 lun_limits_read_page(struct scsi_device *sdev, u8 page, u8 *buf)
{
	const u8 cdb[6] = { INQUIRY, 1, page, 0, QUERY_LEN };

	return lun_limits_execute(sdev, cdb, buf, QUERY_LEN);
}

static void lun_limits_query_disk(struct scsi_device *sdev, u8 *buf,
				  struct virtscsi_answers *answers)
{
	const u8 capacity10[10] = { READ_CAPACITY };
	const u8 capacity16[16] = { SERVICE_ACTION_IN_16, SAI_READ_CAPACITY_16,
				    [13] = 32 };
	u32 len;

	if (sdev->skip_vpd_pages)
		return;
	len = lun_limits_read_page(sdev, 0x00, buf);
	if (!len)
		return;
	if (!virtscsi_spc_lists_page(buf, len, 0xb0)) {
		answers->max_blocks = 0;
		answers->opt_blocks = 0;
		return;
	}
	/*
	 * QEMU scales the page by the block size, which it learns from a READ
	 * CAPACITY that passes by. So this comes first, and without it the page
	 * may count in other blocks than those known so far.
	 */
	len = lun_limits_execute(sdev, capacity10, buf, 8);
	if (len) {
		virtscsi_spc_read_capacity10(answers, buf, len);
	} else {
		len = lun_limits_execute(sdev, capacity16, buf, 32);
		if (!len && answers->block_size)
			return;
		virtscsi_spc_read_capacity16(answers, buf, len);
	}
	len = lun_limits_read_page(sdev, 0xb0, buf);
	virtscsi_spc_read_block_limits(answers, buf, len);
}

static bool lun_limits_is_disk(const struct scsi_device *sdev)
{
	return sdev->type == TYPE_DISK || sdev->type == TYPE_ZBC;
}

/* Sleeps as long as the device holds the commands. */
void virtscsi_lun_limits_query(struct scsi_device *sdev)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	const u8 tape_limits[6] = { READ_BLOCK_LIMITS };
	struct virtscsi_answers answers;
	u8 *buf = kzalloc(QUERY_LEN, GFP_KERNEL);
	u32 len;

	if (!buf)
		return;
	mutex_lock(&nego->lock);
	answers = nego->answers;
	mutex_unlock(&nego->lock);

	if (lun_limits_is_disk(sdev)) {
		lun_limits_query_disk(sdev, buf, &answers);
	} else if (sdev->type == TYPE_TAPE) {
		len = lun_limits_execute(sdev, tape_limits, buf, 6);
		virtscsi_spc_read_tape_limits(&answers, buf, len);
	}
	kfree(buf);

	mutex_lock(&nego->lock);
	nego->answers = answers;
	nego->is_queried = true;
	mutex_unlock(&nego->lock);
}

static u32 lun_limits_hba(struct scsi_device *sdev, enum virtscsi_limit_id id)
{
	return virtscsi_host_limits_show(shost_priv(sdev->host), id).value;
}

/*
 * Takes the VPD pages that the SCSI core has read, before anybody read the
 * capacity. Returns true if no query is needed. One is needed for a tape drive,
 * if the core does not have the pages (it does not read them from a LUN in its
 * list of odd devices), and if the block size decides whether the page bounds
 * the LUN.
 */
bool virtscsi_lun_limits_take_vpd(struct scsi_device *sdev)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	struct virtscsi_answers *answers = &nego->answers;
	const struct scsi_vpd *list, *page;
	bool is_listed, is_complete;

	if (!lun_limits_is_disk(sdev))
		return sdev->type != TYPE_TAPE;
	if (sdev->skip_vpd_pages)
		return true;

	mutex_lock(&nego->lock);
	if (nego->is_queried) {
		mutex_unlock(&nego->lock);
		return true;
	}
	rcu_read_lock();
	list = rcu_dereference(sdev->vpd_pg0);
	page = rcu_dereference(sdev->vpd_pgb0);
	is_listed = list && virtscsi_spc_lists_page(list->data, list->len, 0xb0);
	if (is_listed && page)
		virtscsi_spc_read_block_limits(answers, page->data, page->len);
	is_complete = list && (!is_listed || page);
	rcu_read_unlock();
	/* In blocks of 512 bytes, the smallest there are. */
	if (answers->max_blocks &&
	    answers->max_blocks < lun_limits_hba(sdev, VIRTSCSI_MAX_SECTORS))
		is_complete = false;
	mutex_unlock(&nego->lock);
	return is_complete;
}

/* The lock is held. */
static void lun_limits_compute(struct scsi_device *sdev, const u32 overrides[],
			       struct virtscsi_lun_limits *limits)
{
	const struct virtscsi_lun_facts facts = {
		.type = sdev->type,
		.page_size = PAGE_SIZE,
		.hba_max_sectors = lun_limits_hba(sdev, VIRTSCSI_MAX_SECTORS),
		.hba_seg_max = lun_limits_hba(sdev, VIRTSCSI_SEG_MAX),
		.core_max_sectors =
			sdev->sdev_bflags & BLIST_MAX_512 ? 512 :
			sdev->sdev_bflags & BLIST_MAX_1024 ? 1024 : U32_MAX,
		.logical_block_size =
			queue_logical_block_size(sdev->request_queue),
		.answers = lun_limits_of(sdev)->answers,
		.override_max_sectors = overrides[VIRTSCSI_LUN_MAX_SECTORS],
		.override_seg_max = overrides[VIRTSCSI_LUN_SEG_MAX],
	};

	virtscsi_limits_compute_lun(limits, &facts);
}

/* The lock is held. */
static void lun_limits_update(struct scsi_device *sdev,
			      struct queue_limits *lim)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	u32 prot_segments = virtscsi_limit(shost_priv(sdev->host),
					   VIRTSCSI_PROT_SEG_MAX);
	u32 sectors;

	lun_limits_compute(sdev, nego->overrides, &nego->limits);
	sectors = nego->limits.of[VIRTSCSI_LUN_MAX_SECTORS].value;
	lim->max_hw_sectors = sectors;
	lim->max_segments = nego->limits.of[VIRTSCSI_LUN_SEG_MAX].value;
	if (prot_segments)
		lim->max_integrity_segments = prot_segments;
	/* The disk driver sets it from the optimal size of a disk. */
	lim->io_opt = min_t(u64, lim->io_opt, (u64)sectors << 9);
}

void virtscsi_lun_limits_init(struct scsi_device *sdev)
{
	mutex_init(&lun_limits_of(sdev)->lock);
}

/* The queue limits come from the host and from the list of odd devices. */
void virtscsi_lun_limits_configure(struct scsi_device *sdev,
				   struct queue_limits *lim)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);

	mutex_lock(&nego->lock);
	lun_limits_update(sdev, lim);
	mutex_unlock(&nego->lock);
}

/* The lock is held. */
static void lun_limits_report(struct scsi_device *sdev)
{
	const struct virtscsi_limit *limit = lun_limits_of(sdev)->limits.of;
	unsigned int id;

	for (id = 0; id < VIRTSCSI_NR_LUN_LIMITS; id++, limit++)
		if (limit->value > limit->asked)
			sdev_printk(KERN_INFO, sdev,
				    "%s: the LUN says %u, using %u (%s)\n",
				    virtscsi_lun_limit_names[id], limit->asked,
				    limit->value,
				    virtscsi_limit_source_names[limit->source]);
}

/* Sleeps until the LUN has no request in flight, if the limits have changed. */
int virtscsi_lun_limits_apply(struct scsi_device *sdev)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	struct request_queue *q = sdev->request_queue;
	struct queue_limits lim = queue_limits_start_update(q);
	const struct queue_limits old = lim;
	bool is_first;
	int err;

	mutex_lock(&nego->lock);
	lun_limits_update(sdev, &lim);
	is_first = !nego->is_applied;
	WRITE_ONCE(nego->is_applied, true);
	if (is_first)
		lun_limits_report(sdev);
	mutex_unlock(&nego->lock);
	if (lim.max_hw_sectors == old.max_hw_sectors &&
	    lim.max_segments == old.max_segments &&
	    lim.max_integrity_segments == old.max_integrity_segments &&
	    lim.io_opt == old.io_opt) {
		queue_limits_cancel_update(q);
		return 0;
	}

	/* At first nobody uses the LUN, but a query may not have returned. */
	if (is_first)
		err = queue_limits_commit_update(q, &lim);
	else
		err = queue_limits_commit_update_frozen(q, &lim);
	if (err)
		sdev_printk(KERN_ERR, sdev,
			    "cannot set queue limits of %u sectors and %u segments: %d\n",
			    lim.max_hw_sectors, lim.max_segments, err);
	else if (!is_first && (lim.max_hw_sectors != old.max_hw_sectors ||
			       lim.max_segments != old.max_segments))
		dev_info_ratelimited(&sdev->sdev_gendev,
				     "now up to %u sectors (before: %u) and %u segments\n",
				     lim.max_hw_sectors, old.max_hw_sectors,
				     lim.max_segments);
	return err;
}

bool virtscsi_lun_limits_is_applied(struct scsi_device *sdev)
{
	return READ_ONCE(lun_limits_of(sdev)->is_applied);
}

struct virtscsi_limit virtscsi_lun_limits_show(struct scsi_device *sdev,
					       enum virtscsi_lun_limit_id id)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	struct virtscsi_limit limit;

	mutex_lock(&nego->lock);
	limit = nego->limits.of[id];
	mutex_unlock(&nego->lock);
	return limit;
}

/* At most the limit in force without an override; 0 removes the override. */
int virtscsi_lun_limits_override(struct scsi_device *sdev,
				 enum virtscsi_lun_limit_id id, u32 value)
{
	static const u32 none[VIRTSCSI_NR_OVERRIDES];
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	struct virtscsi_lun_limits limits;
	int err;

	mutex_lock(&nego->lock);
	lun_limits_compute(sdev, none, &limits);
	err = virtscsi_host_limits_check_override(&sdev->sdev_gendev, id, value,
						  limits.of[id].value);
	if (!err)
		nego->overrides[id] = value;
	mutex_unlock(&nego->lock);
	return err ?: virtscsi_lun_limits_apply(sdev);
}
