// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One logical unit: its limits, and what is set when the midlayer finds it.
 *
 * The questions that ask.c puts to a LUN are put by a work of the LUN's own, so
 * that whoever wants the answers decides how long to wait for them: the scan
 * waits a little and goes on without, and a LUN that answers late has its
 * limits lowered then. The same work asks again whenever the answers may have
 * changed. It is one work, so what comes in while it is queued costs nothing,
 * and it does not run more often than once a second, whatever the host sends.
 *
 * A LUN that is found comes by three times: in sdev_configure(); then, after the
 * SCSI core has read its VPD pages, when the core announces the device, with
 * nobody using it before that, to be asked what the pages leave open; and when
 * it has its upper driver, which has set limits, too.
 *
 * Limits are put together from the HBA's, the answers and the overrides by
 * limits.c, and applied to the queue of the LUN, which the block layer empties
 * for it: no command under way is larger than the limits that it was made for.
 *
 * The lock of a LUN protects its answers and limits; it nests inside the queue's
 * limits_lock. The structure lives from sdev_init() to sdev_destroy(), and
 * whoever is not sure to be between the two goes through lun_get().
 */
#include <linux/device/bus.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <scsi/scsi.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_devinfo.h>

#include "trace.h"
#include "virtscsi.h"

/* How long a scan waits for the LUN to say what its limits are. */
#define SCAN_WAIT	(10 * HZ)

/* How soon a LUN is asked again. */
#define ASK_INTERVAL	HZ

/* Of the midlayer's number, less the flat space prefix from 256 on. */
#define LUN_MASK	0x3fff

/* LUNs below this are scanned whatever max_lun says, which is but a hint. */
#define LUN_ALWAYS	256

/* Bits of struct virtscsi_lun.due. */
#define ASK_DUE		0
#define ASK_TAPE_DUE	1
#define ASK_AWAITED	2	/* until the LUN has answered, or refused to */

static struct workqueue_struct *lun_queue;

/**
 * virtscsi_lun_setup() - make the workqueue of all LUNs
 *
 * Freezable: nobody asks while the system is suspended. Of high priority: a scan
 * waits for the answers, and on one CPU would else wait for the disk driver's
 * probes of the LUNs before, too.
 *
 * Context: process, before the first host.
 * Return: 0 or -ENOMEM.
 */
int __init virtscsi_lun_setup(void)
{
	lun_queue = alloc_workqueue("virtio_scsi_lun",
				    WQ_HIGHPRI | WQ_UNBOUND | WQ_FREEZABLE, 0);
	return lun_queue ? 0 : -ENOMEM;
}

/**
 * virtscsi_lun_teardown() - the opposite
 *
 * Context: process, after the last host.
 */
void virtscsi_lun_teardown(void)
{
	destroy_workqueue(lun_queue);
}

/* The lock is held. */
static struct virtscsi_lun_limits lun_compute(const struct virtscsi_lun *lun,
					      const u32 overrides[])
{
	struct scsi_device *sdev = lun->sdev;
	struct virtscsi *vscsi = shost_priv(sdev->host);
	const struct virtscsi_lun_facts facts = {
		.type = sdev->type,
		.page_size = PAGE_SIZE,
		.hba_max_sectors = virtscsi_admin_hba_limit(vscsi, VIRTSCSI_MAX_SECTORS).value,
		.hba_seg_max = virtscsi_admin_hba_limit(vscsi, VIRTSCSI_SEG_MAX).value,
		.core_max_sectors = lun->core_max_sectors,
		.logical_block_size = queue_logical_block_size(sdev->request_queue),
		.answers = lun->answers,
		.override_max_sectors = overrides[VIRTSCSI_LUN_MAX_SECTORS],
		.override_seg_max = overrides[VIRTSCSI_LUN_SEG_MAX],
	};
	struct virtscsi_lun_limits limits;

	virtscsi_limits_compute_lun(&limits, &facts);
	return limits;
}

