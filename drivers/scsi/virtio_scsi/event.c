// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events: the device reports LUNs that come, go and change (virtio 1.3,
 * 5.6.6.3). So do sense data.
 *
 * One work takes the events out of the virtqueue: snapshot, buffer back to the
 * device, dispatch. It never waits for a LUN: a change of a LUN's parameters goes
 * to the work of the LUN, and LUNs are added and removed by scan.c.
 *
 * The mutex of the instance protects the buffers against a reset of the device.
 * If memory is short, a buffer is kept, and the work runs again later.
 */
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/workqueue.h>
#include <linux/virtio.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_eh.h>

#include "spc.h"
#include "trace.h"
#include "virtscsi.h"

/* "Placing 10-15 buffers on the event queue is sufficient" (5.6.6.3). */
#define NR_EVENTS	16

/* Before each further event, once the work has taken so many at a time. */
#define FLOOD_PAUSE_MS	5

/* When the work runs again for want of memory. */
#define RETRY_DELAY	HZ

/* The next command of the LUN will report it, which is no error then. */
static void event_hard_reset(struct virtscsi *vscsi, unsigned int target,
			     u64 lun)
{
	struct scsi_device *sdev = virtscsi_scan_lookup(vscsi, target, lun);

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
		virtscsi_scan_change(vscsi, target, lun, true);
		break;
	case VIRTIO_SCSI_EVT_RESET_REMOVED:
		virtscsi_scan_change(vscsi, target, lun, false);
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
	unsigned int sense = virtscsi_spc_sense(UNIT_ATTENTION, reason & 0xff,
						reason >> 8 & 0xff);
	struct scsi_device *sdev;

	if (sense & VIRTSCSI_SENSE_INVENTORY)
		virtscsi_scan_target(vscsi, target);
	if (!(sense & VIRTSCSI_SENSE_RESCAN))
		return;
	sdev = virtscsi_scan_lookup(vscsi, target, lun);
	if (!sdev)
		return;
	virtscsi_lun_schedule(sdev, VIRTSCSI_LUN_RESCAN, false);
	scsi_device_put(sdev);
}

static void event_dispatch(struct virtscsi *vscsi,
			   const struct virtscsi_event *event)
{
	u32 type = event->event & ~VIRTIO_SCSI_T_EVENTS_MISSED;
	unsigned int target;
	u64 lun;

	if (event->event & VIRTIO_SCSI_T_EVENTS_MISSED) {
		virtscsi_stats_hba_count(vscsi, VIRTSCSI_STATS_EVENTS_MISSED);
		virtscsi_scan_host(vscsi, VIRTSCSI_LUN_REVIEW);
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
	case VIRTIO_SCSI_T_PARAM_CHANGE:
		event_param_change(vscsi, event->reason, target, lun);
		break;
	default:
		dev_warn_ratelimited(&vscsi->vdev->dev,
				     "unknown event %u for %u:%llu\n",
				     type, target, lun);
	}
}

/* The mutex is held. Implements virtio 1.3, 5.6.6.3. A small ring takes fewer. */
static void event_post(struct virtscsi *vscsi)
{
	struct virtscsi_events *events = &vscsi->events;
	struct scatterlist sg, *sgs[] = { &sg };
	unsigned int i;
	void *buffer;
	int err = 0;

	for (i = 0; i < NR_EVENTS && !err; i++) {
		if (!(events->kept & BIT(i)))
			continue;
		buffer = events->buffers + i * events->stride;
		sg_init_one(&sg, buffer, virtscsi_limit(vscsi, VIRTSCSI_EVENT_SIZE));
		err = virtscsi_vq_add(virtscsi_vq_event(vscsi), sgs, 0, 1,
				      buffer, true);
		if (!err)
			events->kept &= ~BIT(i);
	}
	if (err == -ENOMEM && !events->is_stopped)
		queue_delayed_work(system_freezable_wq, &events->work,
				   RETRY_DELAY);
}

/* Gives the device the event buffers that it does not have. Process context. */
void virtscsi_event_post(struct virtscsi *vscsi)
{
	mutex_lock(&vscsi->events.lock);
	event_post(vscsi);
	mutex_unlock(&vscsi->events.lock);
}

