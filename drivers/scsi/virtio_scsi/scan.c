// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The inventory: finding, adding and removing LUNs. Only this file does that.
 *
 * LUNs are added and removed by a work of their target, in the order of the events,
 * so a LUN that does not answer holds up its own target only.
 *
 * When events may be missing, each LUN finds out by its own work whether it is there
 * and what changed of it, and each target is scanned, those with LUNs by their own
 * work, but not while LUN 0 is stuck.
 *
 * The workqueue is freezable: nobody scans while the system is suspended.
 */
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <scsi/scsi.h>
#include <scsi/scsi_device.h>

#include "virtscsi.h"
#include "wire.h"

/* When to look again at a target whose LUN is stuck. */
#define STUCK_DELAY	HZ

/* Changes that wait for a target; with more, the target is reviewed instead. */
#define MAX_CHANGES	64

/*
 * A unit attention about the inventory: how long the event itself has to
 * arrive, how much earlier it may have come, and the time between two scans of
 * the host for this reason.
 */
#define ATTENTION_DELAY		(2 * HZ)
#define ATTENTION_EARLIER	(5 * HZ)
#define ATTENTION_INTERVAL	(30 * HZ)

/* A LUN to be added or removed. */
struct scan_change {
	struct list_head list;
	u64 lun;
	bool is_added;
};

/*
 * What is due for a target. Made with the first event of the target, freed with the
 * instance.
 */
struct scan_target {
	struct virtscsi *vscsi;
	unsigned int target;
	struct delayed_work work;
	spinlock_t lock;	/* changes, nr_changes */
	struct list_head changes;
	unsigned int nr_changes;
	bool is_scan_due;
};

/*
 * A LUN of the device. The midlayer numbers a LUN as REPORT LUNS or an event had
 * it first, with or without the flat space prefix.
 */
struct scsi_device *virtscsi_scan_lookup(struct virtscsi *vscsi,
					 unsigned int target, u64 lun)
{
	struct scsi_device *sdev;

	sdev = scsi_device_lookup(vscsi->shost, 0, target, lun);
	if (!sdev)
		sdev = scsi_device_lookup(vscsi->shost, 0, target,
					  lun ^ VIRTSCSI_WIRE_LUN_FLAT);
	return sdev;
}

static void scan_one(struct virtscsi *vscsi, unsigned int target)
{
	scsi_scan_target(&vscsi->shost->shost_gendev, 0, target,
			 SCAN_WILD_CARD, SCSI_SCAN_INITIAL);
}

/*
 * True if the target has LUNs; is_stuck tells if LUN 0 is stuck, which a scan asks for
 * the others.
 */
static bool scan_has_luns(struct virtscsi *vscsi, unsigned int target,
			  bool *is_stuck)
{
	struct scsi_device *sdev;
	bool has_luns = false;

	*is_stuck = false;
	shost_for_each_device(sdev, vscsi->shost) {
		if (sdev->id != target)
			continue;
		has_luns = true;
		if (!(sdev->lun & ~(u64)VIRTSCSI_WIRE_LUN_FLAT))
			*is_stuck |= virtscsi_lun_is_stuck(sdev);
	}
	return has_luns;
}

static void scan_remove(struct scan_target *of, u64 lun)
{
	struct scsi_device *sdev;

	/* While the other number is probed, it is found first. */
	while ((sdev = virtscsi_scan_lookup(of->vscsi, of->target, lun))) {
		scsi_remove_device(sdev);
		scsi_device_put(sdev);
	}
}

static void scan_add(struct scan_target *of, u64 lun)
{
	struct scsi_device *sdev = virtscsi_scan_lookup(of->vscsi, of->target, lun);

	/* A LUN that is known must not be added under another number. */
	if (sdev) {
		lun = sdev->lun;
		scsi_device_put(sdev);
	}
	scsi_add_device(of->vscsi->shost, 0, of->target, lun);
}

static struct scan_change *scan_pop_change(struct scan_target *of)
{
	struct scan_change *change;

	spin_lock(&of->lock);
	change = list_first_entry_or_null(&of->changes, struct scan_change,
					  list);
	if (change) {
		list_del(&change->list);
		of->nr_changes--;
	}
	spin_unlock(&of->lock);
	return change;
}

/* Not while LUN 0 is stuck; then the work looks again later. */
static bool scan_take_due(struct scan_target *of)
{
	bool is_stuck;

	if (!READ_ONCE(of->is_scan_due))
		return false;
	scan_has_luns(of->vscsi, of->target, &is_stuck);
	if (!is_stuck)
		return xchg(&of->is_scan_due, false);
	queue_delayed_work(of->vscsi->scan.queue, &of->work, STUCK_DELAY);
	return false;
}

