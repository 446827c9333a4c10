// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events: LUNs come, go and change, and the device says so.
 *
 * The event virtqueue is kept full of buffers. One worker, on an ordered
 * workqueue of the instance, takes them out one by one: snapshot, buffer back
 * to the device, then deal with it. So events are dealt with in the order in
 * which they came, one at a time, nothing here needs a lock against itself,
 * and a rescan that fails costs no buffer. One that cannot be given back, memory
 * being short, is kept for later. Only this file scans or removes LUNs.
 *
 * The workqueue is freezable: nobody scans while the system is suspended.
 */
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_eh.h>

#include "trace.h"
#include "virtscsi.h"

/* "Placing 10-15 buffers on the event queue is sufficient" (5.6.6.3). */
#define NR_EVENTS	16

/* Before each further event, once the worker has dealt with so many at a time. */
#define FLOOD_PAUSE_MS	5

/* When to try again what was out of memory. */
#define RETRY_DELAY		HZ

/* Bit 0 of is_rescan_due. */
#define RESCAN_DUE	0

/* An INQUIRY is answered by the host itself or soon by the target. */
#define INQUIRY_TIMEOUT	(10 * HZ)
#define INQUIRY_RETRIES	3
#define INQUIRY_LEN	36

/* Additional sense codes, as PARAM_CHANGE carries them. */
#define ASC_PARAMETERS_CHANGED	0x2a
#define ASC_OPERATION_CHANGED	0x3f
#define ASCQ_LUNS_CHANGED	0x0e

/*
 * A unit attention about the inventory: how long the event itself has to
 * arrive, how much earlier it may have come, and how much time is between two
 * scans of the host for this reason.
 */
#define ATTENTION_DELAY		(2 * HZ)
#define ATTENTION_EARLIER	(5 * HZ)
#define ATTENTION_INTERVAL	(30 * HZ)

/* What a LUN's answer to INQUIRY says about it. */
enum event_presence {
	EVENT_PRESENT,
	EVENT_GONE,
	EVENT_UNKNOWN,
};

static enum event_presence event_inquire(struct scsi_device *sdev)
{
	const u8 cdb[6] = { INQUIRY, 0, 0, 0, INQUIRY_LEN };
	enum event_presence presence = EVENT_UNKNOWN;
	u8 *inquiry;
	int result;

	inquiry = kzalloc(INQUIRY_LEN, GFP_KERNEL);
	if (!inquiry)
		return EVENT_UNKNOWN;

	result = scsi_execute_cmd(sdev, cdb, REQ_OP_DRV_IN, inquiry,
				  INQUIRY_LEN, INQUIRY_TIMEOUT, INQUIRY_RETRIES,
				  NULL);
	/* Peripheral qualifier: not connected, or not supported. */
	if (!result)
		presence = inquiry[0] >> 5 ? EVENT_GONE : EVENT_PRESENT;
	else if (result > 0 && host_byte(result) == DID_BAD_TARGET)
		presence = EVENT_GONE;
	kfree(inquiry);
	return presence;
}

/* Remove what is gone. */
static void event_look_for_gone(struct virtscsi *vscsi)
{
	struct scsi_device *sdev;

	shost_for_each_device(sdev, vscsi->shost) {
		if (event_inquire(sdev) == EVENT_GONE)
			scsi_remove_device(sdev);
	}
}

/*
 * Of one target, or of all with SCAN_WILD_CARD: remove what is gone, and read
 * again what may have changed of the others. The device may have been reset,
 * and then it has forgotten the subscriptions.
 */
static void event_review(struct virtscsi *vscsi, unsigned int target)
{
	struct scsi_device *sdev;

	shost_for_each_device(sdev, vscsi->shost) {
		if (target != SCAN_WILD_CARD && sdev->id != target)
			continue;
		switch (event_inquire(sdev)) {
		case EVENT_GONE:
			scsi_remove_device(sdev);
			break;
		case EVENT_PRESENT:
			virtscsi_event_subscribe(sdev);
			scsi_rescan_device(sdev);
			virtscsi_lun_renegotiate(sdev);
			break;
		case EVENT_UNKNOWN:
			/* No rescan: it would be given a capacity of 0. */
			virtscsi_lun_renegotiate(sdev);
			break;
		}
	}
}