/* The lock is held. */
static void lun_fill(const struct virtscsi_lun *lun, struct queue_limits *lim)
{
	struct virtscsi *vscsi = shost_priv(lun->sdev->host);
	const struct virtscsi_limit *of = lun->limits.of;

	lim->max_hw_sectors = of[VIRTSCSI_LUN_MAX_SECTORS].value;
	lim->max_segments = of[VIRTSCSI_LUN_SEG_MAX].value;
	if (virtscsi_limit(vscsi, VIRTSCSI_PROT_SEG_MAX))
		lim->max_integrity_segments =
			virtscsi_limit(vscsi, VIRTSCSI_PROT_SEG_MAX);
	/* Where a disk has an optimal size, the disk driver sees to it. */
	lim->io_opt = min_t(u64, lim->io_opt,
			    (u64)of[VIRTSCSI_LUN_MAX_SECTORS].value << 9);
}

/* The lock is held. */
static void lun_report(const struct virtscsi_lun *lun)
{
	unsigned int id;

	for (id = 0; id < VIRTSCSI_NR_LUN_LIMITS; id++) {
		const struct virtscsi_limit *limit = &lun->limits.of[id];

		if (limit->value > limit->asked)
			sdev_printk(KERN_INFO, lun->sdev,
				    "%s: the LUN says %u, using %u (%s)\n",
				    virtscsi_limits_lun_name(id), limit->asked,
				    limit->value,
				    virtscsi_limits_source(limit->source));
	}
}

/* The lock is held. */
static void lun_trace(const struct virtscsi_lun *lun)
{
	struct virtscsi *vscsi = shost_priv(lun->sdev->host);
	const struct virtscsi_limit *of = lun->limits.of;
	unsigned int id;

	for (id = 0; id < VIRTSCSI_NR_LUN_LIMITS; id++)
		trace_virtscsi_limits(vscsi, lun->sdev,
				      virtscsi_limits_lun_name(id), &of[id],
				      virtscsi_limits_source(of[id].source));
}

static bool lun_is_same(const struct request_queue *q,
			const struct queue_limits *lim)
{
	return lim->max_hw_sectors == q->limits.max_hw_sectors &&
	       lim->max_segments == q->limits.max_segments &&
	       lim->max_integrity_segments == q->limits.max_integrity_segments &&
	       lim->io_opt == q->limits.io_opt;
}

/* Computes the limits of a LUN, and applies what has changed. */
static int lun_apply(struct virtscsi_lun *lun)
{
	struct request_queue *q = lun->sdev->request_queue;
	struct queue_limits lim = queue_limits_start_update(q);
	u32 was_sectors = lim.max_hw_sectors, was_segments = lim.max_segments;
	bool was_live;
	int err;

	if (lun->sdev->queue_depth > lun->sdev->host->cmd_per_lun)
		virtscsi_lun_change_depth(lun->sdev, lun->sdev->queue_depth);

	mutex_lock(&lun->lock);
	lun->limits = lun_compute(lun, lun->overrides);
	lun_fill(lun, &lim);
	was_live = lun->is_live;
	lun->is_live = true;
	lun_trace(lun);
	if (!was_live)
		lun_report(lun);
	mutex_unlock(&lun->lock);
	if (lun_is_same(q, &lim)) {
		queue_limits_cancel_update(q);
		return 0;
	}

	/*
	 * The first time there is no I/O, but maybe a question that was not
	 * answered.
	 */
	if (was_live)
		err = queue_limits_commit_update_frozen(q, &lim);
	else
		err = queue_limits_commit_update(q, &lim);
	if (err)
		sdev_printk(KERN_ERR, lun->sdev,
			    "the block layer does not take %u sectors and %u segments: %d\n",
			    lim.max_hw_sectors, lim.max_segments, err);
	else if (was_live && (lim.max_hw_sectors != was_sectors ||
			      lim.max_segments != was_segments))
		dev_info_ratelimited(&lun->sdev->sdev_gendev,
				     "now up to %u sectors (before: %u) and %u segments\n",
				     lim.max_hw_sectors, was_sectors,
				     lim.max_segments);
	return err;
}