/*
 * While the module goes, the midlayer does not find the LUNs that it has, and a
 * scan would add each of them again. So the module stays while LUNs are added or
 * removed.
 */
static bool scan_may_scan(struct virtscsi *vscsi)
{
	return !READ_ONCE(vscsi->scan.is_stopped) && try_module_get(THIS_MODULE);
}

static void scan_target_work(struct work_struct *work)
{
	struct scan_target *of = container_of(work, struct scan_target,
					       work.work);
	struct scan_change *change;

	while ((change = scan_pop_change(of))) {
		if (scan_may_scan(of->vscsi)) {
			if (change->is_added)
				scan_add(of, change->lun);
			else
				scan_remove(of, change->lun);
			module_put(THIS_MODULE);
		}
		kfree(change);
	}
	if (!scan_may_scan(of->vscsi))
		return;
	if (scan_take_due(of))
		scan_one(of->vscsi, of->target);
	module_put(THIS_MODULE);
}

static struct scan_target *scan_target(struct virtscsi *vscsi,
				       unsigned int target)
{
	struct scan_target *of = xa_load(&vscsi->scan.targets, target);

	if (of)
		return of;
	of = kzalloc_obj(*of);
	if (!of)
		return NULL;
	of->vscsi = vscsi;
	of->target = target;
	INIT_DELAYED_WORK(&of->work, scan_target_work);
	spin_lock_init(&of->lock);
	INIT_LIST_HEAD(&of->changes);
	if (!xa_insert(&vscsi->scan.targets, target, of, GFP_KERNEL))
		return of;
	kfree(of);
	/* Another work may have made it. */
	return xa_load(&vscsi->scan.targets, target);
}

/* The target is scanned soon. */
static void scan_schedule(struct virtscsi *vscsi, unsigned int target)
{
	struct scan_target *of = scan_target(vscsi, target);

	if (!of) {
		virtscsi_scan_host(vscsi);
		return;
	}
	WRITE_ONCE(of->is_scan_due, true);
	mod_delayed_work(vscsi->scan.queue, &of->work, 0);
}

/* Each LUN of the target finds out whether it is there, and what changed of it. */
static void scan_review(struct virtscsi *vscsi, unsigned int target)
{
	struct scsi_device *sdev;

	shost_for_each_device(sdev, vscsi->shost)
		if (sdev->id == target)
			virtscsi_lun_schedule(sdev, VIRTSCSI_LUN_REVIEW);
}

void virtscsi_scan_target(struct virtscsi *vscsi, unsigned int target)
{
	scan_review(vscsi, target);
	scan_schedule(vscsi, target);
}

/* An event says that a LUN is to be added or removed. */
void virtscsi_scan_change(struct virtscsi *vscsi, unsigned int target, u64 lun,
			  bool is_added)
{
	struct scan_target *of = scan_target(vscsi, target);
	struct scan_change *change;

	vscsi->scan.inventory_at = get_jiffies_64();
	change = kzalloc_obj(*change);
	if (of && change) {
		change->lun = lun;
		change->is_added = is_added;
		spin_lock(&of->lock);
		if (of->nr_changes < MAX_CHANGES) {
			list_add_tail(&change->list, &of->changes);
			of->nr_changes++;
			change = NULL;
		}
		spin_unlock(&of->lock);
		mod_delayed_work(vscsi->scan.queue, &of->work, 0);
	}
	/* For LUN 0 the whole target may be meant. */
	if (!of || change || (!lun && !is_added))
		scan_review(vscsi, target);
	if (!of || change || (!lun && is_added))
		scan_schedule(vscsi, target);
	kfree(change);
}

/*
 * A LUN has found out that it is gone. If another one took its place meanwhile, the
 * scan adds that. Process context.
 */
void virtscsi_scan_gone(struct scsi_device *sdev)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);

	if (READ_ONCE(vscsi->scan.is_stopped))
		return;
	virtscsi_scan_change(vscsi, sdev->id, sdev->lun, false);
	scan_schedule(vscsi, sdev->id);
}

/*
 * Most devices send an event for what they report by a unit attention, and then
 * there is no need to look. Not so if the host was not scanned since and the
 * event may have been another one.
 */
static bool scan_explains_attention(const struct virtscsi_scan *scan)
{
	u64 seen = READ_ONCE(scan->attention_seen);

	return time_after_eq64(scan->scan_began, seen) ||
	       (!READ_ONCE(scan->may_have_lost) &&
		time_after64(scan->inventory_at + ATTENTION_EARLIER, seen));
}

/*
 * Not scsi_scan_host(), which may return before it is done, and cannot be
 * stopped when the driver goes.
 */
