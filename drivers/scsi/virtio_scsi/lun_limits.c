// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limits of a LUN: query, compute, apply.
 *
 * A disk reports its block size, then in VPD page B0h how many blocks one
 * command may move. QEMU writes the host's own limits into that page. Other
 * types have no such page. Without an answer the previous one stays in force.
 *
 * Limits are applied while the block layer freezes the queue of the LUN, so that
 * no request in flight exceeds those it was built for.
 *
 * Request-based dm-multipath builds requests for the limits that the queue had
 * when its table was loaded, and fails the path if they are lower later. st forms
 * its buffers for the segments that it found. What the host lowers waits until the
 * device mapper has released the disk and the LUN is queried again, or until st is
 * bound again. The administrator decides at once.
 */
#include <linux/blkdev.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <scsi/scsi.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_devinfo.h>

#include "spc.h"
#include "virtscsi.h"

#define QUERY_TIMEOUT	(10 * HZ)
#define QUERY_RETRIES	1

/* So many unit attentions may be pending before the answer comes. */
#define QUERY_ATTEMPTS	5
#define QUERY_LEN	64	/* of the longest answer */

static struct virtscsi_lun_negotiation *lun_limits_of(struct scsi_device *sdev)
{
	struct virtscsi_lun *lun = sdev->hostdata;

	return &lun->limits;
}

static bool lun_limits_has_page(const struct scsi_device *sdev)
{
	return (sdev->type == TYPE_DISK || sdev->type == TYPE_ZBC) &&
	       !sdev->skip_vpd_pages;
}

/* Returns true if @buf has the answer. REQ_DRV marks the query for lun.c. */
static bool lun_limits_ask(struct scsi_device *sdev, const u8 *cdb, u8 *buf,
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
			return true;
		if (result < 0 || !scsi_sense_valid(&sense) ||
		    sense.sense_key != UNIT_ATTENTION)
			break;
		/* The query took it from the disk driver, which reads this. */
		if (sdev->removable)
			sdev->changed = 1;
	}
	return false;
}

/* Sleeps as long as the device holds the commands. False: without an answer. */
bool virtscsi_lun_limits_query(struct scsi_device *sdev)
{
	const u8 capacity10[10] = { READ_CAPACITY };
	const u8 capacity16[16] = { SERVICE_ACTION_IN_16, SAI_READ_CAPACITY_16,
				    [13] = 32 };
	const u8 block_limits[6] = { INQUIRY, 1, 0xb0, 0, QUERY_LEN };
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	bool is_answered = false;
	u32 block_size = 0;
	u8 *buf;

	if (!lun_limits_has_page(sdev))
		return true;
	buf = kmalloc(QUERY_LEN, GFP_KERNEL);
	if (!buf)
		return false;
	/*
	 * QEMU scales the page by the block size, which it learns from a READ
	 * CAPACITY that passes by. So this comes first.
	 */
	if (lun_limits_ask(sdev, capacity10, buf, 8))
		block_size = be32_to_cpup((__be32 *)(buf + 4));
	else if (lun_limits_ask(sdev, capacity16, buf, 32))
		block_size = be32_to_cpup((__be32 *)(buf + 8));
	if (block_size) {
		is_answered = lun_limits_ask(sdev, block_limits, buf,
					     QUERY_LEN);
		if (is_answered)
			WRITE_ONCE(nego->max_blocks,
				   virtscsi_spc_max_blocks(buf, QUERY_LEN));
		WRITE_ONCE(nego->block_size, block_size);
	}
	kfree(buf);
	return is_answered;
}

static u32 lun_limits_hba(struct scsi_device *sdev, enum virtscsi_limit_id id)
{
	return virtscsi_host_limits_show(shost_priv(sdev->host), id).value;
}

/*
 * Takes the VPD page that the SCSI core has read, before anybody read the capacity.
 * Returns true unless a query is needed: the core has no pages, or the block size
 * decides and is not known to be the least.
 */
bool virtscsi_lun_limits_take_vpd(struct scsi_device *sdev)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	const struct scsi_vpd *page;
	u32 max_sectors = lun_limits_hba(sdev, VIRTSCSI_MAX_SECTORS);
	u32 max_blocks;

	if (!lun_limits_has_page(sdev))
		return true;
	rcu_read_lock();
	page = rcu_dereference(sdev->vpd_pgb0);
	max_blocks = page ? virtscsi_spc_max_blocks(page->data, page->len) : 0;
	rcu_read_unlock();
	WRITE_ONCE(nego->max_blocks, max_blocks);
	/* In blocks of 512 bytes, the smallest there are. */
	return rcu_access_pointer(sdev->vpd_pg0) &&
	       ((max_sectors >= VIRTSCSI_BLOCK_SIZE_LAST >> 9 &&
		 (!max_blocks || max_blocks >= max_sectors)) ||
		(READ_ONCE(nego->block_size) == SECTOR_SIZE &&
		 queue_logical_block_size(sdev->request_queue) == SECTOR_SIZE));
}

static void lun_limits_compute(struct scsi_device *sdev, const u32 overrides[],
			       struct virtscsi_lun_limits *limits)
{
	const struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	const struct virtscsi_lun_facts facts = {
		.page_size = PAGE_SIZE,
		.hba_max_sectors = lun_limits_hba(sdev, VIRTSCSI_MAX_SECTORS),
		.hba_seg_max = lun_limits_hba(sdev, VIRTSCSI_SEG_MAX),
		.core_max_sectors =
			sdev->sdev_bflags & BLIST_MAX_512 ? 512 :
			sdev->sdev_bflags & BLIST_MAX_1024 ? 1024 : U32_MAX,
		.logical_block_size =
			queue_logical_block_size(sdev->request_queue),
		.block_size = READ_ONCE(nego->block_size),
		.max_blocks = READ_ONCE(nego->max_blocks),
		.override_max_sectors =
			READ_ONCE(overrides[VIRTSCSI_MAX_SECTORS]),
		.override_seg_max = READ_ONCE(overrides[VIRTSCSI_SEG_MAX]),
	};

