// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Logical units: their life, queue depth and work.
 *
 * Events, sense data and the administrator set tasks of a LUN, and a work of the
 * LUN's own does them, at most once a second. So LUNs do not wait for each other.
 * While the device holds a stuck command of the LUN, the work waits. It is freezable:
 * if it hangs, suspend is given up. So nobody waits for it.
 *
 * A new LUN is handled when it is configured; when the SCSI core adds it to the bus
 * and has read its VPD pages; and after the upper driver, which sets limits too, was
 * bound; a tape also before that. If the pages do not tell enough, it is queried, and
 * the scan waits a little for the answers. Later ones are applied then.
 *
 * The hostdata lives from sdev_init() to sdev_destroy(), which waits for the
 * works. So they need no reference on the LUN or on the module. By then the
 * requests of the LUN have ended, and new ones fail at once.
 */
#include <linux/device/bus.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_devinfo.h>
#include <scsi/scsi_eh.h>

#include "spc.h"
#include "virtscsi.h"
#include "wire.h"

/* How long a scan waits for the answers of a LUN, and of those after it. */
#define SCAN_WAIT	(10 * HZ)
#define SCAN_NEXT_WAIT	(HZ / 20)
#define SCAN_SILENCE	(60 * HZ)
#define SCAN_ANSWERED	(3 * HZ)	/* how long an INQUIRY says that a LUN answers */

/* The shortest time between two runs of the work of a LUN. */
#define RUN_INTERVAL	HZ

/* When the work looks again at a LUN that is stuck, or suspended. */
#define STUCK_INTERVAL	HZ
#define SUSPENDED_INTERVAL	(5 * HZ)

/* Of the midlayer's number, less the flat space prefix from 256 on. */
#define LUN_MASK	0x3fff

/* LUNs up to this are scanned whatever max_lun says, which is only a hint. */
#define LUN_ALWAYS	255u

/* An INQUIRY is answered by the host itself or soon by the target. */
#define INQUIRY_TIMEOUT	(10 * HZ)
#define INQUIRY_RETRIES	3
#define INQUIRY_LEN	36
#define SECOND_LOOK	(60 * HZ)	/* at a LUN that is denied */

static bool lun_auto_rescan = true;
module_param_named(auto_rescan, lun_auto_rescan, bool, 0644);
MODULE_PARM_DESC(auto_rescan, "Rescan LUNs that report a change (default Y)");

static struct workqueue_struct *lun_workqueue;

/*
 * The SCSI bus once the first HBA has shown it. There is one notifier: while a
 * scan waits in it, registering another one would wait, too.
 */
static DEFINE_MUTEX(lun_bus_lock);
static typeof_member(struct device, bus) lun_bus;

/* What a LUN's answer to INQUIRY says about it. */
enum lun_presence {
	LUN_PRESENT,
	LUN_GONE,
	LUN_DENIED,	/* gone, or its target fails over */
	LUN_UNKNOWN,
};

static enum lun_presence lun_inquire(struct scsi_device *sdev)
{
	const u8 cdb[6] = { INQUIRY, 0, 0, 0, INQUIRY_LEN };
	struct scsi_sense_hdr sense = {};
	const struct scsi_exec_args args = { .sshdr = &sense };
	enum lun_presence presence = LUN_UNKNOWN;
	u8 *inquiry;
	int result;

	inquiry = kzalloc(INQUIRY_LEN, GFP_KERNEL);
	if (!inquiry)
		return LUN_UNKNOWN;

	result = scsi_execute_cmd(sdev, cdb, REQ_OP_DRV_IN, inquiry,
				  INQUIRY_LEN, INQUIRY_TIMEOUT, INQUIRY_RETRIES,
				  &args);
	/* Not connected is QEMU's LUN 0 that is gone, if the type is 1Fh. */
	if (!result && inquiry[0] >> 5 == SCSI_INQ_PQ_NOT_CAP)
		presence = LUN_GONE;
	else if (!result)
		presence = inquiry[0] >> 5 <= sdev->inq_periph_qual ? LUN_PRESENT :
			(inquiry[0] & 0x1f) == 0x1f ? LUN_GONE : LUN_UNKNOWN;
	else if (result > 0 && host_byte(result) == DID_BAD_TARGET)
		presence = LUN_GONE;
	else if (result > 0 && scsi_sense_valid(&sense) &&
		 sense.sense_key == ILLEGAL_REQUEST && sense.asc == 0x25)
		presence = LUN_DENIED;
	kfree(inquiry);
	return presence;
}

