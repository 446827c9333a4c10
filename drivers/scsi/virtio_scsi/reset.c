// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state of the device: starting, stopping, resetting, giving up, coming
 * back. Only this file resets a device.
 *
 * The same two halves serve suspend, a reset by the transport and a reset of
 * our own. The first resets the device, gives the midlayer what the device had,
 * and releases the virtqueues. The second finds and negotiates everything anew
 * (virtio 1.3, 3.1.1). In between, the virtio core negotiates the features.
 *
 * A reset of our own happens when the device asks for it (DEVICE_NEEDS_RESET),
 * when a virtqueue is broken, when the administrator asks for it, and when
 * recovery.c knows that it is safe. A device that does not get better by resets
 * is given up: its commands fail, and at growing intervals it is tried again.
 *
 * The mutex "lock" protects the state; the mutex "whole" is held from the
 * beginning of a reset to its end and keeps suspend, removal and a second reset
 * out meanwhile. The workqueue belongs to the module, since work may be queued
 * while an instance goes away.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched/mm.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <scsi/scsi_host.h>

#include "trace.h"
#include "virtscsi.h"

/* Seconds that a transport may take for its reset; PCI waits for 60. */
#define WATCH_S		120

/* Resets in a row without one command finishing between them. */
#define MAX_FRUITLESS	2

/* Resets that are too many, whatever has finished between them. */
#define MAX_IN_WINDOW	10
#define WINDOW		(600ULL * HZ)

/* When a device that was given up is tried again: doubled each time. */
#define REVIVE_FIRST_S	5
#define REVIVE_LAST_S	300

/* A bus reads this where nothing answers; no device sets all status bits. */
#define STATUS_GONE	0xff

static struct workqueue_struct *reset_queue;

