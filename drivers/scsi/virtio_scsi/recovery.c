// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recovery: what happens to a command that does not come back.
 *
 * A timeout first looks at the ring: an interrupt or a doorbell may have been
 * lost, and then the command is there, or soon will be. Otherwise the driver
 * has patience, because a host may stall for long, in a live migration say,
 * and lose nothing; but it asks the device whether it has the command at all.
 * Past the patience, or if the device does not have it, the error handler
 * climbs: abort, LUN reset, I_T nexus reset, device reset.
 *
 * A task management function is believed only when the commands that it was to
 * end have really come back: devices exist that answer "complete" and cancel
 * nothing, and a command that the midlayer gives back while the device still
 * holds it ends in its data buffer being overwritten. Only the device reset,
 * after which the device holds nothing, can be believed at once.
 *
 * The device may also ask for a reset, or break a virtqueue. Whoever sees that
 * calls virtscsi_recovery_check(), and a work does the reset; commands wait for
 * it. A device for which that does not help is given up.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sysfs.h>
#include <linux/virtio.h>
#include <linux/workqueue.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "stats.h"
#include "trace.h"
#include "virtscsi.h"

static unsigned int patience_s = 600;
module_param(patience_s, uint, 0644);
MODULE_PARM_DESC(patience_s,
		 "Seconds that the host may keep a command before it is aborted, for devices bound from now on (default 600, 0: for ever)");

/* While the driver is unbound: a device that is slow gets no more than this. */
#define GOING_PATIENCE_S	60

/* How long commands may take to come back after a TMF ended them. */
#define COME_BACK_MS	2000
#define COME_BACK_LOOK_MS	10

/*
 * How long task management functions may take in a row that do not help. With
 * hundreds of commands to abort, a device that takes its time to refuse each
 * would else keep the error handler for hours.
 */
#define WASTE_MS	30000

/* Resets in a row without one command finishing between them. */
#define MAX_FRUITLESS	2

/* Resets that are too many, whatever has finished between them. */
#define MAX_IN_WINDOW	10
#define WINDOW_S	600

/* Of the module: work may be queued while an instance goes away. */
static struct workqueue_struct *recovery_queue;

/**
 * virtscsi_recovery_setup() - make the workqueue
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int virtscsi_recovery_setup(void)
{
	recovery_queue = alloc_workqueue("virtio_scsi_recovery",
					 WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return recovery_queue ? 0 : -ENOMEM;
}

/**
 * virtscsi_recovery_teardown() - the opposite
 *
 * Context: process; no instance exists.
 */
void virtscsi_recovery_teardown(void)
{
	destroy_workqueue(recovery_queue);
}

/* The mutex reset is held. True when another reset is not worth the while. */
static bool recovery_is_hopeless(struct virtscsi *vscsi)
{
	struct device *dev = &vscsi->vdev->dev;

	if (vscsi->nr_in_window &&
	    time_after(jiffies, vscsi->window_start + WINDOW_S * HZ))
		vscsi->nr_in_window = 0;
	if (!vscsi->nr_in_window++)
		vscsi->window_start = jiffies;

	if (READ_ONCE(vscsi->has_progressed))
		vscsi->nr_fruitless = 0;
	else
		vscsi->nr_fruitless++;
	WRITE_ONCE(vscsi->has_progressed, false);

	if (vscsi->nr_fruitless > MAX_FRUITLESS) {
		dev_err(dev, "no command has finished in spite of %u resets, giving the device up\n",
			MAX_FRUITLESS);
		return true;
	}
	if (vscsi->nr_in_window > MAX_IN_WINDOW) {
		dev_err(dev, "%u resets in %u seconds were not enough, giving the device up\n",
			MAX_IN_WINDOW, WINDOW_S);
		return true;
	}
	return false;
}

/* The mutex reset is held. */
static int recovery_reset(struct virtscsi *vscsi, const char *why)
{
	if (!recovery_is_hopeless(vscsi))
		return virtscsi_device_reset(vscsi, why);
	virtscsi_device_give_up(vscsi);
	return -EIO;
}

static void recovery_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      recovery_work);
	const char *why;

	mutex_lock(&vscsi->reset);
	why = virtscsi_device_ailment(vscsi);
	if (why)
		recovery_reset(vscsi, why);
	mutex_unlock(&vscsi->reset);
}

