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
 * A device that does not get better by resets is given up: its commands fail, and
 * at growing intervals it is tried again.
 *
 * The mutex is held for each change of the state, and by a reset of our own from
 * beginning to end. The workqueue belongs to the module, since work may be queued
 * while an instance goes away.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched/mm.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#include "trace.h"
#include "virtscsi.h"

/* Seconds that a transport may take for its reset; PCI waits for 60. */
#define WATCH_S		120

/* Resets that a device may need in a time before it is given up. */
#define MAX_IN_WINDOW	10
#define WINDOW		(600ULL * HZ)

/* How often the device is started after a reset, a second apart. */
#define MAX_TRIES	5

/* When a device that was given up is tried again: doubled each time. */
#define RETRY_FIRST_S	5
#define RETRY_LAST_S	300

/* A bus reads this where nothing answers; no device sets all status bits. */
#define STATUS_GONE	0xff

struct workqueue_struct *virtscsi_reset_queue;

int virtscsi_reset_module_init(void)
{
	virtscsi_reset_queue = alloc_workqueue("virtio_scsi_reset",
					       WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return virtscsi_reset_queue ? 0 : -ENOMEM;
}

void virtscsi_reset_module_exit(void)
{
	destroy_workqueue(virtscsi_reset_queue);
}

static u8 reset_status(struct virtscsi *vscsi)
{
	return vscsi->vdev->config->get_status(vscsi->vdev);
}

/*
 * The lock is held. What the device has goes back to the midlayer. A device that
 * is gone has nothing, and the transport would wait for ever for its reset.
 */
static void reset_stop(struct virtscsi *vscsi, enum virtscsi_state state)
{
	virtscsi_vq_set_state(vscsi, state == VIRTSCSI_STOPPED ?
				     VIRTSCSI_VQ_STOPPED : VIRTSCSI_VQ_DEAD);
	if (vscsi->reset.state == VIRTSCSI_LIVE) {
		if (reset_status(vscsi) != STATUS_GONE)
			virtio_reset_device(vscsi->vdev);
		virtscsi_vq_detach_all(vscsi);
		virtscsi_event_take_back(vscsi);
	}
	virtscsi_vq_release(vscsi);
	WRITE_ONCE(vscsi->reset.state, state);
}

/* The virtqueues are found. The lock is held, or nobody else knows the instance. */
void virtscsi_reset_start(struct virtscsi *vscsi)
{
	virtio_device_ready(vscsi->vdev);
	virtscsi_vq_set_state(vscsi, VIRTSCSI_VQ_RUNNING);
	WRITE_ONCE(vscsi->reset.state, VIRTSCSI_LIVE);
}

/*
 * The lock is held. All commands fail from now on; unless the driver is being
 * unbound, the device is tried again.
 */
static void reset_give_up(struct virtscsi *vscsi, const char *why, int err)
{
	struct virtscsi_reset *reset = &vscsi->reset;

	dev_err(&vscsi->vdev->dev, "%s: giving the device up: %d\n", why, err);
	if (reset->is_going) {
		reset_stop(vscsi, VIRTSCSI_DEAD);
		return;
	}
	reset_stop(vscsi, VIRTSCSI_FAILED);
	if (time_after64(get_jiffies_64(), reset->given_up_at + WINDOW))
		reset->retry_s = RETRY_FIRST_S;
	reset->given_up_at = get_jiffies_64();
	mod_delayed_work(system_freezable_wq, &reset->tend, reset->retry_s * HZ);
}

/*
 * Implements virtio 1.3, 3.3: suspend, or a reset by the transport. The midlayer
 * repeats the commands in flight; new ones wait.
 */
int virtscsi_reset_prepare(struct virtio_device *vdev)
{
	struct virtscsi *vscsi = vdev->priv;
	struct virtscsi_reset *reset = &vscsi->reset;

	mutex_lock(&reset->lock);
	if (reset->state == VIRTSCSI_LIVE || reset->state == VIRTSCSI_FAILED) {
		reset_stop(vscsi, VIRTSCSI_STOPPED);
		reset->nr_watched = 0;
		mod_delayed_work(system_freezable_wq, &reset->tend, HZ);
	}
	mutex_unlock(&reset->lock);
	return 0;
}

/* The lock is held. */
static int reset_restart(struct virtscsi *vscsi)
{
	struct scsi_device *sdev;
	int err;

	err = virtscsi_vq_find(vscsi, false);
	if (err)
		return err;
	err = virtscsi_host_limits_renegotiate(vscsi);
	if (err) {
		virtscsi_vq_release(vscsi);
		return err;
	}
	/* The unit attentions of the LUNs are no error. */
	spin_lock_irq(vscsi->shost->host_lock);
	__shost_for_each_device(sdev, vscsi->shost)
		sdev->expecting_cc_ua = 1;
	spin_unlock_irq(vscsi->shost->host_lock);
	virtscsi_reset_start(vscsi);
	return 0;
}

/*
 * Implements virtio 1.3, 3.1.1: the device is reset and its features are
 * negotiated. Events may have been lost, so the host is scanned. I/O may depend on
 * this, so no memory is allocated with I/O. After an error the device is given up:
 * by reset_device(), or by reset_tend_work(), since the virtio core sets FAILED.
 */
int virtscsi_reset_done(struct virtio_device *vdev)
{
	struct virtscsi *vscsi = vdev->priv;
	struct virtscsi_reset *reset = &vscsi->reset;
	unsigned int noio = memalloc_noio_save();
	bool is_ours = READ_ONCE(reset->resetter) == current;
	int err = -ENODEV;

	if (!is_ours)
		mutex_lock(&reset->lock);
	/* After shutdown, DMA of a started device would hit the next kernel. */
	if (reset->state == VIRTSCSI_STOPPED && system_state <= SYSTEM_RUNNING)
		err = reset_restart(vscsi);
	if (!is_ours)
		mutex_unlock(&reset->lock);
	virtscsi_stats_hba_count(vscsi, VIRTSCSI_STATS_DEVICE_RESETS);
	if (!err) {
		virtscsi_event_post(vscsi);
		virtscsi_scan_host(vscsi, VIRTSCSI_LUN_REVIEW);
	}
	memalloc_noio_restore(noio);
	return err;
}

/* The lock is held; the state is LIVE or FAILED. Some errors pass. */
static int reset_device(struct virtscsi *vscsi, const char *why)
{
	struct virtscsi_reset *reset = &vscsi->reset;
	struct virtio_device *vdev = vscsi->vdev;
	unsigned int noio = memalloc_noio_save();
	int tries, err = -ENODEV;

	if (!reset->is_last && system_state <= SYSTEM_RUNNING &&
	    reset_status(vscsi) != STATUS_GONE) {
		reset->is_last = reset->is_going;
		dev_notice(&vdev->dev, "%s: resetting the device\n", why);
		reset_stop(vscsi, VIRTSCSI_STOPPED);
		WRITE_ONCE(reset->resetter, current);
		for (tries = 0; err && err != -EINVAL && tries < MAX_TRIES; tries++) {
			if (tries)
				ssleep(1);
			if (reset_status(vscsi) == STATUS_GONE ||
			    system_state > SYSTEM_RUNNING)
				break;
			err = virtio_device_reset_done(vdev);
		}
		WRITE_ONCE(reset->resetter, NULL);
	}
	if (err)
		reset_give_up(vscsi, why, err);
	memalloc_noio_restore(noio);
	return err;
}

/*
 * Resets the device; the midlayer repeats the commands in flight. A device that is gone
 * or does not start is given up: in any case it has no command afterwards. Without
 * @is_fault, which says that the device lost commands, a driver that is being unbound
 * gives it up, so that the removal goes on. Returns 0, or the error for which all
 * commands fail now. Process context; does no I/O to get memory.
 */
int virtscsi_reset_device(struct virtscsi *vscsi, const char *why, bool is_fault)
{
	int err = -ENODEV;

	mutex_lock(&vscsi->reset.lock);
	vscsi->reset.is_last |= vscsi->reset.is_going && !is_fault;
	/* Recovery pauses submission; it goes on if another reset was first. */
	if (vscsi->reset.state == VIRTSCSI_LIVE &&
	    (!is_fault || virtscsi_vq_request(vscsi, 0)->state == VIRTSCSI_VQ_PAUSED))
		err = reset_device(vscsi, why);
	mutex_unlock(&vscsi->reset.lock);
	return err;
}

/*
 * Looks after a device that does not work. The virtio core may find that it cannot
 * bring a device back, and does not call the driver then. It leaves the status bit
 * FAILED, if the status can still be read. The workqueue is freezable: nobody looks
 * while the system sleeps.
 */
static void reset_tend_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      reset.tend.work);
	struct virtscsi_reset *reset = &vscsi->reset;
	u8 status;

	mutex_lock(&reset->lock);
	if (reset->state == VIRTSCSI_STOPPED) {
		status = reset_status(vscsi);
		if (reset->nr_watched++ >= WATCH_S ||
		    (status != STATUS_GONE && status & VIRTIO_CONFIG_S_FAILED))
			reset_give_up(vscsi, "device did not come back after a reset",
				      -ENODEV);
		else
			queue_delayed_work(system_freezable_wq, &reset->tend, HZ);
	} else if (reset->state == VIRTSCSI_FAILED) {
		reset->retry_s = min(2 * reset->retry_s, RETRY_LAST_S);
		if (!reset_device(vscsi, "device failed")) {
			reset->nr_in_window = 0;
			dev_notice(&vscsi->vdev->dev, "device works again\n");
		}
	}
	mutex_unlock(&reset->lock);
}