int virtscsi_reset_module_init(void)
{
	reset_queue = alloc_workqueue("virtio_scsi_reset",
				      WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return reset_queue ? 0 : -ENOMEM;
}

void virtscsi_reset_module_exit(void)
{
	destroy_workqueue(reset_queue);
}

static u8 reset_status(struct virtscsi *vscsi)
{
	return vscsi->vdev->config->get_status(vscsi->vdev);
}

/*
 * The lock is held, or nobody else knows the instance.
 *
 *	STOPPED -> READY	the virtqueues are found
 *	READY -> LIVE		DRIVER_OK
 *	READY -> STOPPED	the negotiation failed
 *	LIVE -> STOPPED		reset, suspend
 *	LIVE -> GOING		removal has begun
 *	LIVE, STOPPED -> FAILED	given up
 *	FAILED -> READY		tried again
 *	any -> DEAD		the end of removal, or of a failed probe
 */
static void reset_set_state(struct virtscsi *vscsi, enum virtscsi_state new)
{
	static const u8 allowed[VIRTSCSI_NR_STATES] = {
		[VIRTSCSI_STOPPED] = BIT(VIRTSCSI_READY) | BIT(VIRTSCSI_FAILED) |
				     BIT(VIRTSCSI_DEAD),
		[VIRTSCSI_READY] = BIT(VIRTSCSI_LIVE) | BIT(VIRTSCSI_STOPPED) |
				   BIT(VIRTSCSI_DEAD),
		[VIRTSCSI_LIVE] = BIT(VIRTSCSI_STOPPED) | BIT(VIRTSCSI_GOING) |
				  BIT(VIRTSCSI_FAILED) | BIT(VIRTSCSI_DEAD),
		[VIRTSCSI_GOING] = BIT(VIRTSCSI_DEAD),
		[VIRTSCSI_FAILED] = BIT(VIRTSCSI_READY) | BIT(VIRTSCSI_DEAD),
	};
	enum virtscsi_state old = vscsi->reset.state;

	WARN_ONCE(!(allowed[old] & BIT(new)), "virtio_scsi: state %u after %u\n",
		  new, old);
	WRITE_ONCE(vscsi->reset.state, new);
}

static bool reset_has_virtqueues(const struct virtscsi *vscsi)
{
	switch (vscsi->reset.state) {
	case VIRTSCSI_READY:
	case VIRTSCSI_LIVE:
	case VIRTSCSI_GOING:
		return true;
	default:
		return false;
	}
}

/*
 * The lock is held. What the device has goes back to the midlayer. A device that
 * is gone has nothing, and the transport would wait for ever for its reset.
 */
static void reset_stop(struct virtscsi *vscsi, enum virtscsi_state state)
{
	virtscsi_vq_set_state(vscsi, state == VIRTSCSI_STOPPED ?
				     VIRTSCSI_VQ_STOPPED : VIRTSCSI_VQ_DEAD);
	if (reset_has_virtqueues(vscsi)) {
		if (reset_status(vscsi) != STATUS_GONE)
			virtio_reset_device(vscsi->vdev);
		virtscsi_vq_detach_all(vscsi);
		virtscsi_event_take_back(vscsi);
		virtscsi_vq_release(vscsi);
	}
	reset_set_state(vscsi, state);
}

/* At probe, when nobody else knows the instance. */
int virtscsi_reset_find(struct virtscsi *vscsi)
{
	int err = virtscsi_vq_find(vscsi, true);

	if (!err)
		reset_set_state(vscsi, VIRTSCSI_READY);
	return err;
}

/* Sets DRIVER_OK. The lock is held, or nobody else knows the instance. */
void virtscsi_reset_start(struct virtscsi *vscsi)
{
	virtio_device_ready(vscsi->vdev);
	virtscsi_vq_set_state(vscsi, VIRTSCSI_VQ_RUNNING);
	reset_set_state(vscsi, VIRTSCSI_LIVE);
}

/*
 * The lock is held. All commands fail from now on; a live or stopped device is tried
 * again.
 */
static void reset_give_up_locked(struct virtscsi *vscsi)
{
	switch (vscsi->reset.state) {
	case VIRTSCSI_GOING:
		reset_stop(vscsi, VIRTSCSI_DEAD);
		break;
	case VIRTSCSI_LIVE:
	case VIRTSCSI_STOPPED:
		reset_stop(vscsi, VIRTSCSI_FAILED);
		vscsi->reset.revive_s = REVIVE_FIRST_S;
		queue_delayed_work(reset_queue, &vscsi->reset.revive,
				   vscsi->reset.revive_s * HZ);
		break;
	default:
		break;
	}
}

static void reset_give_up(struct virtscsi *vscsi)
{
	mutex_lock(&vscsi->reset.lock);
	reset_give_up_locked(vscsi);
	mutex_unlock(&vscsi->reset.lock);
}

/*
 * The virtio core may find that it cannot bring a device back, and does not call
 * the driver then. It leaves the status bit FAILED, if the status can still be
 * read. The workqueue is freezable: nobody looks while the system sleeps.
 */
static void reset_watch_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      reset.watch.work);
	u8 status;

	mutex_lock(&vscsi->reset.lock);
	if (vscsi->reset.state == VIRTSCSI_STOPPED) {
		status = reset_status(vscsi);
		if (vscsi->reset.nr_watched++ >= WATCH_S ||
		    (status != STATUS_GONE && status & VIRTIO_CONFIG_S_FAILED)) {
			dev_err(&vscsi->vdev->dev, "device did not come back after a reset\n");
			vscsi->reset.is_transport = false;
			reset_give_up_locked(vscsi);
		} else {
			queue_delayed_work(system_freezable_wq,
					   &vscsi->reset.watch, HZ);
		}
	}
	mutex_unlock(&vscsi->reset.lock);
}

/*
 * Implements virtio 1.3, 3.3: suspend, or a reset by the transport. The midlayer
 * repeats the commands in flight; new ones wait.
 */
int virtscsi_reset_prepare(struct virtio_device *vdev)
{
	struct virtscsi *vscsi = vdev->priv;

	mutex_lock(&vscsi->reset.whole);
	mutex_lock(&vscsi->reset.lock);
	vscsi->reset.is_transport = true;
	if (vscsi->reset.state == VIRTSCSI_LIVE) {
		reset_stop(vscsi, VIRTSCSI_STOPPED);
		vscsi->reset.nr_watched = 0;
		queue_delayed_work(system_freezable_wq, &vscsi->reset.watch,
				   HZ);
	}
	mutex_unlock(&vscsi->reset.lock);
	mutex_unlock(&vscsi->reset.whole);
	return 0;
}

/* The lock is held. */
static int reset_restart(struct virtscsi *vscsi)
{
	int err;

	err = virtscsi_vq_find(vscsi, false);
	if (err)
		return err;
	err = virtscsi_host_limits_renegotiate(vscsi);
	if (err) {
		virtscsi_vq_release(vscsi);
		return err;
	}
	reset_set_state(vscsi, VIRTSCSI_READY);
	virtscsi_reset_start(vscsi);
	return 0;
}

/*
 * Implements virtio 1.3, 3.1.1: the device is reset and its features are
 * negotiated. Events may have been lost, so the host is scanned. I/O may depend on
 * this, so no memory is allocated with I/O. After an error all commands fail.
 */