/*
 * A LUN of the device. The midlayer numbers one below 256 as REPORT LUNS brings
 * it, and that may be with the flat space prefix.
 */
static struct scsi_device *event_lookup(struct virtscsi *vscsi,
					unsigned int target, u64 lun)
{
	struct scsi_device *sdev;

	sdev = scsi_device_lookup(vscsi->shost, 0, target, lun);
	if (!sdev)
		sdev = scsi_device_lookup(vscsi->shost, 0, target,
					  lun | VIRTSCSI_WIRE_LUN_FLAT);
	return sdev;
}

static void event_scan_target(struct virtscsi *vscsi, unsigned int target)
{
	scsi_scan_target(&vscsi->shost->shost_gendev, 0, target,
			 SCAN_WILD_CARD, SCSI_SCAN_INITIAL);
}

/*
 * Not scsi_scan_host(), which may return before it is done, and then overtakes
 * the next event; nor can it be stopped when the driver goes.
 */
static void event_scan_host(struct virtscsi *vscsi)
{
	unsigned int target;

	WRITE_ONCE(vscsi->scan_began, jiffies);
	vscsi->may_have_lost = false;
	for (target = 0; target < vscsi->shost->max_id; target++) {
		if (READ_ONCE(vscsi->is_going))
			break;
		event_scan_target(vscsi, target);
		cond_resched();
	}
}

static void event_remove(struct virtscsi *vscsi, unsigned int target, u64 lun)
{
	struct scsi_device *sdev;

	vscsi->inventory_at = jiffies;
	sdev = event_lookup(vscsi, target, lun);
	if (sdev) {
		scsi_remove_device(sdev);
		scsi_device_put(sdev);
	}
	/* For LUN 0 the whole target may be meant. */
	if (!lun)
		event_review(vscsi, target);
}

static void event_add(struct virtscsi *vscsi, unsigned int target, u64 lun)
{
	struct scsi_device *sdev;

	vscsi->inventory_at = jiffies;
	if (!lun) {
		event_scan_target(vscsi, target);
		return;
	}
	/* One that is there already must not be there twice. */
	sdev = event_lookup(vscsi, target, lun);
	if (sdev) {
		lun = sdev->lun;
		scsi_device_put(sdev);
	}
	scsi_add_device(vscsi->shost, 0, target, lun);
}

/* The LUN will say so with a unit attention; that is no error then. */
static void event_hard_reset(struct virtscsi *vscsi, unsigned int target,
			     u64 lun)
{
	struct scsi_device *sdev = event_lookup(vscsi, target, lun);

	if (!sdev)
		return;
	sdev->was_reset = 1;
	sdev->expecting_cc_ua = 1;
	scsi_device_put(sdev);
}

static void event_transport_reset(struct virtscsi *vscsi, u32 reason,
				  unsigned int target, u64 lun)
{
	switch (reason) {
	case VIRTIO_SCSI_EVT_RESET_HARD:
		event_hard_reset(vscsi, target, lun);
		break;
	case VIRTIO_SCSI_EVT_RESET_RESCAN:
		event_add(vscsi, target, lun);
		break;
	case VIRTIO_SCSI_EVT_RESET_REMOVED:
		event_remove(vscsi, target, lun);
		break;
	default:
		dev_warn_ratelimited(&vscsi->vdev->dev,
				     "transport reset event for %u:%llu: unknown reason %u\n",
				     target, lun, reason);
	}
}