/* The lock is held. Counts a reset that the device needs. */
static bool reset_is_one_too_many(struct virtscsi_reset *reset)
{
	u64 now = get_jiffies_64();

	if (time_after64(now, reset->window_began + WINDOW)) {
		reset->window_began = now;
		reset->nr_in_window = 0;
	}
	return ++reset->nr_in_window > MAX_IN_WINDOW;
}

/* The lock is held. Implements virtio 1.3, 2.1.2 (DEVICE_NEEDS_RESET). */
static const char *reset_reason(struct virtscsi *vscsi)
{
	if (vscsi->reset.state != VIRTSCSI_LIVE)
		return NULL;
	if (reset_status(vscsi) & VIRTIO_CONFIG_S_NEEDS_RESET)
		return "device asks for a reset";
	return virtscsi_vq_is_broken(vscsi) ? "a virtqueue is broken" : NULL;
}

static void reset_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      reset.work);
	const char *why;

	mutex_lock(&vscsi->reset.lock);
	why = reset_reason(vscsi);
	if (why && reset_is_one_too_many(&vscsi->reset))
		reset_give_up(vscsi, "device needs too many resets", -EIO);
	else if (why)
		reset_device(vscsi, why);
	mutex_unlock(&vscsi->reset.lock);
}

/*
 * Implements virtio 1.3, 2.1.2: a device that needs a reset says so. The status is
 * not read here, since that sleeps on some transports.
 */