/**
 * virtscsi_recovery_init() - prepare a new instance
 * @vscsi: instance
 *
 * Context: process.
 */
void virtscsi_recovery_init(struct virtscsi *vscsi)
{
	vscsi->patience_s = READ_ONCE(patience_s);
	INIT_WORK(&vscsi->recovery_work, recovery_work);
}

/**
 * virtscsi_recovery_exit() - the opposite
 * @vscsi: instance; its virtqueues are gone
 *
 * Context: process; waits for the work.
 */
void virtscsi_recovery_exit(struct virtscsi *vscsi)
{
	cancel_work_sync(&vscsi->recovery_work);
}

/**
 * virtscsi_recovery_check() - something may be wrong with the device
 * @vscsi: instance
 *
 * If it asks for a reset, or has broken a virtqueue, it is reset soon.
 *
 * Context: any.
 */
void virtscsi_recovery_check(struct virtscsi *vscsi)
{
	queue_work(recovery_queue, &vscsi->recovery_work);
}

static bool recovery_is_patient(struct virtscsi *vscsi,
				const struct virtscsi_cmd *cmd)
{
	unsigned long patience_s = READ_ONCE(vscsi->patience_s);

	if (READ_ONCE(vscsi->is_going))
		patience_s = min_not_zero(patience_s, GOING_PATIENCE_S + 0UL);
	patience_s = min(patience_s, MAX_JIFFY_OFFSET / HZ);
	return !patience_s ||
	       time_before(jiffies, cmd->submitted + patience_s * HZ);
}

/**
 * virtscsi_recovery_timed_out() - decide about a command whose timer fired
 * @sc: command
 *
 * Context: any.
 * Return: SCSI_EH_DONE if it was in the ring, SCSI_EH_RESET_TIMER within the
 *	patience or if it is just being finished, SCSI_EH_NOT_HANDLED past the
 *	patience, or when the device does not have the command.
 */
enum scsi_timeout_action virtscsi_recovery_timed_out(struct scsi_cmnd *sc)
{
	struct virtscsi *vscsi = shost_priv(sc->device->host);
	struct virtscsi_vq *vq = virtscsi_cmd_vq(vscsi, sc);
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	unsigned int nr_found = virtscsi_vq_reap(vscsi, vq);

	virtscsi_stats_count(sc, VIRTSCSI_STATS_TIMEOUTS);
	/* Theirs may have been lost as well. */
	virtscsi_vq_reap(vscsi, &vscsi->ctrl_vq);
	virtscsi_event_schedule(vscsi);

	if (!READ_ONCE(cmd->is_in_flight)) {
		/*
		 * Somebody is about to finish it. Older kernels would take
		 * "done" for theirs to abort.
		 */
		if (!test_bit(SCMD_STATE_COMPLETE, &sc->state))
			return SCSI_EH_RESET_TIMER;
		if (nr_found)
			atomic_inc(&vscsi->nr_lost_interrupts);
		trace_virtscsi_timeout(sc, VIRTSCSI_TIMEOUT_FOUND);
		virtscsi_stats_count(sc, VIRTSCSI_STATS_TIMEOUTS_FOUND);
		return SCSI_EH_DONE;
	}

	virtscsi_vq_kick_again(vq);
	atomic_inc(&vscsi->nr_doorbells_again);
	virtscsi_recovery_check(vscsi);
	if (READ_ONCE(cmd->missing) != cmd->generation &&
	    recovery_is_patient(vscsi, cmd)) {
		virtscsi_tmf_query(vscsi, sc);
		trace_virtscsi_timeout(sc, VIRTSCSI_TIMEOUT_WAIT);
		return SCSI_EH_RESET_TIMER;
	}
	trace_virtscsi_timeout(sc, VIRTSCSI_TIMEOUT_RECOVER);
	return SCSI_EH_NOT_HANDLED;
}

/* The commands that a task management function was to end. */
struct recovery_scope {
	struct scsi_cmnd *sc;
	struct scsi_device *sdev;
	struct scsi_target *starget;
	unsigned int nr_in_flight;
};