static void scan_rescan_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      scan.rescan.work);
	struct virtscsi_scan *scan = &vscsi->scan;
	bool is_due = xchg(&scan->is_rescan_due, false);
	DECLARE_BITMAP(known, VIRTSCSI_NR_TARGETS) = {};
	unsigned int target;
	bool is_stuck;

	if (xchg(&scan->is_attention_due, false) &&
	    !scan_explains_attention(scan))
		is_due = true;
	if (!is_due || !scan_may_scan(vscsi))
		return;

	WRITE_ONCE(scan->scan_began, get_jiffies_64());
	WRITE_ONCE(scan->may_have_lost, false);
	for (target = 0; target < vscsi->shost->max_id; target++) {
		if (!scan_has_luns(vscsi, target, &is_stuck))
			continue;
		__set_bit(target, known);
		virtscsi_scan_target(vscsi, target);
	}
	/* These may get LUNs by an event meanwhile, and are scanned all the same. */
	for (target = 0; target < vscsi->shost->max_id; target++) {
		if (READ_ONCE(scan->is_stopped))
			break;
		if (!test_bit(target, known))
			scan_one(vscsi, target);
		cond_resched();
	}
	module_put(THIS_MODULE);
}

/* Events may have been missed: finds out what came and went. Any context. */
void virtscsi_scan_host(struct virtscsi *vscsi)
{
	if (READ_ONCE(vscsi->scan.is_stopped))
		return;
	WRITE_ONCE(vscsi->scan.is_rescan_due, true);
	mod_delayed_work(vscsi->scan.queue, &vscsi->scan.rescan, 0);
}

/*
 * Implements virtio 1.3, 5.6.6.3 (events reported via sense codes). Some devices
 * drop an event and do not say so afterwards; the unit attention REPORTED LUNS DATA
 * HAS CHANGED remains, and may be about any target. What came and went is looked
 * for, at a bounded pace. Any context, under RCU.
 */
void virtscsi_scan_note_attention(struct virtscsi *vscsi)
{
	struct virtscsi_scan *scan = &vscsi->scan;
	unsigned long delay = ATTENTION_DELAY;

	if (READ_ONCE(scan->is_stopped))
		return;
	WRITE_ONCE(scan->attention_seen, get_jiffies_64());
	if (READ_ONCE(scan->is_attention_due))
		return;
	if (time_before64(get_jiffies_64(), READ_ONCE(scan->scan_began) +
			ATTENTION_INTERVAL))
		delay = ATTENTION_INTERVAL;
	WRITE_ONCE(scan->is_attention_due, true);
	queue_delayed_work(scan->queue, &scan->rescan, delay);
}

/* So many events came at once that some may have been dropped. */
void virtscsi_scan_note_flood(struct virtscsi *vscsi)
{
	WRITE_ONCE(vscsi->scan.may_have_lost, true);
}

/* Returns 0 or -ENOMEM. */
int virtscsi_scan_init(struct virtscsi *vscsi)
{
	struct virtscsi_scan *scan = &vscsi->scan;

	xa_init(&scan->targets);
	INIT_DELAYED_WORK(&scan->rescan, scan_rescan_work);
	scan->scan_began = get_jiffies_64() - ATTENTION_INTERVAL;
	scan->inventory_at = get_jiffies_64() - ATTENTION_INTERVAL;
	scan->queue = alloc_workqueue("virtio_scsi_scan_%u",
				      WQ_UNBOUND | WQ_FREEZABLE, WQ_MAX_ACTIVE,
				      vscsi->shost->host_no);
	return scan->queue ? 0 : -ENOMEM;
}

/*
 * Nothing is added or removed any more. Waits for what has begun, which may wait for
 * commands.
 */
void virtscsi_scan_stop(struct virtscsi *vscsi)
{
	struct virtscsi_scan *scan = &vscsi->scan;
	struct scan_target *of;
	unsigned long target;

	WRITE_ONCE(scan->is_stopped, true);
	/* Whoever did not see this in an interrupt. */
	synchronize_rcu();
	cancel_delayed_work_sync(&scan->rescan);
	xa_for_each(&scan->targets, target, of)
		cancel_delayed_work_sync(&of->work);
}

/* Undoes virtscsi_scan_init(), also if that failed or was not called. */
void virtscsi_scan_exit(struct virtscsi *vscsi)
{
	struct virtscsi_scan *scan = &vscsi->scan;
	struct scan_change *change;
	struct scan_target *of;
	unsigned long target;

	if (!scan->queue)
		return;
	virtscsi_scan_stop(vscsi);
	xa_for_each(&scan->targets, target, of) {
		while ((change = scan_pop_change(of)))
			kfree(change);
		kfree(of);
	}
	xa_destroy(&scan->targets);
	destroy_workqueue(scan->queue);
}