static void event_param_change(struct virtscsi *vscsi, u32 reason,
			       unsigned int target, u64 lun)
{
	struct scsi_device *sdev;
	u8 asc = reason;
	u8 ascq = reason >> 8;

	/* REPORTED LUNS DATA HAS CHANGED is about the target. */
	if (asc == ASC_OPERATION_CHANGED && ascq == ASCQ_LUNS_CHANGED) {
		event_review(vscsi, target);
		event_scan_target(vscsi, target);
		return;
	}

	sdev = event_lookup(vscsi, target, lun);
	if (!sdev)
		return;
	/*
	 * PARAMETERS CHANGED, MODE PARAMETERS CHANGED, CAPACITY DATA HAS
	 * CHANGED; INQUIRY DATA HAS CHANGED.
	 */
	if ((asc == ASC_PARAMETERS_CHANGED &&
	     (ascq == 0x00 || ascq == 0x01 || ascq == 0x09)) ||
	    (asc == ASC_OPERATION_CHANGED && ascq == 0x03)) {
		scsi_rescan_device(sdev);
		virtscsi_lun_renegotiate(sdev);
	}
	scsi_device_put(sdev);
}

static void event_async(struct virtscsi *vscsi, u32 reason,
			unsigned int target, u64 lun)
{
	struct scsi_device *sdev;

	if (!(reason & VIRTSCSI_WIRE_ASYNC_MEDIA_CHANGE))
		return;
	sdev = event_lookup(vscsi, target, lun);
	if (!sdev)
		return;
	sdev_evt_send_simple(sdev, SDEV_EVT_MEDIA_CHANGE, GFP_KERNEL);
	scsi_rescan_device(sdev);
	virtscsi_lun_renegotiate(sdev);
	scsi_device_put(sdev);
}

static void event_handle(struct virtscsi *vscsi,
			 const struct virtscsi_event *event)
{
	u32 type = event->event & ~VIRTIO_SCSI_T_EVENTS_MISSED;
	unsigned int target;
	u64 lun;

	if (event->event & VIRTIO_SCSI_T_EVENTS_MISSED) {
		atomic64_inc(&vscsi->stats[VIRTSCSI_STATS_EVENTS_MISSED]);
		set_bit(RESCAN_DUE, &vscsi->is_rescan_due);
	}
	if (type == VIRTIO_SCSI_T_NO_EVENT)
		return;

	if (!virtscsi_wire_get_lun(event->lun, &target, &lun)) {
		dev_warn_ratelimited(&vscsi->vdev->dev,
				     "event %u: %*ph addresses no LUN\n",
				     type, VIRTSCSI_WIRE_LUN_LEN, event->lun);
		return;
	}

	switch (type) {
	case VIRTIO_SCSI_T_TRANSPORT_RESET:
		event_transport_reset(vscsi, event->reason, target, lun);
		break;
	case VIRTIO_SCSI_T_ASYNC_NOTIFY:
		event_async(vscsi, event->reason, target, lun);
		break;
	case VIRTIO_SCSI_T_PARAM_CHANGE:
		event_param_change(vscsi, event->reason, target, lun);
		break;
	default:
		dev_warn_ratelimited(&vscsi->vdev->dev,
				     "unknown event %u for %u:%llu\n",
				     type, target, lun);
	}
}

/**
 * virtscsi_event_post() - give the device the event buffers that it does not have
 * @vscsi: instance
 *
 * Implements virtio 1.3, 5.6.6.3. A small ring takes as many as it holds; what
 * found no memory is tried again, for a buffer that is kept is an event missed.
 *
 * Context: process; life is held.
 */
void virtscsi_event_post(struct virtscsi *vscsi)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < NR_EVENTS && !err; i++) {
		if (!(vscsi->events_kept & BIT(i)))
			continue;
		err = virtscsi_vq_put_event(vscsi, vscsi->events +
					    i * vscsi->event_stride);
		if (!err)
			vscsi->events_kept &= ~BIT(i);
	}
	if (err == -ENOMEM)
		queue_delayed_work(vscsi->event_queue, &vscsi->event_retry,
				   RETRY_DELAY);
}

static void event_retry_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      event_retry.work);

	mutex_lock(&vscsi->life);
	virtscsi_event_post(vscsi);
	mutex_unlock(&vscsi->life);
}

