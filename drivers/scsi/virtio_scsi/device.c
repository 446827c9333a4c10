// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of an instance: probe, reset, suspend and resume, removal.
 *
 * The order at probe is the order of virtio 1.3, 3.1.1: read the
 * configuration, find the virtqueues, negotiate the limits, DRIVER_OK, and
 * only then let anybody see the host. Removal is the exact reverse. What is
 * read and negotiated is in negotiate.c.
 *
 * Quiesce and resume are the same pair for suspend, for a reset that the
 * transport asks for, and for the last step of error recovery: the device is
 * reset, what it held goes back to the midlayer, the virtqueues are given up;
 * then everything is found and negotiated anew. A mutex, life, lets one of
 * them happen at a time; another, reset, is held from the beginning of a reset
 * to its end, through the virtio core, and keeps suspend, removal and a second
 * reset out meanwhile.
 *
 * Only this file and recovery.c reset a device.
 */
#include <linux/blk-mq.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#include "trace.h"
#include "virtscsi.h"

/* The name is the one that modprobe.d files have for the in-tree driver. */
static unsigned int virtscsi_poll_queues;
module_param(virtscsi_poll_queues, uint, 0644);
MODULE_PARM_DESC(virtscsi_poll_queues,
		 "Request virtqueues set aside for polled I/O (default 0; one always keeps its interrupt)");

/* Seconds that a transport may take to reset the device; PCI waits for 60. */
#define WATCH_S		120

/* What a bus reads where nothing answers; no device sets all bits. */
#define STATUS_GONE	0xff

static const struct scsi_host_template virtscsi_template = {
	.module			 = THIS_MODULE,
	.name			 = "Virtio SCSI HBA",
	.proc_name		 = "virtio_scsi",
	.this_id		 = -1,
	.cmd_size		 = sizeof(struct virtscsi_cmd),
	.init_cmd_priv		 = virtscsi_cmd_init,
	.exit_cmd_priv		 = virtscsi_cmd_exit,
	.queuecommand		 = virtscsi_cmd_queue,
	.commit_rqs		 = virtscsi_cmd_commit,
	.mq_poll		 = virtscsi_cmd_poll,
	.map_queues		 = virtscsi_cmd_map_queues,
	.eh_timed_out		 = virtscsi_recovery_timed_out,
	.eh_abort_handler	 = virtscsi_recovery_abort,
	.eh_device_reset_handler = virtscsi_recovery_reset_lun,
	.eh_target_reset_handler = virtscsi_recovery_reset_target,
	.eh_host_reset_handler	 = virtscsi_recovery_reset_host,
	.host_reset		 = virtscsi_recovery_reset_by_user,
	.sdev_init		 = virtscsi_lun_init,
	.sdev_configure		 = virtscsi_lun_configure,
	.sdev_destroy		 = virtscsi_lun_destroy,
	.change_queue_depth	 = virtscsi_lun_change_depth,
	.track_queue_depth	 = 1,
	.dma_boundary		 = UINT_MAX,
	/* A full ring empties by itself; do not wait longer than that. */
	.max_host_blocked	 = 1,
	/* A reset of the device is over when it is running again. */
	.skip_settle_delay	 = 1,
	.shost_groups		 = virtscsi_sysfs_host_groups,
	.sdev_groups		 = virtscsi_sysfs_lun_groups,
};

/* A device may promise more request virtqueues than it has. */
static int device_find_queues(struct virtscsi *vscsi)
{
	int err;

	vscsi->nr_poll_queues = min(READ_ONCE(virtscsi_poll_queues),
				    vscsi->nr_queues - 1);
	err = virtscsi_vq_discover(vscsi, vscsi->nr_poll_queues);
	/* What transports say of a virtqueue that is not there differs. */
	if (!err || err == -ENOMEM || vscsi->nr_queues == 1)
		return err;

	dev_warn(&vscsi->vdev->dev, "the device does not have the %u request queues it announces, using 1\n",
		 vscsi->nr_queues);
	vscsi->nr_queues = 1;
	vscsi->nr_poll_queues = 0;
	return virtscsi_vq_discover(vscsi, 0);
}

static bool device_has_pi(struct virtio_device *vdev)
{
	return IS_ENABLED(CONFIG_BLK_DEV_INTEGRITY) &&
	       virtio_has_feature(vdev, VIRTIO_SCSI_F_T10_PI);
}

static u8 device_status(struct virtscsi *vscsi)
{
	return vscsi->vdev->config->get_status(vscsi->vdev);
}