	virtscsi_limits_compute_lun(limits, &facts);
}

/* Sets the limits in @lim. */
struct virtscsi_lun_limits
virtscsi_lun_limits_update(struct scsi_device *sdev, struct queue_limits *lim)
{
	struct virtscsi_lun_limits limits;
	u32 prot_segments = virtscsi_limit(shost_priv(sdev->host),
					   VIRTSCSI_PROT_SEG_MAX);

	lun_limits_compute(sdev, lun_limits_of(sdev)->overrides, &limits);
	lim->max_hw_sectors = limits.of[VIRTSCSI_MAX_SECTORS].value;
	lim->max_segments = limits.of[VIRTSCSI_SEG_MAX].value;
	if (prot_segments)
		lim->max_integrity_segments = prot_segments;
	return limits;
}

/* Has the device mapper the whole disk? A file system has holder operations. */
static bool lun_limits_are_stacked(struct request_queue *q)
{
	bool are_stacked = false;
#if IS_ENABLED(CONFIG_DM_MULTIPATH)
	const struct gendisk *disk;

	rcu_read_lock();
	disk = READ_ONCE(q->disk);
	are_stacked = disk && !disk->open_partitions &&
		      disk->part0->bd_holder && !disk->part0->bd_holder_ops;
	rcu_read_unlock();
#endif
	return are_stacked;
}

/*
 * Sleeps until the LUN has no request in flight if the limits have changed,
 * unless it @is_new: then there is at most a query.
 */
int virtscsi_lun_limits_apply(struct scsi_device *sdev, bool is_new,
			      bool is_forced)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	struct request_queue *q = sdev->request_queue;
	struct queue_limits lim = queue_limits_start_update(q);
	const struct queue_limits old = lim;
	const struct virtscsi_lun_limits limits =
		virtscsi_lun_limits_update(sdev, &lim);
	const struct virtscsi_limit *max = &limits.of[VIRTSCSI_MAX_SECTORS];
	const char *user = "";
	bool is_same;
	int err = 0;

	is_same = lim.max_hw_sectors == old.max_hw_sectors &&
		  lim.max_segments == old.max_segments &&
		  lim.max_integrity_segments == old.max_integrity_segments;
	if (lim.max_segments < old.max_segments && sdev->type == TYPE_TAPE &&
	    READ_ONCE(sdev->sdev_gendev.driver))
		user = ", st takes them when it is bound";
	else if ((lim.max_hw_sectors < old.max_hw_sectors ||
		  lim.max_segments < old.max_segments) && lun_limits_are_stacked(q))
		user = ", the device mapper has the disk";
	if (*user && !is_forced)
		err = -EBUSY;
	if (err || is_same)
		queue_limits_cancel_update(q);
	else if (is_new)
		err = queue_limits_commit_update(q, &lim);
	else
		err = queue_limits_commit_update_frozen(q, &lim);
	if (!err) {
		WRITE_ONCE(nego->sources[VIRTSCSI_MAX_SECTORS], max->source);
		WRITE_ONCE(nego->sources[VIRTSCSI_SEG_MAX],
			   limits.of[VIRTSCSI_SEG_MAX].source);
	}

	if (err)
		dev_warn_ratelimited(&sdev->sdev_gendev,
				     "cannot set queue limits of %u sectors and %u segments: %d%s\n",
				     lim.max_hw_sectors, lim.max_segments, err,
				     user);
	else if (is_new && max->value > max->asked)
		sdev_printk(KERN_INFO, sdev,
			    "max_sectors: %u is too low, using %u (%s)\n",
			    max->asked, max->value,
			    virtscsi_limit_source_names[max->source]);
	else if (!is_new && !is_same)
		dev_info_ratelimited(&sdev->sdev_gendev,
				     "now up to %u sectors (before: %u) and %u segments%s\n",
				     lim.max_hw_sectors, old.max_hw_sectors,
				     lim.max_segments, user);
	return err;
}

struct virtscsi_limit virtscsi_lun_limits_show(struct scsi_device *sdev,
					       enum virtscsi_limit_id id)
{
	struct request_queue *q = sdev->request_queue;

	return (struct virtscsi_limit){
		.value = id == VIRTSCSI_SEG_MAX ? queue_max_segments(q) :
						  queue_max_hw_sectors(q),
		.source = READ_ONCE(lun_limits_of(sdev)->sources[id]),
	};
}

/* At most the limit in force without an override; 0 removes the override. */
int virtscsi_lun_limits_override(struct scsi_device *sdev,
				 enum virtscsi_limit_id id, u32 value)
{
	static const u32 none[VIRTSCSI_NR_OVERRIDES];
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	struct virtscsi_lun_limits limits;
	int err;

	lun_limits_compute(sdev, none, &limits);
	err = virtscsi_host_limits_check_override(&sdev->sdev_gendev, id, value,
						  limits.of[id].value);
	if (err)
		return err;
	WRITE_ONCE(nego->overrides[id], value);
	return virtscsi_lun_limits_apply(sdev, false, true);
}