/* One that is not ready, as in ALUA standby, would be given a capacity of 0. */
static bool lun_is_ready(struct scsi_device *sdev)
{
	struct scsi_sense_hdr sense = {};

	/* The SCSI core takes a unit attention of a removable one for a new medium. */
	return sdev->removable || (sdev->type != TYPE_DISK && sdev->type != TYPE_ZBC) ||
	       !scsi_test_unit_ready(sdev, INQUIRY_TIMEOUT, INQUIRY_RETRIES,
				     &sense);
}

/* Whether the LUN is there, and what changed of it. False: do no more now. */
static bool lun_review(struct virtscsi_lun *lun, enum virtscsi_lun_task task)
{
	struct virtscsi *vscsi = shost_priv(lun->sdev->host);
	enum lun_presence presence = lun_inquire(lun->sdev);
	u64 now = get_jiffies_64();

	if (presence != LUN_DENIED)
		lun->denied_at = 0;
	else if (!lun->denied_at)
		lun->denied_at = now;
	if (presence == LUN_DENIED &&
	    time_before64(now, lun->denied_at + SECOND_LOOK)) {
		set_bit(task, &lun->tasks);
		queue_delayed_work(lun_workqueue, &lun->work,
				   lun->denied_at + SECOND_LOOK - now);
		return false;
	}
	if (presence == LUN_GONE || presence == LUN_DENIED) {
		vscsi->luns.gone(lun->sdev);
		return false;
	}
	if (task == VIRTSCSI_LUN_REVIEW)
		set_bit(VIRTSCSI_LUN_RESCAN, &lun->tasks);
	return true;
}

static void lun_work(struct work_struct *work)
{
	struct virtscsi_lun *lun = container_of(work, struct virtscsi_lun,
						work.work);
	struct scsi_device *sdev = lun->sdev;
	struct virtscsi *vscsi = shost_priv(sdev->host);
	bool may_rescan, is_forced;
	int task, err;

	if (vscsi->luns.is_stuck(sdev)) {
		queue_delayed_work(lun_workqueue, &lun->work, STUCK_INTERVAL);
		return;
	}

	WRITE_ONCE(lun->ran_at, jiffies);
	for (task = VIRTSCSI_LUN_LOOK; task <= VIRTSCSI_LUN_REVIEW; task++)
		if (test_and_clear_bit(task, &lun->tasks) &&
		    !lun_review(lun, task))
			return;
	if (test_and_clear_bit(VIRTSCSI_LUN_RESCAN, &lun->tasks)) {
		may_rescan = READ_ONCE(lun_auto_rescan);
		/* Without an event only if it is ready: maybe when the work runs next. */
		if (may_rescan && !test_bit(VIRTSCSI_LUN_IS_TOLD, &lun->tasks) &&
		    !blk_queue_pm_only(sdev->request_queue) &&
		    !lun_is_ready(sdev)) {
			set_bit(VIRTSCSI_LUN_RESCAN, &lun->tasks);
			may_rescan = false;
		}
		err = may_rescan ? scsi_rescan_device(sdev) :
		      blk_queue_pm_only(sdev->request_queue) ? -EWOULDBLOCK : 0;
		/* Not while it is suspended. A query would wake it up. */
		if (err == -EWOULDBLOCK) {
			set_bit(VIRTSCSI_LUN_RESCAN, &lun->tasks);
			queue_delayed_work(lun_workqueue, &lun->work,
					   SUSPENDED_INTERVAL);
			return;
		}
		if (may_rescan)
			clear_bit(VIRTSCSI_LUN_IS_TOLD, &lun->tasks);
		if (!may_rescan || !virtscsi_lun_limits_take_vpd(sdev))
			set_bit(VIRTSCSI_LUN_QUERY, &lun->tasks);
	}

	is_forced = test_and_clear_bit(VIRTSCSI_LUN_FORCE, &lun->tasks);
	/* One that failed is repeated when the work runs next. */
	if ((test_and_clear_bit(VIRTSCSI_LUN_QUERY, &lun->tasks) || is_forced) &&
	    !virtscsi_lun_limits_query(sdev))
		set_bit(VIRTSCSI_LUN_QUERY, &lun->tasks);
	if (!test_bit(VIRTSCSI_LUN_IS_ADDED, &lun->tasks))
		return;
	/* After a reset of the device cmd_per_lun may be lower. */
	if (sdev->queue_depth > sdev->host->cmd_per_lun)
		virtscsi_lun_change_depth(sdev, sdev->queue_depth);
	virtscsi_lun_limits_apply(sdev, false, is_forced);
}