int virtscsi_reset_done(struct virtio_device *vdev)
{
	struct virtscsi *vscsi = vdev->priv;
	unsigned int noio = memalloc_noio_save();
	int err = -ENODEV;

	mutex_lock(&vscsi->reset.lock);
	vscsi->reset.is_transport = false;
	if (vscsi->reset.state == VIRTSCSI_STOPPED ||
	    vscsi->reset.state == VIRTSCSI_FAILED)
		err = reset_restart(vscsi);
	mutex_unlock(&vscsi->reset.lock);
	memalloc_noio_restore(noio);
	trace_virtscsi_reset(vscsi, err);
	virtscsi_stats_hba_count(vscsi, VIRTSCSI_STATS_DEVICE_RESETS);
	if (err) {
		reset_give_up(vscsi);
		return err;
	}
	virtscsi_event_post(vscsi);
	virtscsi_scan_host(vscsi);
	return 0;
}

/* The mutex "whole" is held. */
static int reset_device(struct virtscsi *vscsi, const char *why)
{
	struct virtio_device *vdev = vscsi->vdev;
	bool is_useless;
	int err;

	mutex_lock(&vscsi->reset.lock);
	if (vscsi->reset.state != VIRTSCSI_LIVE &&
	    vscsi->reset.state != VIRTSCSI_GOING) {
		mutex_unlock(&vscsi->reset.lock);
		return -ENODEV;
	}
	/* In shutdown the virtio core has broken the virtqueues, for good. */
	is_useless = vscsi->reset.state == VIRTSCSI_GOING ||
		     system_state > SYSTEM_RUNNING ||
		     reset_status(vscsi) == STATUS_GONE;
	if (!is_useless) {
		dev_notice(&vdev->dev, "%s: resetting the device\n", why);
		reset_stop(vscsi, VIRTSCSI_STOPPED);
	}
	mutex_unlock(&vscsi->reset.lock);

	err = is_useless ? -ENODEV : virtio_device_reset_done(vdev);
	if (err) {
		dev_err(&vdev->dev, "%s: giving the device up: %d\n", why, err);
		reset_give_up(vscsi);
	}
	return err;
}

/*
 * Resets the device after a reset that somebody else has begun. The midlayer repeats
 * the commands in flight. A device that is gone or being unbound is given up: in
 * any case the device has no command afterwards. Returns 0, or the error for which
 * all commands fail now. Process context; does no I/O to get memory.
 */
int virtscsi_reset_device(struct virtscsi *vscsi, const char *why)
{
	unsigned int noio = memalloc_noio_save();
	int err;

	mutex_lock(&vscsi->reset.whole);
	err = reset_device(vscsi, why);
	mutex_unlock(&vscsi->reset.whole);
	memalloc_noio_restore(noio);
	return err;
}

/* The mutex "whole" is held. Counts a reset that the device needs. */
static void reset_count(struct virtscsi *vscsi)
{
	struct virtscsi_reset *reset = &vscsi->reset;

	if (reset->nr_in_window &&
	    time_after64(get_jiffies_64(), reset->window_began + WINDOW))
		reset->nr_in_window = 0;
	if (!reset->nr_in_window++)
		reset->window_began = get_jiffies_64();

	if (virtscsi_cmd_take_progress(vscsi))
		reset->nr_fruitless = 0;
	else
		reset->nr_fruitless++;
}

/* The mutex "whole" is held. True if another reset is not worth it. */
static bool reset_is_hopeless(struct virtscsi *vscsi)
{
	struct device *dev = &vscsi->vdev->dev;

	if (vscsi->reset.nr_fruitless > MAX_FRUITLESS) {
		dev_err(dev, "no command finished in spite of %u resets, giving the device up\n",
			MAX_FRUITLESS);
		return true;
	}
	if (vscsi->reset.nr_in_window > MAX_IN_WINDOW) {
		dev_err(dev, "device needed more than %u resets in %u seconds, giving it up\n",
			MAX_IN_WINDOW, (unsigned int)(WINDOW / HZ));
		return true;
	}
	return false;
}

/* Implements virtio 1.3, 2.1.2 (DEVICE_NEEDS_RESET). */
static const char *reset_reason(struct virtscsi *vscsi)
{
	const char *why = NULL;

	mutex_lock(&vscsi->reset.lock);
	if (reset_has_virtqueues(vscsi)) {
		if (reset_status(vscsi) & VIRTIO_CONFIG_S_NEEDS_RESET)
			why = "device asks for a reset";
		else if (virtscsi_vq_is_broken(vscsi))
			why = "a virtqueue is broken";
	}
	mutex_unlock(&vscsi->reset.lock);
	return why;
}

