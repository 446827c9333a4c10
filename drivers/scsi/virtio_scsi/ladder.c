// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The administrator's ladder: what is done about a command that the device holds,
 * because of time alone. By default nothing, even if another path could carry it out:
 * an ABORT TASK loses the command on some releases of QEMU, and hangs others.
 *
 * The administrator says after how many seconds, and how far. Each time the timer of
 * a command fires after that, the next step is taken: ABORT TASK, LOGICAL UNIT RESET,
 * I_T NEXUS RESET, device reset. Nobody waits for the answers; a command that the
 * device returns ends as any other.
 *
 * Hosts exist that return GOOD for a command that a reset has ended. So GOOD of the
 * commands that were submitted before a reset was answered is not believed (see
 * virtscsi_cmd_doubt()). If there is no answer, those of a limited time are meant.
 */
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/virtio_scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "virtscsi.h"

/* A LUN that was reset is given this time before it is reset again. */
#define RESET_INTERVAL	(10 * HZ)

/* The longest time that GOOD is not believed if a reset is not answered. */
#define DOUBT_LIMIT	(60 * HZ)

static const char *const ladder_step_names[VIRTSCSI_LADDER_NR_STEPS] = {
	[VIRTSCSI_LADDER_NO_STEP] = "none",
	[VIRTSCSI_LADDER_ABORT]	  = "abort",
	[VIRTSCSI_LADDER_LUN]	  = "lun",
	[VIRTSCSI_LADDER_TARGET]  = "target",
	[VIRTSCSI_LADDER_HOST]	  = "host",
};

static unsigned int recovery_timeout_s = 60;
module_param(recovery_timeout_s, uint, 0644);
MODULE_PARM_DESC(recovery_timeout_s,
		 "Seconds after which recovery_step applies to a command that the device holds (default 60), for devices bound from now on");

static enum virtscsi_ladder_step recovery_step;

static int recovery_step_set(const char *text, const struct kernel_param *param)
{
	int step = __sysfs_match_string(ladder_step_names,
					VIRTSCSI_LADDER_NR_STEPS, text);

	if (step < 0) {
		pr_err(KBUILD_MODNAME ": recovery_step: must be none, abort, lun, target or host\n");
		return step;
	}
	recovery_step = step;
	return 0;
}

static int recovery_step_get(char *buf, const struct kernel_param *param)
{
	return sysfs_emit(buf, "%s\n", ladder_step_names[recovery_step]);
}

static const struct kernel_param_ops recovery_step_ops = {
	.set = recovery_step_set,
	.get = recovery_step_get,
};
module_param_cb(recovery_step, &recovery_step_ops, NULL, 0644);
MODULE_PARM_DESC(recovery_step,
		 "How far to go for a command that the device holds: none (default), abort, lun, target, host; for devices bound from now on");

static struct virtscsi_lun_ladder *ladder_of_lun(struct scsi_device *sdev)
{
	struct virtscsi_lun *lun = sdev->hostdata;

	return &lun->ladder;
}

/*
 * GOOD of commands that a reset is about to end is not to be believed; or the reset
 * was answered, or was not sent. Under the lock of the host a LUN keeps its
 * hostdata. Any context.
 */
void virtscsi_ladder_doubt(struct virtscsi *vscsi, u32 subtype,
			   unsigned int target, u64 lun,
			   enum virtscsi_ladder_reset reset)
{
	bool is_whole_target = subtype == VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET;
	struct Scsi_Host *shost = vscsi->shost;
	struct virtscsi_lun_ladder *ladder;
	struct scsi_device *sdev;
	unsigned long flags;

	spin_lock_irqsave(shost->host_lock, flags);
	list_for_each_entry(sdev, &shost->__devices, siblings) {
		if (!sdev->hostdata || sdev->id != target ||
		    (sdev->lun != lun && !is_whole_target))
			continue;
		ladder = ladder_of_lun(sdev);
		if (reset == VIRTSCSI_LADDER_SENT) {
			ladder->nr_resets++;
			ladder->doubted_before =
				virtscsi_cmd_doubt(sdev, get_jiffies_64() + DOUBT_LIMIT);
		} else if (ladder->nr_resets) {
			ladder->nr_resets--;
			if (reset == VIRTSCSI_LADDER_NOT_DONE)
				virtscsi_cmd_doubt(sdev, ladder->doubted_before);
			else if (!ladder->nr_resets)
				virtscsi_cmd_doubt(sdev, get_jiffies_64() + 1);
		}
	}
	spin_unlock_irqrestore(shost->host_lock, flags);
}

