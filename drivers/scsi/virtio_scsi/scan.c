// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The inventory: finding, adding and removing LUNs. Only this file does that.
 *
 * One work does it, since the midlayer does one at a time for a host anyway. LUNs
 * that events name come first, then targets to be scanned. A scan asks LUN 0 for
 * the others, so it waits while LUN 0 is stuck and does not answer.
 *
 * When events may be missing, all targets are scanned, and each LUN finds out by
 * its own work what changed of it. Nobody scans while the system is suspended.
 */
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <scsi/scsi.h>
#include <scsi/scsi_device.h>

#include "virtscsi.h"
#include "wire.h"

/* When to look again at a target whose LUN 0 does not answer. */
#define SILENT_DELAY	HZ

/* A unit attention about the inventory. */
#define ATTENTION_DELAY		(2 * HZ)	/* its event may come that late */
#define ATTENTION_EARLIER	(5 * HZ)	/* or that early */
#define ATTENTION_INTERVAL	(30 * HZ)	/* between scans for this reason */

/*
 * What events say of a LUN, in the order in which it is done. Only the last
 * removal and an addition after it count.
 */
#define SCAN_REMOVE	BIT(0)
#define SCAN_ADD	BIT(1)

/* Index of a LUN in virtscsi_scan.changes. */
#define SCAN_LUN_BITS	16
#define SCAN_LUN_MASK	GENMASK(SCAN_LUN_BITS - 1, 0)

static void scan_start(struct virtscsi_scan *scan)
{
	if (!READ_ONCE(scan->is_stopped))
		mod_delayed_work(system_freezable_wq, &scan->work, 0);
}

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

static bool scan_would_hang(struct virtscsi *vscsi, unsigned int target)
{
	struct scsi_device *sdev = virtscsi_scan_lookup(vscsi, target, 0);
	bool is_silent = sdev && virtscsi_lun_is_silent(sdev);

	if (sdev)
		scsi_device_put(sdev);
	return is_silent;
}

static void scan_remove(struct virtscsi *vscsi, unsigned int target, u64 lun)
{
	struct scsi_device *sdev;

	/* While the other number is probed, it is found first. */
	while ((sdev = virtscsi_scan_lookup(vscsi, target, lun))) {
		scsi_remove_device(sdev);
		scsi_device_put(sdev);
	}
}

/*
 * While the module goes, the midlayer does not find the LUNs that it has, and a
 * scan would add each of them again. So the module stays while LUNs are added or
 * removed, but no longer, since unloading does not wait for it.
 */
static bool scan_may_scan(struct virtscsi *vscsi)
{
	return !READ_ONCE(vscsi->scan.is_stopped) && try_module_get(THIS_MODULE);
}

static void scan_do_changes(struct virtscsi *vscsi)
{
	struct virtscsi_scan *scan = &vscsi->scan;
	unsigned long index, changes;
	unsigned int target;
	void *entry;
	u64 lun;

	xa_for_each(&scan->changes, index, entry) {
		if (!scan_may_scan(vscsi))
			return;
		changes = xa_to_value(xa_erase(&scan->changes, index));
		target = index >> SCAN_LUN_BITS;
		lun = index & SCAN_LUN_MASK;
		if (changes & SCAN_REMOVE)
			scan_remove(vscsi, target, lun);
		/* One that is known under its other number is refused. */
		if (changes & SCAN_ADD)
			scsi_add_device(vscsi->shost, 0, target, lun);
		module_put(THIS_MODULE);
		/* Events without end must leave unloading a moment. */
		if (READ_ONCE(scan->may_have_lost))
			msleep(20);
	}
}

/* All LUNs of the target that have been identified. */
static void scan_schedule_luns(struct virtscsi *vscsi, unsigned int target,
			       enum virtscsi_lun_task task)
{
	struct scsi_device *sdev;

	shost_for_each_device(sdev, vscsi->shost)
		if (sdev->inquiry &&
		    (target == SCAN_WILD_CARD ||
		     (sdev->id == target && (sdev->lun || task != VIRTSCSI_LUN_LOOK))))
			virtscsi_lun_schedule(sdev, task, false);
}

static void scan_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      scan.work.work);
	struct virtscsi_scan *scan = &vscsi->scan;
	unsigned int target;

	for (target = 0; target < VIRTSCSI_NR_TARGETS; target++) {
		scan_do_changes(vscsi);
		if (!test_bit(target, scan->targets))
			continue;
		if (scan_would_hang(vscsi, target)) {
			queue_delayed_work(system_freezable_wq, &scan->work,
					   SILENT_DELAY);
			continue;
		}
		if (!scan_may_scan(vscsi))
			return;
		clear_bit(target, scan->targets);
		/* scsi_scan_host() may return too early, and cannot be stopped. */
		scsi_scan_target(&vscsi->shost->shost_gendev, 0, target,
				 SCAN_WILD_CARD, SCSI_SCAN_INITIAL);
		module_put(THIS_MODULE);
	}
}

static void scan_schedule(struct virtscsi *vscsi, unsigned int target)
{
	set_bit(target, vscsi->scan.targets);
	scan_start(&vscsi->scan);
}

void virtscsi_scan_target(struct virtscsi *vscsi, unsigned int target)
{
	scan_schedule_luns(vscsi, target, VIRTSCSI_LUN_REVIEW);
	scan_schedule(vscsi, target);
}

