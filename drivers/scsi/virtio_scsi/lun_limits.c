// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limits of a LUN: query, compute, apply.
 *
 * A disk reports its block size, then in VPD page B0h how many blocks one
 * command may move. QEMU writes the host's own limits into that page when it
 * passes a real disk through. Other types have no page with a limit of the host
 * and are not queried. A query never fails: without an answer the previous one
 * stays in force.
 *
 * limits.c computes the limits from those of the HBA, the answers and the
 * overrides. They are applied while the block layer freezes the queue of the LUN.
 * So no request in flight exceeds the limits that it was built for.
 */
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

/* The answers that are read are no longer. */
#define QUERY_LEN	64

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

/* Sleeps as long as the device holds the commands. */
void virtscsi_lun_limits_query(struct scsi_device *sdev)
{
	const u8 capacity10[10] = { READ_CAPACITY };
	const u8 capacity16[16] = { SERVICE_ACTION_IN_16, SAI_READ_CAPACITY_16,
				    [13] = 32 };
	const u8 block_limits[6] = { INQUIRY, 1, 0xb0, 0, QUERY_LEN };
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	u32 block_size = 0;
	u8 *buf;

	if (!lun_limits_has_page(sdev))
		return;
	buf = kmalloc(QUERY_LEN, GFP_KERNEL);
	if (!buf)
		return;
	/*
	 * QEMU scales the page by the block size, which it learns from a READ
	 * CAPACITY that passes by. So this comes first, and without it the page
	 * may count in other blocks than those known so far.
	 */
	if (lun_limits_ask(sdev, capacity10, buf, 8))
		block_size = be32_to_cpup((__be32 *)(buf + 4));
	else if (lun_limits_ask(sdev, capacity16, buf, 32))
		block_size = be32_to_cpup((__be32 *)(buf + 8));
	if (block_size &&
	    lun_limits_ask(sdev, block_limits, buf, QUERY_LEN)) {
		mutex_lock(&nego->lock);
		nego->block_size = block_size;
		nego->max_blocks = virtscsi_spc_max_blocks(buf, QUERY_LEN);
		mutex_unlock(&nego->lock);
	}
	kfree(buf);
}

static u32 lun_limits_hba(struct scsi_device *sdev, enum virtscsi_limit_id id)
{
	return virtscsi_host_limits_show(shost_priv(sdev->host), id).value;
}

/*
 * Takes the VPD page that the SCSI core has read, before anybody read the
 * capacity. Returns true if no query is needed. One is needed if the core has no
 * pages (it reads none from a LUN in its list of odd devices), and if the block
 * size decides whether the page bounds the LUN.
 */
bool virtscsi_lun_limits_take_vpd(struct scsi_device *sdev)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	const struct scsi_vpd *page;
	u32 max_blocks;

	if (!lun_limits_has_page(sdev))
		return true;
	rcu_read_lock();
	page = rcu_dereference(sdev->vpd_pgb0);
	max_blocks = page ? virtscsi_spc_max_blocks(page->data, page->len) : 0;
	rcu_read_unlock();
	mutex_lock(&nego->lock);
	nego->max_blocks = max_blocks;
	mutex_unlock(&nego->lock);
	/* In blocks of 512 bytes, the smallest there are. */
	return rcu_access_pointer(sdev->vpd_pg0) &&
	       (!max_blocks ||
		max_blocks >= lun_limits_hba(sdev, VIRTSCSI_MAX_SECTORS));
}

/* The lock is held. */
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
		.block_size = nego->block_size,
		.max_blocks = nego->max_blocks,
		.override_max_sectors = overrides[VIRTSCSI_MAX_SECTORS],
		.override_seg_max = overrides[VIRTSCSI_SEG_MAX],
	};

	virtscsi_limits_compute_lun(limits, &facts);
}

/* The limits become those of the queue and those shown. */
void virtscsi_lun_limits_update(struct scsi_device *sdev,
				struct queue_limits *lim)
{
	struct virtscsi_lun_negotiation *nego = lun_limits_of(sdev);
	u32 prot_segments = virtscsi_limit(shost_priv(sdev->host),
					   VIRTSCSI_PROT_SEG_MAX);

	mutex_lock(&nego->lock);
	lun_limits_compute(sdev, nego->overrides, &nego->limits);
	lim->max_hw_sectors = nego->limits.of[VIRTSCSI_MAX_SECTORS].value;
	lim->max_segments = nego->limits.of[VIRTSCSI_SEG_MAX].value;
	mutex_unlock(&nego->lock);
	if (prot_segments)
		lim->max_integrity_segments = prot_segments;
}

static void lun_limits_report(struct scsi_device *sdev)
{
	enum virtscsi_limit_id id;

	for (id = 0; id < VIRTSCSI_NR_OVERRIDES; id++) {
		struct virtscsi_limit limit = virtscsi_lun_limits_show(sdev, id);

		if (limit.value > limit.asked)
			sdev_printk(KERN_INFO, sdev,
				    "%s: the LUN says %u, using %u (%s)\n",
				    virtscsi_limit_names[id], limit.asked,
				    limit.value,
				    virtscsi_limit_source_names[limit.source]);
	}
}

/*
 * Unless the LUN @is_new, sleeps until it has no request in flight if the limits
 * have changed. Nobody uses a new LUN, but a query may not have returned.
 */
int virtscsi_lun_limits_apply(struct scsi_device *sdev, bool is_new)
{
	struct request_queue *q = sdev->request_queue;
	struct queue_limits lim = queue_limits_start_update(q);
	const struct queue_limits old = lim;
	int err;

	virtscsi_lun_limits_update(sdev, &lim);
	if (is_new)
		lun_limits_report(sdev);
	if (lim.max_hw_sectors == old.max_hw_sectors &&
	    lim.max_segments == old.max_segments &&
	    lim.max_integrity_segments == old.max_integrity_segments) {
		queue_limits_cancel_update(q);
		return 0;
	}

	if (is_new)
		err = queue_limits_commit_update(q, &lim);
	else
		err = queue_limits_commit_update_frozen(q, &lim);
	if (err)
		sdev_printk(KERN_ERR, sdev,
			    "cannot set queue limits of %u sectors and %u segments: %d\n",
			    lim.max_hw_sectors, lim.max_segments, err);
	else if (!is_new)
		dev_info_ratelimited(&sdev->sdev_gendev,
				     "now up to %u sectors (before: %u) and %u segments\n",
				     lim.max_hw_sectors, old.max_hw_sectors,
				     lim.max_segments);
	return err;
}

struct virtscsi_limit virtscsi_lun_limits_show(struct scsi_device *sdev,
					       enum virtscsi_limit_id id)
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
				 enum virtscsi_limit_id id, u32 value)
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
	return err ?: virtscsi_lun_limits_apply(sdev, false);
}