/*
 * Life is held. What the device holds goes back to the midlayer. A device that
 * is gone holds nothing, and the transport would wait for ever for the end of
 * its reset.
 */
static void device_stop(struct virtscsi *vscsi, enum virtscsi_vq_state state)
{
	virtscsi_vq_set_state(vscsi, state);
	if (vscsi->is_quiesced)
		return;
	if (device_status(vscsi) != STATUS_GONE)
		virtio_reset_device(vscsi->vdev);
	virtscsi_vq_detach_all(vscsi);
	virtscsi_event_keep_all(vscsi);
	virtscsi_vq_release(vscsi);
	vscsi->is_quiesced = true;
}

/* Life is held, or nobody else knows the instance. DRIVER_OK and running. */
static void device_start(struct virtscsi *vscsi)
{
	WRITE_ONCE(vscsi->is_tmf_false, false);
	WRITE_ONCE(vscsi->tmf_wasted, 0);
	WRITE_ONCE(vscsi->reset_at, jiffies);
	virtio_device_ready(vscsi->vdev);
	virtscsi_vq_set_state(vscsi, VIRTSCSI_VQ_RUNNING);
	vscsi->is_quiesced = false;
}

/* The virtio core leaves a mark on a device that does not come back. */
static void device_clear_status(struct virtscsi *vscsi)
{
	u8 status = device_status(vscsi);

	if (status && status != STATUS_GONE)
		virtio_reset_device(vscsi->vdev);
}

/* The end of the device's use by this instance. */
static void device_kill(struct virtscsi *vscsi)
{
	mutex_lock(&vscsi->life);
	vscsi->is_dead = true;
	device_stop(vscsi, VIRTSCSI_VQ_DEAD);
	mutex_unlock(&vscsi->life);
}

/**
 * virtscsi_device_give_up() - let commands fail instead of waiting
 * @vscsi: instance, added to the SCSI core
 *
 * From now on every command ends with DID_NO_CONNECT, those that the device
 * holds too.
 *
 * Context: process; life is not held.
 */
void virtscsi_device_give_up(struct virtscsi *vscsi)
{
	device_kill(vscsi);
	scsi_unblock_requests(vscsi->shost);
}

/*
 * The virtio core may find that a device cannot be brought back, and then does
 * not call the driver. It leaves the status bit FAILED, if there is still a
 * status to be read. The workqueue is freezable: while the system sleeps
 * nobody looks.
 */
static void device_watch(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      watch_work.work);
	bool is_lost = false;
	u8 status;

	mutex_lock(&vscsi->life);
	if (vscsi->is_quiesced && !vscsi->is_dead) {
		status = device_status(vscsi);
		is_lost = vscsi->nr_watched++ >= WATCH_S ||
			  (status != STATUS_GONE &&
			   status & VIRTIO_CONFIG_S_FAILED);
		if (!is_lost)
			queue_delayed_work(system_freezable_wq,
					   &vscsi->watch_work, HZ);
	}
	mutex_unlock(&vscsi->life);

	if (is_lost) {
		dev_err(&vscsi->vdev->dev, "the device was reset and did not come back\n");
		virtscsi_device_give_up(vscsi);
	}
}

/**
 * virtscsi_device_quiesce() - reset the device and take everything back
 * @vdev: virtio device
 *
 * Implements virtio 1.3, 3.3. Commands in flight end so that the midlayer
 * sends them again; new ones wait. A device that was given up stays so.
 *
 * Context: process.
 * Return: 0.
 */
int virtscsi_device_quiesce(struct virtio_device *vdev)
{
	struct virtscsi *vscsi = vdev->priv;

	mutex_lock(&vscsi->reset);
	mutex_lock(&vscsi->life);
	if (!vscsi->is_dead) {
		scsi_block_requests(vscsi->shost);
		device_stop(vscsi, VIRTSCSI_VQ_STOPPED);
		vscsi->nr_watched = 0;
		queue_delayed_work(system_freezable_wq, &vscsi->watch_work, HZ);
	}
	mutex_unlock(&vscsi->life);
	mutex_unlock(&vscsi->reset);
	return 0;
}

static int device_restart(struct virtscsi *vscsi)
{
	int err;

	err = virtscsi_vq_discover(vscsi, vscsi->nr_poll_queues);
	if (err)
		return err;
	err = virtscsi_negotiate_again(vscsi);
	if (err) {
		virtscsi_vq_release(vscsi);
		return err;
	}
	device_start(vscsi);
	virtscsi_event_post(vscsi);
	return 0;
}