/* The device was reset and has no event buffer any more. Process context. */
void virtscsi_event_take_back(struct virtscsi *vscsi)
{
	mutex_lock(&vscsi->events.lock);
	vscsi->events.kept = GENMASK(NR_EVENTS - 1, 0);
	mutex_unlock(&vscsi->events.lock);
}

static bool event_take(struct virtscsi *vscsi, struct virtscsi_event *event)
{
	struct virtscsi_events *events = &vscsi->events;
	void *buffer;

	mutex_lock(&events->lock);
	buffer = virtscsi_vq_take(virtscsi_vq_event(vscsi));
	if (buffer) {
		*event = virtscsi_wire_get_event(buffer, vscsi->is_le);
		events->kept |= BIT((buffer - events->buffers) / events->stride);
	}
	event_post(vscsi);
	mutex_unlock(&events->lock);
	return buffer;
}

static void event_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      events.work.work);
	struct virtscsi_event event;
	unsigned int nr_events = 0;

	while (!READ_ONCE(vscsi->events.is_stopped) &&
	       nr_events < 4 * NR_EVENTS && event_take(vscsi, &event)) {
		trace_virtscsi_event(vscsi, &event);
		virtscsi_stats_hba_count(vscsi, VIRTSCSI_STATS_EVENTS);
		if (++nr_events >= NR_EVENTS)
			virtscsi_scan_note_flood(vscsi);
		if (nr_events > NR_EVENTS)
			msleep(FLOOD_PAUSE_MS);
		event_dispatch(vscsi, &event);
	}
	/* Suspend waits for the work. */
	if (nr_events == 4 * NR_EVENTS)
		virtscsi_event_check(vscsi);
}

/*
 * Called before the midlayer has the command, which keeps its LUN. Returns false
 * if the sense data are not valid. Context: any, under RCU.
 */
bool virtscsi_event_note_sense(struct virtscsi *vscsi, struct scsi_cmnd *sc)
{
	struct scsi_sense_hdr sense;
	unsigned int flags;

	if (!scsi_command_normalize_sense(sc, &sense))
		return false;
	flags = virtscsi_spc_sense(sense.sense_key, sense.asc, sense.ascq);
	if (flags & VIRTSCSI_SENSE_INVENTORY)
		virtscsi_scan_note_attention(vscsi);
	virtscsi_lun_note_sense(sc, flags);
	return true;
}

/* An event may be in the virtqueue. Any context. */
void virtscsi_event_check(struct virtscsi *vscsi)
{
	/* A device may send an interrupt before it was started. */
	if (vscsi->events.buffers && !READ_ONCE(vscsi->events.is_stopped))
		mod_delayed_work(system_freezable_wq, &vscsi->events.work, 0);
}

const struct virtscsi_vq_ops virtscsi_event_vq_ops = {
	.interrupt = virtscsi_event_check,
};

void virtscsi_event_init(struct virtscsi *vscsi)
{
	mutex_init(&vscsi->events.lock);
	INIT_DELAYED_WORK(&vscsi->events.work, event_work);
	vscsi->events.kept = GENMASK(NR_EVENTS - 1, 0);
}

/* The limits are set. Returns 0 or -ENOMEM; virtscsi_event_exit() undoes it. */
int virtscsi_event_alloc(struct virtscsi *vscsi)
{
	u32 align = max(cache_line_size(), dma_get_cache_alignment());
	struct virtscsi_events *events = &vscsi->events;

	events->stride = ALIGN(virtscsi_limit(vscsi, VIRTSCSI_EVENT_SIZE), align);
	/* Pages of their own: with an IOMMU the device can write to all of them. */
	events->buffers = alloc_pages_exact(NR_EVENTS * events->stride,
					    GFP_KERNEL | __GFP_ZERO);
	return events->buffers ? 0 : -ENOMEM;
}

void virtscsi_event_stop(struct virtscsi *vscsi)
{
	WRITE_ONCE(vscsi->events.is_stopped, true);
	/* Whoever did not see this in an interrupt. */
	synchronize_rcu();
	cancel_delayed_work_sync(&vscsi->events.work);
}

/* The device is dead. */
void virtscsi_event_exit(struct virtscsi *vscsi)
{
	virtscsi_event_stop(vscsi);
	if (vscsi->events.buffers)
		free_pages_exact(vscsi->events.buffers,
				 NR_EVENTS * vscsi->events.stride);
}