/* A scan waits for this, but not for ever. Not freezable. */
static void lun_query_work(struct work_struct *work)
{
	struct virtscsi_lun *lun = container_of(work, struct virtscsi_lun,
						query);

	if (!virtscsi_lun_limits_query(lun->sdev))
		set_bit(VIRTSCSI_LUN_QUERY, &lun->tasks);
	complete_all(&lun->queried);
	smp_mb(); /* pairs with lun_notify() */
	if (test_bit(VIRTSCSI_LUN_IS_ADDED, &lun->tasks))
		virtscsi_lun_schedule(lun->sdev, VIRTSCSI_LUN_APPLY, false);
}

static void lun_inquiry_work(struct work_struct *work)
{
	struct virtscsi_lun *lun = container_of(work, struct virtscsi_lun,
						inquiry);

	if (lun_inquire(lun->sdev) != LUN_UNKNOWN)
		WRITE_ONCE(lun->answered_at, get_jiffies_64());
}

/* A scan asks LUN 0. True if that is stuck and silent; then an INQUIRY is sent. */
bool virtscsi_lun_is_silent(struct scsi_device *sdev)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);
	struct virtscsi_lun *lun;
	bool is_silent = true;

	if (!vscsi->luns.is_stuck(sdev))
		return false;
	spin_lock_irq(sdev->host->host_lock);
	lun = sdev->hostdata;
	if (lun && !test_bit(VIRTSCSI_LUN_IS_REMOVED, &lun->tasks)) {
		is_silent = time_after64(get_jiffies_64(), SCAN_ANSWERED +
					 READ_ONCE(lun->answered_at));
		if (is_silent)
			queue_work(lun_workqueue, &lun->inquiry);
	}
	spin_unlock_irq(sdev->host->host_lock);
	return is_silent;
}

/* Any context. A LUN being removed stays while the host's lock is held. */
void virtscsi_lun_schedule(struct scsi_device *sdev,
			   enum virtscsi_lun_task task, bool may_wait)
{
	struct virtscsi_lun *lun;
	unsigned long flags;
	long delay;

	spin_lock_irqsave(sdev->host->host_lock, flags);
	lun = sdev->hostdata;
	if (lun && !lun->cmds.is_unused &&
	    !test_bit(VIRTSCSI_LUN_IS_REMOVED, &lun->tasks)) {
		if (task == VIRTSCSI_LUN_RESCAN && !may_wait)
			set_bit(VIRTSCSI_LUN_IS_TOLD, &lun->tasks);
		set_bit(task, &lun->tasks);
		delay = READ_ONCE(lun->ran_at) + RUN_INTERVAL - jiffies;
		if (may_wait)
			queue_delayed_work(lun_workqueue, &lun->work,
					   RUN_INTERVAL);
		else
			mod_delayed_work(lun_workqueue, &lun->work,
					 clamp(delay, 0L, (long)RUN_INTERVAL));
	}
	spin_unlock_irqrestore(sdev->host->host_lock, flags);
}

/*
 * Sense data say that the LUN has changed. The midlayer itself rescans for INQUIRY
 * data, not for the capacity. Most hosts send an event as well, which is waited for
 * a little so that one rescan serves both. Context: any.
 */