/**
 * virtscsi_device_resume() - bring a quiesced device back
 * @vdev: virtio device, reset, with its features negotiated
 *
 * Implements virtio 1.3, 3.1.1. Events may have been lost meanwhile, so the
 * host is scanned.
 *
 * Context: process. I/O may depend on this, so memory is allocated without
 *	starting any.
 * Return: 0, -ENODEV if the device was given up, -EINVAL if it came back with
 *	sizes that cannot be followed, or as virtscsi_vq_discover(); then all
 *	commands fail from now on.
 */
int virtscsi_device_resume(struct virtio_device *vdev)
{
	struct virtscsi *vscsi = vdev->priv;
	unsigned int noio = memalloc_noio_save();
	int err;

	mutex_lock(&vscsi->life);
	err = vscsi->is_dead ? -ENODEV : device_restart(vscsi);
	mutex_unlock(&vscsi->life);
	memalloc_noio_restore(noio);
	trace_virtscsi_reset(vscsi, err);
	atomic64_inc(&vscsi->stats[VIRTSCSI_STATS_DEVICE_RESETS]);
	if (err) {
		virtscsi_device_give_up(vscsi);
		return err;
	}
	scsi_unblock_requests(vscsi->shost);
	virtscsi_event_schedule_rescan(vscsi);
	return 0;
}

/**
 * virtscsi_device_ailment() - what is wrong with the device
 * @vscsi: instance
 *
 * Implements virtio 1.3, 2.1.2 (DEVICE_NEEDS_RESET).
 *
 * Context: process.
 * Return: why it must be reset, in words, or NULL.
 */
const char *virtscsi_device_ailment(struct virtscsi *vscsi)
{
	const char *why = NULL;

	mutex_lock(&vscsi->life);
	if (!vscsi->is_quiesced) {
		if (device_status(vscsi) & VIRTIO_CONFIG_S_NEEDS_RESET)
			why = "the device asks for a reset";
		else if (virtscsi_vq_is_broken(vscsi))
			why = "a virtqueue is broken";
	}
	mutex_unlock(&vscsi->life);
	return why;
}

/**
 * virtscsi_device_config_changed() - the device has something to say
 * @vdev: virtio device
 *
 * Implements virtio 1.3, 2.1.2: a device that needs a reset says so by a
 * configuration change notification. The status cannot be read here, for on
 * some transports that sleeps.
 *
 * Context: any.
 */
void virtscsi_device_config_changed(struct virtio_device *vdev)
{
	virtscsi_recovery_check(vdev->priv);
}

static int device_reset(struct virtscsi *vscsi, const char *why)
{
	struct virtio_device *vdev = vscsi->vdev;
	bool is_useless;
	int err;

	mutex_lock(&vscsi->life);
	if (vscsi->is_dead || vscsi->is_quiesced) {
		err = vscsi->is_dead ? -ENODEV : 0;
		mutex_unlock(&vscsi->life);
		return err;
	}
	/* In shutdown the virtio core broke the virtqueues, for good. */
	is_useless = vscsi->is_going || system_state > SYSTEM_RUNNING ||
		     device_status(vscsi) == STATUS_GONE;
	if (!is_useless) {
		dev_notice(&vdev->dev, "%s: resetting the device\n", why);
		WRITE_ONCE(vscsi->nr_resets, vscsi->nr_resets + 1);
		scsi_block_requests(vscsi->shost);
		device_stop(vscsi, VIRTSCSI_VQ_STOPPED);
	}
	mutex_unlock(&vscsi->life);

	err = is_useless ? -ENODEV : virtio_device_reset_done(vdev);
	if (err) {
		dev_err(&vdev->dev, "%s, and it does not come back: %d\n", why,
			err);
		virtscsi_device_give_up(vscsi);
	}
	return err;
}

/**
 * virtscsi_device_reset() - reset the device and carry on
 * @vscsi: instance, added to the SCSI core
 * @why: for the log
 *
 * Commands in flight end so that the midlayer sends them again. Does nothing
 * while the device is reset by somebody else (suspend, the transport): they
 * have ended then. A device that is gone or about to go is given up.
 *
 * Context: process; vscsi->reset is held. I/O may depend on this, so memory is
 *	allocated without starting any.
 * Return: 0, or the error that keeps the device from coming back; all commands
 *	fail then.
 */
int virtscsi_device_reset(struct virtscsi *vscsi, const char *why)
{
	unsigned int noio = memalloc_noio_save();
	int err = device_reset(vscsi, why);

	memalloc_noio_restore(noio);
	return err;
}