/* Sends the reset unless the LUN was reset just before. */
static int ladder_start_reset(struct virtscsi *vscsi, struct scsi_device *sdev,
			      u32 subtype)
{
	struct virtscsi_lun_ladder *ladder = ladder_of_lun(sdev);
	int err;

	if (time_before64(get_jiffies_64(), ladder->next_reset))
		return 0;
	virtscsi_ladder_doubt(vscsi, subtype, sdev->id, sdev->lun,
			      VIRTSCSI_LADDER_SENT);
	err = virtscsi_tmf_start(sdev, subtype, 0);
	if (err)
		virtscsi_ladder_doubt(vscsi, subtype, sdev->id, sdev->lun,
				      VIRTSCSI_LADDER_NOT_DONE);
	else
		ladder->next_reset = get_jiffies_64() + RESET_INTERVAL;
	return err;
}

static bool ladder_is_due(struct virtscsi *vscsi, struct scsi_cmnd *sc,
			  enum virtscsi_ladder_step step)
{
	u64 limit_ms = READ_ONCE(vscsi->ladder.timeout_s) * 1000ULL;

	return step <= READ_ONCE(vscsi->ladder.step) &&
	       virtscsi_cmd_age_ms(sc) >= limit_ms;
}

/*
 * Takes the next step for a command whose timer fired, if one is due, but for the
 * device reset. The command may be sent again meanwhile, with another tag. Returns
 * the step, or an error if it is to be tried again.
 */
int virtscsi_ladder_climb(struct virtscsi *vscsi, struct scsi_cmnd *sc, u64 tag)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	enum virtscsi_ladder_step step = cmd->ladder.step + 1;
	u64 taken_before = cmd->ladder.taken_at;
	int err = 0;

	if (!ladder_is_due(vscsi, sc, step))
		return VIRTSCSI_LADDER_NO_STEP;
	/* Set first: the command may come back and be sent again at once. */
	cmd->ladder.step = step;
	cmd->ladder.taken_at = get_jiffies_64();
	if (step == VIRTSCSI_LADDER_ABORT)
		err = virtscsi_tmf_start(sc->device, VIRTIO_SCSI_T_TMF_ABORT_TASK,
					 tag);
	else if (step == VIRTSCSI_LADDER_LUN)
		err = ladder_start_reset(vscsi, sc->device,
					 VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET);
	else if (step == VIRTSCSI_LADDER_TARGET)
		err = ladder_start_reset(vscsi, sc->device,
					 VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET);
	/* A function that is overdue does not keep a further step from its turn. */
	if (err && (err != -ETIMEDOUT || step >= READ_ONCE(vscsi->ladder.step))) {
		cmd->ladder.step = step - 1;
		cmd->ladder.taken_at = taken_before;
		/* The device is asked about the command instead. */
		return err == -ETIMEDOUT ? VIRTSCSI_LADDER_NO_STEP : err;
	}
	dev_notice_ratelimited(&sc->device->sdev_gendev,
			       "tag %#llx: in flight for %u s, recovery step %s\n",
			       tag, virtscsi_cmd_age_ms(sc) / 1000,
			       ladder_step_names[step]);
	return step;
}

void virtscsi_ladder_init(struct virtscsi *vscsi)
{
	vscsi->ladder.timeout_s = READ_ONCE(recovery_timeout_s);
	vscsi->ladder.step = READ_ONCE(recovery_step);
}

static struct virtscsi_ladder *ladder_of_host(struct device *dev)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));

	return &vscsi->ladder;
}

static ssize_t timeout_s_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(ladder_of_host(dev)->timeout_s));
}

static ssize_t timeout_s_store(struct device *dev, struct device_attribute *attr,
			       const char *buf, size_t len)
{
	return kstrtouint(buf, 10, &ladder_of_host(dev)->timeout_s) ?: len;
}
static DEVICE_ATTR_RW(timeout_s);

static ssize_t step_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  ladder_step_names[READ_ONCE(ladder_of_host(dev)->step)]);
}

static ssize_t step_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t len)
{
	int step = sysfs_match_string(ladder_step_names, buf);

	if (step < 0)
		return step;
	WRITE_ONCE(ladder_of_host(dev)->step, step);
	return len;
}
static DEVICE_ATTR_RW(step);

static struct attribute *ladder_attrs[] = {
	&dev_attr_timeout_s.attr,
	&dev_attr_step.attr,
	NULL
};

const struct attribute_group virtscsi_ladder_group = {
	.name = "recovery",
	.attrs = ladder_attrs,
};