void virtscsi_lun_note_sense(struct scsi_cmnd *sc, unsigned int flags)
{
	struct virtscsi_lun *lun = sc->device->hostdata;

	if (flags & VIRTSCSI_SENSE_CAPACITY) {
		/* The rescan for the event reads the capacity after this. */
		if (!test_bit(VIRTSCSI_LUN_IS_TOLD, &lun->tasks))
			virtscsi_lun_schedule(sc->device, VIRTSCSI_LUN_RESCAN,
					      true);
		else if (!test_bit(VIRTSCSI_LUN_RESCAN, &lun->tasks))
			clear_bit(VIRTSCSI_LUN_IS_TOLD, &lun->tasks);
		return;
	}
	/* A query of lun_limits.c is repeated after a unit attention. */
	if (flags & VIRTSCSI_SENSE_LIMITS &&
	    !(scsi_cmd_to_rq(sc)->cmd_flags & REQ_DRV))
		virtscsi_lun_schedule(sc->device, VIRTSCSI_LUN_QUERY, true);
}

/* The LUN is there under its other number, with or without the flat prefix. */
static bool lun_is_alias(struct scsi_device *sdev)
{
	struct scsi_device *other;

	other = scsi_device_lookup(sdev->host, 0, sdev->id,
				   sdev->lun ^ VIRTSCSI_WIRE_LUN_FLAT);
	if (other)
		scsi_device_put(other);
	return other;
}

/* Implements virtio 1.3, 5.6.4 (max_lun). */
static bool lun_is_beyond(struct scsi_device *sdev)
{
	u32 last = max(virtscsi_limit(shost_priv(sdev->host), VIRTSCSI_MAX_LUN),
		       LUN_ALWAYS);

	return !scsi_is_wlun(sdev->lun) && (sdev->lun & LUN_MASK) > last;
}

/*
 * sdev_init: a LUN is about to be probed. One that is not to be used is probed
 * without the device: an error would end the scan of the LUNs listed next.
 */
int virtscsi_lun_alloc(struct scsi_device *sdev)
{
	struct virtscsi_lun *lun;
	int err;

	lun = kzalloc_obj(*lun);
	if (!lun)
		return -ENOMEM;
	err = virtscsi_stats_lun_init(&lun->stats);
	if (err) {
		kfree(lun);
		return err;
	}
	lun->sdev = sdev;
	lun->cmds.is_unused =
		!virtscsi_wire_put_lun(lun->cmds.address, sdev->id, sdev->lun) ||
		lun_is_beyond(sdev) || lun_is_alias(sdev);
	lun->target_level = sdev->sdev_target->scsi_level;
	lun->ran_at = jiffies - RUN_INTERVAL;
	INIT_DELAYED_WORK(&lun->work, lun_work);
	INIT_WORK(&lun->query, lun_query_work);
	INIT_WORK(&lun->inquiry, lun_inquiry_work);
	init_completion(&lun->queried);
	smp_store_release(&sdev->hostdata, lun); /* it can be found already */
	/* QEMU writes limits there whatever SPC version the LUN claims. */
	sdev->sdev_bflags = BLIST_TRY_VPD_PAGES;
	return 0;
}

/* sdev_destroy, also after a sdev_init that failed. No request is in flight. */
void virtscsi_lun_free(struct scsi_device *sdev)
{
	struct scsi_target *starget = sdev->sdev_target;
	struct virtscsi_lun *lun = sdev->hostdata;

	if (!lun)
		return;
	/*
	 * The INQUIRY data of a LUN that is not there may say version 0, and then
	 * the midlayer does not send REPORT LUNS to the target any more.
	 */
	if (starget->scsi_level < lun->target_level)
		starget->scsi_level = lun->target_level;
	/* Pairs with virtscsi_lun_schedule(). The work still needs hostdata. */
	spin_lock_irq(sdev->host->host_lock);
	set_bit(VIRTSCSI_LUN_IS_REMOVED, &lun->tasks);
	spin_unlock_irq(sdev->host->host_lock);
	cancel_work_sync(&lun->query);
	cancel_work_sync(&lun->inquiry);
	cancel_delayed_work_sync(&lun->work);
	spin_lock_irq(sdev->host->host_lock);
	sdev->hostdata = NULL;
	spin_unlock_irq(sdev->host->host_lock);
	virtscsi_stats_lun_exit(&lun->stats);
	kfree(lun);
}