void virtscsi_reset_config_changed(struct virtio_device *vdev)
{
	struct virtscsi *vscsi = vdev->priv;

	queue_work(virtscsi_reset_queue, &vscsi->reset.work);
}

/* Fills in what virtscsi_vq_init() needs to have a broken virtqueue mended. */
void virtscsi_reset_init(struct virtscsi *vscsi, struct virtscsi_vq_setup *setup)
{
	struct virtscsi_reset *reset = &vscsi->reset;

	mutex_init(&reset->lock);
	INIT_WORK(&reset->work, reset_work);
	INIT_DELAYED_WORK(&reset->tend, reset_tend_work);
	setup->broken_work = &reset->work;
	setup->broken_queue = virtscsi_reset_queue;
}

/*
 * Commands go on, or fail if the device does not work. LUNs with data to be written
 * may be removed after one whose commands are lost, so there may be one reset more.
 */
void virtscsi_reset_begin_removal(struct virtscsi *vscsi)
{
	mutex_lock(&vscsi->reset.lock);
	vscsi->reset.is_going = true;
	if (vscsi->reset.state != VIRTSCSI_LIVE || virtscsi_vq_is_broken(vscsi))
		reset_stop(vscsi, VIRTSCSI_DEAD);
	mutex_unlock(&vscsi->reset.lock);
}

/* The end of the use of the device. The virtio core may have left a mark. */
void virtscsi_reset_exit(struct virtscsi *vscsi)
{
	u8 status;

	mutex_lock(&vscsi->reset.lock);
	if (vscsi->reset.state != VIRTSCSI_DEAD)
		reset_stop(vscsi, VIRTSCSI_DEAD);
	status = reset_status(vscsi);
	if (status && status != STATUS_GONE)
		virtio_reset_device(vscsi->vdev);
	mutex_unlock(&vscsi->reset.lock);
	cancel_delayed_work_sync(&vscsi->reset.tend);
	cancel_work_sync(&vscsi->reset.work);
}