/*
 * A tape drive is asked when it is found and when the administrator wants it,
 * but not of its own accord: the question could take a unit attention that
 * tells the tape driver of a tape that was moved or changed.
 */
static bool lun_is_to_be_asked(struct virtscsi_lun *lun)
{
	bool is_due = test_and_clear_bit(ASK_DUE, &lun->due);
	bool is_tape_due = test_and_clear_bit(ASK_TAPE_DUE, &lun->due);

	return is_tape_due || (is_due && lun->sdev->type != TYPE_TAPE);
}

static void lun_ask(struct virtscsi_lun *lun)
{
	struct virtscsi_answers answers;

	WRITE_ONCE(lun->asked_at, jiffies);
	mutex_lock(&lun->lock);
	answers = lun->answers;
	mutex_unlock(&lun->lock);

	virtscsi_ask(lun->sdev, &answers);

	mutex_lock(&lun->lock);
	lun->answers = answers;
	lun->is_asked = true;
	mutex_unlock(&lun->lock);
	clear_and_wake_up_bit(ASK_AWAITED, &lun->due);
}

static void lun_work(struct work_struct *work)
{
	struct virtscsi_lun *lun = container_of(work, struct virtscsi_lun,
						work.work);
	bool is_live;

	if (lun_is_to_be_asked(lun))
		lun_ask(lun);

	mutex_lock(&lun->lock);
	is_live = lun->is_live;
	mutex_unlock(&lun->lock);
	if (is_live)
		lun_apply(lun);
}

/*
 * Commands can complete, and events arrive, for a LUN that is being removed;
 * under the lock of the host it stays until the lock is dropped.
 */
static struct virtscsi_lun *lun_get(struct scsi_device *sdev)
{
	lockdep_assert_held(sdev->host->host_lock);
	return sdev->hostdata;
}

static void lun_schedule(struct scsi_device *sdev, unsigned long due)
{
	struct virtscsi_lun *lun;
	unsigned long next, flags;

	spin_lock_irqsave(sdev->host->host_lock, flags);
	lun = lun_get(sdev);
	if (lun) {
		next = READ_ONCE(lun->asked_at) + ASK_INTERVAL;
		set_bit(due, &lun->due);
		queue_delayed_work(lun_queue, &lun->work,
				   time_before(jiffies, next) ?
				   next - jiffies : 0);
	}
	spin_unlock_irqrestore(sdev->host->host_lock, flags);
}

/**
 * virtscsi_lun_renegotiate() - what a LUN said of its limits may have changed
 * @sdev: LUN
 *
 * It is asked anew before long, and its limits are applied, which may have
 * changed for other reasons.
 *
 * Context: any.
 */
void virtscsi_lun_renegotiate(struct scsi_device *sdev)
{
	lun_schedule(sdev, ASK_DUE);
}

/**
 * virtscsi_lun_renegotiate_now() - the administrator wants a LUN to be asked
 * @sdev: LUN
 *
 * As virtscsi_lun_renegotiate(), of tape drives too.
 *
 * Context: any.
 */
void virtscsi_lun_renegotiate_now(struct scsi_device *sdev)
{
	lun_schedule(sdev, ASK_TAPE_DUE);
}

/**
 * virtscsi_lun_override() - the administrator sets an override of a LUN
 * @sdev: LUN
 * @id: which limit
 * @text: its upper bound; 0 takes the override away
 *
 * Context: process, while the LUN has its attributes in sysfs; waits until the
 *	LUN has no I/O under way.
 * Return: 0, or -EINVAL as virtscsi_admin_read().
 */
int virtscsi_lun_override(struct scsi_device *sdev,
			  enum virtscsi_lun_limit_id id, const char *text)
{
	static const u32 none[VIRTSCSI_NR_OVERRIDES];
	struct virtscsi_lun *lun = sdev->hostdata;
	u32 value;
	int err;