static struct virtscsi *device_alloc(struct virtio_device *vdev)
{
	struct virtscsi_config config;
	struct Scsi_Host *shost;
	struct virtscsi *vscsi;
	u32 nr_queues;
	int err;

	if (!vdev->config->get) {
		dev_err(&vdev->dev, "the transport gives no access to the configuration\n");
		return ERR_PTR(-EINVAL);
	}
	err = virtscsi_negotiate_read(vdev, &config);
	if (err)
		return ERR_PTR(err);

	nr_queues = virtscsi_limits_nr_queues(&config,
					      blk_mq_num_possible_queues(0)).value;
	shost = scsi_host_alloc(&virtscsi_template,
				struct_size(vscsi, req_vqs, nr_queues));
	if (!shost)
		return ERR_PTR(-ENOMEM);

	vscsi = shost_priv(shost);
	vscsi->vdev = vdev;
	vscsi->shost = shost;
	vscsi->is_le = virtio_is_little_endian(vdev);
	vscsi->has_pi = device_has_pi(vdev);
	virtscsi_admin_load(vscsi);
	vscsi->nr_queues = nr_queues;
	vscsi->is_quiesced = true;
	mutex_init(&vscsi->reset);
	mutex_init(&vscsi->life);
	virtscsi_vq_init(vscsi);
	INIT_DELAYED_WORK(&vscsi->watch_work, device_watch);
	virtscsi_recovery_init(vscsi);
	vdev->priv = vscsi;
	return vscsi;
}

/* Undo as much of probe as was done, the host being removed or never added. */
static void device_undo(struct virtscsi *vscsi)
{
	device_kill(vscsi);
	cancel_delayed_work_sync(&vscsi->watch_work);
	virtscsi_recovery_exit(vscsi);
	virtscsi_event_exit(vscsi);
	virtscsi_lun_unwatch(vscsi);
	virtscsi_cmd_teardown(vscsi);
	scsi_host_put(vscsi->shost);
}

/**
 * virtscsi_device_probe() - a virtio-scsi device appeared
 * @vdev: virtio device, with its features negotiated
 *
 * Context: process.
 * Return: 0 or an error; then the device is not ours.
 */
int virtscsi_device_probe(struct virtio_device *vdev)
{
	struct virtscsi *vscsi;
	int err;

	vscsi = device_alloc(vdev);
	if (IS_ERR(vscsi))
		return PTR_ERR(vscsi);

	err = device_find_queues(vscsi);
	if (err)
		goto out;
	vscsi->is_quiesced = false;

	err = virtscsi_negotiate_first(vscsi);
	if (err)
		goto out;
	err = virtscsi_cmd_setup(vscsi);
	if (err)
		goto out;
	err = virtscsi_event_init(vscsi);
	if (err)
		goto out;
	err = virtscsi_lun_watch(vscsi);
	if (err)
		goto out;

	/* Whoever sees the host may scan it, so it must work by then. */
	device_start(vscsi);
	err = scsi_add_host_with_dma(vscsi->shost, &vdev->dev,
				     vdev->dev.parent);
	if (err)
		goto out;

	virtscsi_debugfs_add(vscsi);
	virtscsi_slow_add(vscsi);
	/* The host is there to be seen, and somebody may have it reset. */
	mutex_lock(&vscsi->life);
	virtscsi_event_post(vscsi);
	mutex_unlock(&vscsi->life);
	scsi_scan_host(vscsi->shost);
	return 0;

out:
	device_undo(vscsi);
	return err;
}

/**
 * virtscsi_device_remove() - a virtio-scsi device is to go, or is gone
 * @vdev: virtio device
 *
 * Context: process.
 */
void virtscsi_device_remove(struct virtio_device *vdev)
{
	struct virtscsi *vscsi = vdev->priv;

	/* Waits for a reset that has begun; there will be no other. */
	mutex_lock(&vscsi->reset);
	mutex_lock(&vscsi->life);
	WRITE_ONCE(vscsi->is_going, true);
	mutex_unlock(&vscsi->life);
	mutex_unlock(&vscsi->reset);

	/* A device that is gone answers nothing; end what it holds at once. */
	if (virtscsi_vq_is_broken(vscsi))
		virtscsi_device_give_up(vscsi);

	virtscsi_event_stop(vscsi);
	virtscsi_slow_remove(vscsi);
	virtscsi_debugfs_remove(vscsi);
	scsi_remove_host(vscsi->shost);
	device_kill(vscsi);
	device_clear_status(vscsi);
	device_undo(vscsi);
}