static bool recovery_count(struct scsi_cmnd *sc, void *data)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct recovery_scope *scope = data;

	if ((!scope->sc || scope->sc == sc) &&
	    (!scope->sdev || scope->sdev == sc->device) &&
	    (!scope->starget || scope->starget == scsi_target(sc->device)) &&
	    READ_ONCE(cmd->is_in_flight))
		scope->nr_in_flight++;
	return true;
}

static bool recovery_is_over(struct virtscsi *vscsi,
			     struct recovery_scope *scope)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(COME_BACK_MS);

	for (;;) {
		virtscsi_vq_reap_requests(vscsi);
		scope->nr_in_flight = 0;
		scsi_host_busy_iter(vscsi->shost, recovery_count, scope);
		if (!scope->nr_in_flight)
			break;
		if (time_after(jiffies, deadline))
			return false;
		msleep(COME_BACK_LOOK_MS);
	}
	/* Nobody is still finishing one of them (see vq.c). */
	synchronize_rcu();
	return true;
}

static bool recovery_is_useless(struct virtscsi *vscsi)
{
	return READ_ONCE(vscsi->is_tmf_false) ||
	       READ_ONCE(vscsi->tmf_wasted) >= msecs_to_jiffies(WASTE_MS);
}

/*
 * One step of the ladder. Whatever the device answered, what counts is
 * whether it gave the commands back. One that has said "done" and kept them,
 * or has taken long in vain, is not asked again before it is reset.
 */
static int recovery_step(struct scsi_device *sdev, const char *name,
			 u32 subtype, u64 tag, struct recovery_scope *scope)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);
	struct device *dev = &sdev->sdev_gendev;
	unsigned long began = jiffies;
	int ret;

	if (recovery_is_useless(vscsi))
		return FAILED;
	ret = virtscsi_tmf(sdev, subtype, tag);
	if (ret != VIRTIO_SCSI_S_OK &&
	    ret != VIRTIO_SCSI_S_FUNCTION_SUCCEEDED) {
		WRITE_ONCE(vscsi->tmf_wasted,
			   vscsi->tmf_wasted + jiffies - began);
		dev_warn_ratelimited(dev, "%s: %s %d\n", name,
				     ret < 0 ? "error" : "the device answered",
				     ret);
		return FAILED;
	}
	if (!recovery_is_over(vscsi, scope)) {
		WRITE_ONCE(vscsi->is_tmf_false, true);
		dev_warn_ratelimited(dev, "%s: the device answered \"done\" but kept %u commands\n",
				     name, scope->nr_in_flight);
		return FAILED;
	}
	WRITE_ONCE(vscsi->tmf_wasted, 0);
	dev_info_ratelimited(dev, "%s: done\n", name);
	return SUCCESS;
}

/**
 * virtscsi_recovery_abort() - take one command back
 * @sc: command
 *
 * Implements virtio 1.3, 5.6.6.2 (ABORT TASK).
 *
 * Context: process; sleeps for 12 seconds at most.
 * Return: SUCCESS if the device no longer has it, else FAILED.
 */
int virtscsi_recovery_abort(struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct recovery_scope scope = { .sc = sc };

	if (READ_ONCE(cmd->is_in_flight) &&
	    recovery_step(sc->device, "abort", VIRTIO_SCSI_T_TMF_ABORT_TASK,
			  cmd->tag, &scope) == SUCCESS)
		return SUCCESS;
	/* It may have come back while the device was asked in vain. */
	if (READ_ONCE(cmd->is_in_flight)) {
		dev_warn_ratelimited(&sc->device->sdev_gendev,
				     "abort: the device still has tag %#llx, CDB %*ph\n",
				     cmd->tag, (int)sc->cmd_len, sc->cmnd);
		return FAILED;
	}
	synchronize_rcu();
	return SUCCESS;
}

/**
 * virtscsi_recovery_reset_lun() - LUN reset
 * @sc: any command of the LUN; only its device is looked at
 *
 * Implements virtio 1.3, 5.6.6.2 (LOGICAL UNIT RESET).
 *
 * Context: process; sleeps for 12 seconds at most.
 * Return: SUCCESS if the device no longer has a command of the LUN, else
 *	FAILED.
 */