	mutex_lock(&lun->lock);
	err = virtscsi_admin_read(&sdev->sdev_gendev, id, text,
				  lun_compute(lun, none).of[id].value, &value);
	if (!err)
		lun->overrides[id] = value;
	mutex_unlock(&lun->lock);
	return err ?: lun_apply(lun);
}

/**
 * virtscsi_lun_limit() - a limit in force on a LUN
 * @sdev: LUN
 * @id: which
 *
 * Context: process, while the LUN has its attributes in sysfs.
 * Return: the limit.
 */
struct virtscsi_limit virtscsi_lun_limit(struct scsi_device *sdev,
					 enum virtscsi_lun_limit_id id)
{
	struct virtscsi_lun *lun = sdev->hostdata;
	struct virtscsi_limit limit;

	mutex_lock(&lun->lock);
	limit = lun->limits.of[id];
	mutex_unlock(&lun->lock);
	return limit;
}

static bool lun_is_scanned(const struct virtscsi *vscsi, u64 lun)
{
	if (scsi_is_wlun(lun))
		return true;
	lun &= LUN_MASK;
	return lun < LUN_ALWAYS || lun <= virtscsi_limit(vscsi, VIRTSCSI_MAX_LUN);
}

/**
 * virtscsi_lun_init() - a LUN is about to be probed
 * @sdev: LUN
 *
 * Implements virtio 1.3, 5.6.4 (max_lun), and 5.6.6.1 for the addresses. The
 * host may announce its own limits in the VPD pages of a passed-through LUN,
 * whatever SPC version the LUN claims, so they are always to be read.
 *
 * Context: process.
 * Return: 0, -ENOMEM, or -ENXIO for a LUN beyond max_lun or an address that the
 *	wire format cannot express.
 */
int virtscsi_lun_init(struct scsi_device *sdev)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);
	u8 wire[VIRTSCSI_WIRE_LUN_LEN];
	struct virtscsi_override wanted = {
		.has_lun = true,
		.target = sdev->id,
		.lun = sdev->lun & LUN_MASK,
	};
	struct virtscsi_lun *lun;

	if (!virtscsi_wire_put_lun(wire, sdev->id, sdev->lun) ||
	    !lun_is_scanned(vscsi, sdev->lun))
		return -ENXIO;

	lun = kzalloc_obj(*lun, GFP_KERNEL);
	if (!lun)
		return -ENOMEM;
	lun->stats = alloc_percpu(struct virtscsi_stats);
	if (!lun->stats) {
		kfree(lun);
		return -ENOMEM;
	}
	lun->sdev = sdev;
	INIT_DELAYED_WORK(&lun->work, lun_work);
	lun->asked_at = jiffies - ASK_INTERVAL;
	lun->core_max_sectors = U32_MAX;
	mutex_init(&lun->lock);
	for (; wanted.id < VIRTSCSI_NR_OVERRIDES; wanted.id++)
		lun->overrides[wanted.id] = virtscsi_admin_find(vscsi, &wanted);

	sdev->hostdata = lun;
	sdev->sdev_bflags = BLIST_TRY_VPD_PAGES;
	return 0;
}

/**
 * virtscsi_lun_destroy() - a LUN is gone
 * @sdev: LUN; takes no more commands
 *
 * Context: process.
 */
void virtscsi_lun_destroy(struct scsi_device *sdev)
{
	struct virtscsi_lun *lun;

	spin_lock_irq(sdev->host->host_lock);
	lun = lun_get(sdev);
	sdev->hostdata = NULL;
	spin_unlock_irq(sdev->host->host_lock);
	if (!lun)
		return;
	cancel_delayed_work_sync(&lun->work);
	free_percpu(lun->times);
	free_percpu(lun->stats);
	kfree(lun);
}

/* The scan waits for a while; who answers later has it applied later. */
static void lun_wait_for_answers(struct virtscsi_lun *lun)
{
	set_bit(ASK_AWAITED, &lun->due);
	set_bit(ASK_TAPE_DUE, &lun->due);
	queue_delayed_work(lun_queue, &lun->work, 0);
	if (wait_on_bit_timeout(&lun->due, ASK_AWAITED, TASK_UNINTERRUPTIBLE,
				SCAN_WAIT))
		sdev_printk(KERN_WARNING, lun->sdev,
			    "does not say what its limits are, going on with those of the HBA\n");
}