/* sdev_configure: the LUN is there; @lim becomes its limits, as far as known. */
int virtscsi_lun_configure(struct scsi_device *sdev, struct queue_limits *lim)
{
	virtscsi_lun_change_depth(sdev, sdev->host->cmd_per_lun);
	virtscsi_lun_limits_update(sdev, lim);
	return 0;
}

static void lun_wait_for_answers(struct scsi_device *sdev)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);
	struct virtscsi_lun *lun = sdev->hostdata;
	bool is_first = time_after64(get_jiffies_64(), vscsi->luns.silent_until);

	/* On one CPU the disk driver's probes of other LUNs would come first. */
	queue_work(system_highpri_wq, &lun->query);
	if (wait_for_completion_timeout(&lun->queried,
					is_first ? SCAN_WAIT : SCAN_NEXT_WAIT))
		return;
	vscsi->luns.silent_until = get_jiffies_64() + SCAN_SILENCE;
	sdev_printk(KERN_WARNING, sdev,
		    "limits query not answered yet, using the limits of the HBA\n");
}

static int lun_notify(struct notifier_block *notifier, unsigned long action,
		      void *data)
{
	struct scsi_device *sdev;
	struct virtscsi_lun *lun;

	if (!scsi_is_sdev_device(data))
		return NOTIFY_DONE;
	sdev = to_scsi_device(data);
	if (sdev->host->hostt->change_queue_depth != virtscsi_lun_change_depth)
		return NOTIFY_DONE;
	lun = sdev->hostdata;
	if (action == BUS_NOTIFY_ADD_DEVICE) {
		if (!virtscsi_lun_limits_take_vpd(sdev))
			lun_wait_for_answers(sdev);
		/* First, so that answers that arrive now are applied; a full barrier. */
		test_and_set_bit(VIRTSCSI_LUN_IS_ADDED, &lun->tasks);
		virtscsi_lun_limits_apply(sdev, true, false);
	} else if (action == BUS_NOTIFY_BIND_DRIVER && sdev->type == TYPE_TAPE) {
		virtscsi_lun_limits_apply(sdev, false, true);
	} else if (action == BUS_NOTIFY_BOUND_DRIVER) {
		virtscsi_lun_schedule(sdev, VIRTSCSI_LUN_APPLY, false);
	}
	return NOTIFY_DONE;
}

static struct notifier_block lun_notifier = {
	.notifier_call = lun_notify,
};

int __init virtscsi_lun_module_init(void)
{
	lun_workqueue = alloc_workqueue("virtio_scsi_lun",
					WQ_FREEZABLE | WQ_UNBOUND, WQ_MAX_ACTIVE);
	return lun_workqueue ? 0 : -ENOMEM;
}

void virtscsi_lun_module_exit(void)
{
	if (lun_bus)
		bus_unregister_notifier(lun_bus, &lun_notifier);
	destroy_workqueue(lun_workqueue);
}

/* Before the host is added. */
int virtscsi_lun_init(struct virtscsi *vscsi,
		      bool (*is_stuck)(struct scsi_device *sdev),
		      void (*gone)(struct scsi_device *sdev))
{
	int err = 0;

	vscsi->luns.is_stuck = is_stuck;
	vscsi->luns.gone = gone;
	mutex_lock(&lun_bus_lock);
	if (!lun_bus) {
		err = bus_register_notifier(vscsi->shost->shost_gendev.bus,
					    &lun_notifier);
		if (!err)
			lun_bus = vscsi->shost->shost_gendev.bus;
	}
	mutex_unlock(&lun_bus_lock);
	return err;
}

/* Implements virtio 1.3, 5.6.4.1: never more than cmd_per_lun. */
int virtscsi_lun_change_depth(struct scsi_device *sdev, int depth)
{
	depth = min_t(int, depth, sdev->host->cmd_per_lun);
	/* First, because the midlayer raises the depth up to this by itself. */
	sdev->max_queue_depth = depth;
	return scsi_change_queue_depth(sdev, depth);
}