/* Under the mutex, so that no reset of the device posts the same buffer. */
static bool event_take(struct virtscsi *vscsi, struct virtscsi_event *event)
{
	void *buffer;

	mutex_lock(&vscsi->life);
	buffer = virtscsi_vq_get_event(vscsi);
	if (buffer) {
		*event = virtscsi_wire_get_event(buffer, vscsi->is_le);
		vscsi->events_kept |=
			BIT((buffer - vscsi->events) / vscsi->event_stride);
		virtscsi_event_post(vscsi);
	}
	mutex_unlock(&vscsi->life);
	return buffer;
}

static void event_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      event_work);
	struct virtscsi_event event;
	unsigned int nr_events = 0;

	/*
	 * While the module goes, the midlayer does not find the LUNs that it
	 * has, and a scan would add each of them a second time. So the module
	 * stays for as long as each event takes; when there is no end to
	 * them, it can go in between.
	 */
	while (event_take(vscsi, &event)) {
		trace_virtscsi_event(vscsi, &event);
		atomic64_inc(&vscsi->stats[VIRTSCSI_STATS_EVENTS]);
		if (++nr_events >= NR_EVENTS)
			vscsi->may_have_lost = true;
		if (nr_events > NR_EVENTS)
			msleep(FLOOD_PAUSE_MS);
		if (!try_module_get(THIS_MODULE))
			return;
		event_handle(vscsi, &event);
		module_put(THIS_MODULE);
		cond_resched();
	}

	if (!test_and_clear_bit(RESCAN_DUE, &vscsi->is_rescan_due) ||
	    !try_module_get(THIS_MODULE))
		return;
	event_review(vscsi, SCAN_WILD_CARD);
	event_scan_host(vscsi);
	module_put(THIS_MODULE);
}

/*
 * Most devices report what they report by a unit attention by an event too,
 * and then there is no need to look. Not so if the host was not scanned since
 * and the event may have been another one.
 */
static bool event_explains_attention(const struct virtscsi *vscsi)
{
	unsigned long seen = READ_ONCE(vscsi->attention_seen);

	return time_after_eq(vscsi->scan_began, seen) ||
	       (!vscsi->may_have_lost &&
		time_after(vscsi->inventory_at + ATTENTION_EARLIER, seen));
}

static void event_attention_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      attention_work.work);

	/* For the module, as above. */
	if (event_explains_attention(vscsi) || !try_module_get(THIS_MODULE))
		return;
	event_look_for_gone(vscsi);
	event_scan_host(vscsi);
	module_put(THIS_MODULE);
}

/**
 * virtscsi_event_init() - make worker and buffers
 * @vscsi: instance; limits are set
 *
 * Context: process.
 * Return: 0 or -ENOMEM; virtscsi_event_exit() is due in any case.
 */
int virtscsi_event_init(struct virtscsi *vscsi)
{
	u32 align = max(cache_line_size(), dma_get_cache_alignment());

	INIT_WORK(&vscsi->event_work, event_work);
	INIT_DELAYED_WORK(&vscsi->event_retry, event_retry_work);
	INIT_DELAYED_WORK(&vscsi->attention_work, event_attention_work);
	vscsi->scan_began = jiffies - ATTENTION_INTERVAL;
	vscsi->inventory_at = jiffies - ATTENTION_INTERVAL;
	vscsi->event_stride = ALIGN(virtscsi_limit(vscsi, VIRTSCSI_EVENT_SIZE),
				    align);
	virtscsi_event_keep_all(vscsi);
	/* Pages of their own: the device writes there, and with an IOMMU to all of them. */
	vscsi->events = alloc_pages_exact(NR_EVENTS * vscsi->event_stride,
					  GFP_KERNEL | __GFP_ZERO);
	vscsi->event_queue = alloc_ordered_workqueue("virtio_scsi_event_%u",
						     WQ_FREEZABLE,
						     vscsi->shost->host_no);
	return vscsi->events && vscsi->event_queue ? 0 : -ENOMEM;
}

/**
 * virtscsi_event_exit() - undo as much of virtscsi_event_init() as was done
 * @vscsi: instance; its virtqueues are gone
 *
 * Context: process.
 */