static void scan_change(struct virtscsi *vscsi, unsigned int target, u64 lun, bool is_added)
{
	unsigned long index = target << SCAN_LUN_BITS | lun;
	unsigned long changes = is_added ? SCAN_ADD : SCAN_REMOVE;
	struct virtscsi_scan *scan = &vscsi->scan;
	int err;

	err = xa_reserve(&scan->changes, index, GFP_KERNEL);
	xa_lock(&scan->changes);
	if (is_added)
		changes |= xa_to_value(xa_load(&scan->changes, index));
	if (!err)
		err = xa_err(__xa_store(&scan->changes, index,
					xa_mk_value(changes), 0));
	xa_unlock(&scan->changes);

	/* LUN 0 may stand for the whole target. It is removed without a look. */
	if (err || (!lun && !is_added))
		scan_schedule_luns(vscsi, target, err ? VIRTSCSI_LUN_REVIEW : VIRTSCSI_LUN_LOOK);
	if (err || (!lun && is_added))
		set_bit(target, scan->targets);
	scan_start(scan);
}

/* An event says that a LUN is to be added or removed. */
void virtscsi_scan_change(struct virtscsi *vscsi, unsigned int target, u64 lun,
			  bool is_added)
{
	WRITE_ONCE(vscsi->scan.changed_at, get_jiffies_64());
	scan_change(vscsi, target, lun, is_added);
}

/*
 * A LUN has found out that it is gone. If another one took its place meanwhile,
 * the scan adds that. Process context.
 */
void virtscsi_scan_gone(struct scsi_device *sdev)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);

	scan_change(vscsi, sdev->id, sdev->lun, false);
	scan_schedule(vscsi, sdev->id);
}

/* Events may have been missed: finds out what came and went. Process context. */
void virtscsi_scan_host(struct virtscsi *vscsi, enum virtscsi_lun_task task)
{
	struct virtscsi_scan *scan = &vscsi->scan;
	unsigned int target;

	if (READ_ONCE(scan->is_stopped))
		return;
	WRITE_ONCE(scan->host_scanned_at, get_jiffies_64());
	WRITE_ONCE(scan->may_have_lost, false);
	scan_schedule_luns(vscsi, SCAN_WILD_CARD, task);
	for (target = 0; target < vscsi->shost->max_id; target++)
		set_bit(target, scan->targets);
	scan_start(scan);
}

/*
 * Most devices send an event for what they report by a unit attention, and then
 * there is no need to look. Not so if the host was not scanned since and the
 * event may have been another one.
 */
static void scan_attention_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      scan.attention.work);
	struct virtscsi_scan *scan = &vscsi->scan;
	u64 seen = READ_ONCE(scan->attention_seen);

	if (time_after_eq64(READ_ONCE(scan->host_scanned_at), seen) ||
	    (!READ_ONCE(scan->may_have_lost) &&
	     time_after64(READ_ONCE(scan->changed_at) + ATTENTION_EARLIER, seen)))
		return;
	virtscsi_scan_host(vscsi, VIRTSCSI_LUN_LOOK);
}

/*
 * Implements virtio 1.3, 5.6.6.3 (events reported via sense codes). Some devices
 * drop an event and do not say so afterwards; the unit attention REPORTED LUNS
 * DATA HAS CHANGED remains, and may be about any target. Any context, under RCU.
 */
void virtscsi_scan_note_attention(struct virtscsi *vscsi)
{
	struct virtscsi_scan *scan = &vscsi->scan;
	unsigned long delay = ATTENTION_DELAY;
	u64 now = get_jiffies_64(), before = READ_ONCE(scan->attention_seen);

	if (READ_ONCE(scan->is_stopped))
		return;
	WRITE_ONCE(scan->attention_seen, now);
	/* An idle LUN may report it long after the event. */
	if (!READ_ONCE(scan->may_have_lost) &&
	    time_after64(READ_ONCE(scan->changed_at), before))
		return;
	if (time_before64(now, READ_ONCE(scan->host_scanned_at) +
			       ATTENTION_INTERVAL))
		delay = ATTENTION_INTERVAL;
	queue_delayed_work(system_freezable_wq, &scan->attention, delay);
}

/* So many events came at once that some may have been dropped. */
void virtscsi_scan_note_flood(struct virtscsi *vscsi)
{
	WRITE_ONCE(vscsi->scan.may_have_lost, true);
}

void virtscsi_scan_init(struct virtscsi *vscsi)
{
	xa_init(&vscsi->scan.changes);
	INIT_DELAYED_WORK(&vscsi->scan.work, scan_work);
	INIT_DELAYED_WORK(&vscsi->scan.attention, scan_attention_work);
}

/*
 * Nothing is added or removed any more. Waits for what has begun, which may wait
 * for commands.
 */
void virtscsi_scan_stop(struct virtscsi *vscsi)
{
	WRITE_ONCE(vscsi->scan.is_stopped, true);
	/* Whoever did not see this in an interrupt. */
	synchronize_rcu();
	cancel_delayed_work_sync(&vscsi->scan.attention);
	cancel_delayed_work_sync(&vscsi->scan.work);
}

void virtscsi_scan_exit(struct virtscsi *vscsi)
{
	virtscsi_scan_stop(vscsi);
	xa_destroy(&vscsi->scan.changes);
}