int virtscsi_recovery_reset_lun(struct scsi_cmnd *sc)
{
	struct recovery_scope scope = { .sdev = sc->device };

	return recovery_step(sc->device, "LUN reset",
			     VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, 0, &scope);
}

/**
 * virtscsi_recovery_reset_target() - I_T nexus reset
 * @sc: any command of the target; only its device is looked at
 *
 * Implements virtio 1.3, 5.6.6.2 (I_T NEXUS RESET).
 *
 * Context: process; sleeps for 12 seconds at most.
 * Return: SUCCESS if the device no longer has a command of the target, else
 *	FAILED.
 */
int virtscsi_recovery_reset_target(struct scsi_cmnd *sc)
{
	struct recovery_scope scope = { .starget = scsi_target(sc->device) };

	return recovery_step(sc->device, "I_T nexus reset",
			     VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET, 0, &scope);
}

/**
 * virtscsi_recovery_reset_host() - reset the virtio device
 * @sc: a command that is to be taken back, or any from sg_reset
 *
 * Does nothing if the device was reset since the command was sent.
 *
 * Context: process.
 * Return: SUCCESS, or FAILED if the device did not come back; in both cases it
 *	holds no command any more.
 */
int virtscsi_recovery_reset_host(struct scsi_cmnd *sc)
{
	struct virtscsi *vscsi = shost_priv(sc->device->host);
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	int err = 0;

	if (sc->submitter == SUBMITTED_BY_SCSI_RESET_IOCTL)
		return virtscsi_recovery_reset_by_user(vscsi->shost,
						       SCSI_ADAPTER_RESET) ?
			FAILED : SUCCESS;

	mutex_lock(&vscsi->reset);
	/* Somebody else may have had it reset since. */
	if (!time_after(READ_ONCE(vscsi->reset_at), cmd->submitted))
		err = recovery_reset(vscsi, "nothing else has helped");
	mutex_unlock(&vscsi->reset);
	return err ? FAILED : SUCCESS;
}

/**
 * virtscsi_recovery_reset_by_user() - reset the virtio device, as asked for
 * @shost: host
 * @type: SCSI_ADAPTER_RESET
 *
 * Such a reset is not counted among those that a device may need.
 *
 * Context: process.
 * Return: 0, -EOPNOTSUPP for another @type, or the error that keeps the device
 *	from coming back.
 */
int virtscsi_recovery_reset_by_user(struct Scsi_Host *shost, int type)
{
	struct virtscsi *vscsi = shost_priv(shost);
	int err;

	if (type != SCSI_ADAPTER_RESET)
		return -EOPNOTSUPP;

	mutex_lock(&vscsi->reset);
	err = virtscsi_device_reset(vscsi, "asked for by the administrator");
	mutex_unlock(&vscsi->reset);
	return err;
}

static ssize_t patience_s_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));

	return sysfs_emit(buf, "%u\n", READ_ONCE(vscsi->patience_s));
}

static ssize_t patience_s_store(struct device *dev,
				struct device_attribute *attr,
				const char *buf, size_t count)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));
	unsigned int seconds;
	int err = kstrtouint(buf, 10, &seconds);

	if (err)
		return err;
	WRITE_ONCE(vscsi->patience_s, seconds);
	return count;
}
static DEVICE_ATTR_RW(patience_s);

static ssize_t resets_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));

	return sysfs_emit(buf, "%u\n", READ_ONCE(vscsi->nr_resets));
}
static DEVICE_ATTR_RO(resets);

static ssize_t lost_interrupts_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));

	return sysfs_emit(buf, "%d\n", atomic_read(&vscsi->nr_lost_interrupts));
}
static DEVICE_ATTR_RO(lost_interrupts);

static ssize_t doorbells_again_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));

	return sysfs_emit(buf, "%d\n", atomic_read(&vscsi->nr_doorbells_again));
}
static DEVICE_ATTR_RO(doorbells_again);

static struct attribute *recovery_attrs[] = {
	&dev_attr_patience_s.attr,
	&dev_attr_resets.attr,
	&dev_attr_lost_interrupts.attr,
	&dev_attr_doorbells_again.attr,
	NULL
};

const struct attribute_group virtscsi_recovery_group = {
	.name = "recovery",
	.attrs = recovery_attrs,
};