static void reset_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      reset.work);
	unsigned int noio = memalloc_noio_save();
	const char *why;

	mutex_lock(&vscsi->reset.whole);
	why = reset_reason(vscsi);
	if (why) {
		reset_count(vscsi);
		if (reset_is_hopeless(vscsi))
			reset_give_up(vscsi);
		else
			reset_device(vscsi, why);
	}
	mutex_unlock(&vscsi->reset.whole);
	memalloc_noio_restore(noio);
}

/*
 * Resets the device soon if it asks for that or has broken a virtqueue. Any
 * context.
 */
void virtscsi_reset_check(struct virtscsi *vscsi)
{
	queue_work(reset_queue, &vscsi->reset.work);
}

/*
 * Implements virtio 1.3, 2.1.2: a device that needs a reset sends a
 * configuration change notification. The status is not read here, since that
 * sleeps on some transports.
 */
void virtscsi_reset_config_changed(struct virtio_device *vdev)
{
	virtscsi_reset_check(vdev->priv);
}

static void reset_revive_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      reset.revive.work);
	struct virtscsi_reset *reset = &vscsi->reset;
	struct device *dev = &vscsi->vdev->dev;
	unsigned int noio = memalloc_noio_save();
	bool is_failed, is_transport;
	int err = -ENODEV;

	mutex_lock(&reset->whole);
	mutex_lock(&reset->lock);
	is_failed = reset->state == VIRTSCSI_FAILED;
	/* While the transport resets it, or the system sleeps, it is not ours. */
	is_transport = reset->is_transport;
	mutex_unlock(&reset->lock);
	if (is_failed) {
		if (!is_transport && reset_status(vscsi) != STATUS_GONE)
			err = virtio_device_reset_done(vscsi->vdev);
		if (err) {
			reset->revive_s = min(2 * reset->revive_s, REVIVE_LAST_S);
			dev_notice(dev, "device still fails: %d, trying again in %u s\n",
				   err, reset->revive_s);
			queue_delayed_work(reset_queue, &reset->revive,
					   reset->revive_s * HZ);
		} else {
			reset->nr_fruitless = 0;
			reset->nr_in_window = 0;
			dev_notice(dev, "device works again\n");
		}
	}
	mutex_unlock(&reset->whole);
	memalloc_noio_restore(noio);
}

/* Fills in what virtscsi_vq_init() needs to have a broken virtqueue mended. */
void virtscsi_reset_init(struct virtscsi *vscsi, struct virtscsi_vq_setup *setup)
{
	struct virtscsi_reset *reset = &vscsi->reset;

	mutex_init(&reset->whole);
	mutex_init(&reset->lock);
	reset->state = VIRTSCSI_STOPPED;
	INIT_WORK(&reset->work, reset_work);
	INIT_DELAYED_WORK(&reset->watch, reset_watch_work);
	INIT_DELAYED_WORK(&reset->revive, reset_revive_work);
	setup->broken_work = &reset->work;
	setup->broken_queue = reset_queue;
}

/*
 * Waits for a reset that has begun; there will be no other. The commands of a device
 * that works go on; those of any other fail.
 */
void virtscsi_reset_begin_removal(struct virtscsi *vscsi)
{
	mutex_lock(&vscsi->reset.whole);
	mutex_lock(&vscsi->reset.lock);
	if (vscsi->reset.state == VIRTSCSI_LIVE && !virtscsi_vq_is_broken(vscsi))
		reset_set_state(vscsi, VIRTSCSI_GOING);
	else
		reset_stop(vscsi, VIRTSCSI_DEAD);
	mutex_unlock(&vscsi->reset.lock);
	mutex_unlock(&vscsi->reset.whole);
}

/* The end of the use of the device. The virtio core may have left a mark. */
void virtscsi_reset_kill(struct virtscsi *vscsi)
{
	u8 status;

	mutex_lock(&vscsi->reset.lock);
	if (vscsi->reset.state != VIRTSCSI_DEAD)
		reset_stop(vscsi, VIRTSCSI_DEAD);
	status = reset_status(vscsi);
	if (status && status != STATUS_GONE)
		virtio_reset_device(vscsi->vdev);
	mutex_unlock(&vscsi->reset.lock);
}

/* The device is dead. */
void virtscsi_reset_exit(struct virtscsi *vscsi)
{
	cancel_delayed_work_sync(&vscsi->reset.watch);
	cancel_delayed_work_sync(&vscsi->reset.revive);
	cancel_work_sync(&vscsi->reset.work);
}