void virtscsi_event_exit(struct virtscsi *vscsi)
{
	if (vscsi->event_queue)
		destroy_workqueue(vscsi->event_queue);
	if (vscsi->events)
		free_pages_exact(vscsi->events,
				 NR_EVENTS * vscsi->event_stride);
}

/**
 * virtscsi_event_stop() - no more scans or removals after this
 * @vscsi: instance; is_going is set
 *
 * Context: process; waits for the worker, which may wait for commands.
 */
void virtscsi_event_stop(struct virtscsi *vscsi)
{
	virtscsi_vq_kill(&vscsi->event_vq);
	/* Whoever has not seen is_going in virtscsi_event_take_sense(). */
	synchronize_rcu();
	cancel_delayed_work_sync(&vscsi->attention_work);
	cancel_work_sync(&vscsi->event_work);
	cancel_delayed_work_sync(&vscsi->event_retry);
}

/**
 * virtscsi_event_keep_all() - the device was reset and has no event buffer
 * @vscsi: instance
 *
 * Context: process; life is held, or nobody else knows the instance.
 */
void virtscsi_event_keep_all(struct virtscsi *vscsi)
{
	vscsi->events_kept = GENMASK(NR_EVENTS - 1, 0);
}

/**
 * virtscsi_event_schedule() - there is something in the event virtqueue
 * @vscsi: instance
 *
 * Context: any.
 */
void virtscsi_event_schedule(struct virtscsi *vscsi)
{
	/* A device may interrupt before it was told to begin. */
	if (vscsi->event_queue)
		queue_work(vscsi->event_queue, &vscsi->event_work);
}

/**
 * virtscsi_event_schedule_rescan() - events may have been missed
 * @vscsi: instance
 *
 * Context: any.
 */
void virtscsi_event_schedule_rescan(struct virtscsi *vscsi)
{
	set_bit(RESCAN_DUE, &vscsi->is_rescan_due);
	virtscsi_event_schedule(vscsi);
}

/**
 * virtscsi_event_take_sense() - look for what an event should have said
 * @vscsi: instance
 * @sc: command that ended with sense data
 *
 * Implements virtio 1.3, 5.6.6.3 (events reported via sense codes). Devices
 * exist that drop an event and do not say so afterwards; the unit attention
 * REPORTED LUNS DATA HAS CHANGED remains, and on some it is about any target.
 * What came and what is gone is then looked for, though not at a pace that
 * the device sets.
 *
 * Context: any; under RCU.
 */
void virtscsi_event_take_sense(struct virtscsi *vscsi, struct scsi_cmnd *sc)
{
	unsigned long delay = ATTENTION_DELAY;
	struct scsi_sense_hdr sense;

	if (!scsi_command_normalize_sense(sc, &sense) ||
	    sense.sense_key != UNIT_ATTENTION ||
	    sense.asc != ASC_OPERATION_CHANGED ||
	    sense.ascq != ASCQ_LUNS_CHANGED || READ_ONCE(vscsi->is_going))
		return;
	if (time_before(jiffies, READ_ONCE(vscsi->scan_began) +
			ATTENTION_INTERVAL))
		delay = ATTENTION_INTERVAL;
	if (delayed_work_pending(&vscsi->attention_work))
		return;
	WRITE_ONCE(vscsi->attention_seen, jiffies);
	queue_delayed_work(vscsi->event_queue, &vscsi->attention_work, delay);
}

/**
 * virtscsi_event_subscribe() - have the device report changes of the medium
 * @sdev: LUN
 *
 * Context: any.
 */
void virtscsi_event_subscribe(struct scsi_device *sdev)
{
	if (!sdev->removable)
		return;
	set_bit(SDEV_EVT_MEDIA_CHANGE, sdev->supported_events);
	virtscsi_tmf_subscribe(shost_priv(sdev->host), sdev->id, sdev->lun,
			       VIRTSCSI_WIRE_ASYNC_MEDIA_CHANGE);
}