/**
 * virtscsi_lun_configure() - a LUN was found
 * @sdev: LUN
 * @lim: its queue limits, which come from the host's and the list of odd devices;
 *	become the LUN's own, as far as they are known
 *
 * Context: process.
 * Return: 0.
 */
int virtscsi_lun_configure(struct scsi_device *sdev, struct queue_limits *lim)
{
	struct virtscsi_lun *lun = sdev->hostdata;

	virtscsi_lun_change_depth(sdev, sdev->host->cmd_per_lun);

	if (sdev->sdev_bflags & BLIST_MAX_512)
		lun->core_max_sectors = 512;
	else if (sdev->sdev_bflags & BLIST_MAX_1024)
		lun->core_max_sectors = 1024;

	mutex_lock(&lun->lock);
	lun->limits = lun_compute(lun, lun->overrides);
	lun_fill(lun, lim);
	mutex_unlock(&lun->lock);
	virtscsi_event_subscribe(sdev);
	return 0;
}

/* The SCSI core has read the VPD pages; no upper driver has the LUN yet. */
static void lun_settle(struct virtscsi_lun *lun)
{
	struct virtscsi *vscsi = shost_priv(lun->sdev->host);
	u32 hba_max_sectors =
		virtscsi_admin_hba_limit(vscsi, VIRTSCSI_MAX_SECTORS).value;
	bool is_known;

	mutex_lock(&lun->lock);
	is_known = lun->is_asked ||
		   virtscsi_ask_core(lun->sdev, hba_max_sectors, &lun->answers);
	mutex_unlock(&lun->lock);
	if (!is_known)
		lun_wait_for_answers(lun);
	lun_apply(lun);
}

static int lun_found(struct notifier_block *found, unsigned long what,
		     void *data)
{
	struct virtscsi *vscsi = container_of(found, struct virtscsi, found);
	struct device *dev = data;
	struct scsi_device *sdev;

	if (!scsi_is_sdev_device(dev))
		return NOTIFY_DONE;
	sdev = to_scsi_device(dev);
	if (sdev->host != vscsi->shost)
		return NOTIFY_DONE;
	if (what == BUS_NOTIFY_ADD_DEVICE)
		lun_settle(sdev->hostdata);
	else if (what == BUS_NOTIFY_BOUND_DRIVER)
		lun_apply(sdev->hostdata);
	return NOTIFY_DONE;
}

/**
 * virtscsi_lun_watch() - be told of LUNs that are found
 * @vscsi: instance, not yet added to the SCSI core
 *
 * Context: process.
 * Return: 0 or the driver core's error.
 */
int virtscsi_lun_watch(struct virtscsi *vscsi)
{
	vscsi->found.notifier_call = lun_found;
	return bus_register_notifier(vscsi->shost->shost_gendev.bus,
				     &vscsi->found);
}

/**
 * virtscsi_lun_unwatch() - the opposite; also where it was never done
 * @vscsi: instance, without LUNs
 *
 * Context: process.
 */
void virtscsi_lun_unwatch(struct virtscsi *vscsi)
{
	bus_unregister_notifier(vscsi->shost->shost_gendev.bus, &vscsi->found);
}

/**
 * virtscsi_lun_change_depth() - set the queue depth of a LUN
 * @sdev: LUN
 * @depth: commands that may be outstanding
 *
 * Implements virtio 1.3, 5.6.4.1: never more than cmd_per_lun.
 *
 * Context: process.
 * Return: the depth in force.
 */
int virtscsi_lun_change_depth(struct scsi_device *sdev, int depth)
{
	depth = min_t(int, depth, sdev->host->cmd_per_lun);
	/* First, for up to this the midlayer raises the depth by itself. */
	sdev->max_queue_depth = depth;
	return scsi_change_queue_depth(sdev, depth);
}
