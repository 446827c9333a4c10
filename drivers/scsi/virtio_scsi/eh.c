// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers of the SCSI error handler and of sg_reset.
 *
 * The driver does not let the midlayer enter its error handler for what a LUN does
 * (see recovery.c). These are for sg_reset, and for the rare cases in which the
 * midlayer enters it by itself. They wait, and believe a task management function only
 * when the commands are back: hosts exist that answer "complete" and cancel nothing.
 */
#include <linux/iopoll.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/virtio_scsi.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "eh.h"
#include "virtscsi.h"

/* How long commands may take to come back after a TMF has ended them. */
#define COME_BACK_US		(2 * USEC_PER_SEC)
#define COME_BACK_LOOK_US	(10 * USEC_PER_MSEC)

/* The commands that a function is about: one, those of a LUN, of a target, or all. */
struct eh_scope {
	struct scsi_cmnd *sc;
	u32 subtype;
	unsigned int nr;	/* that the device has */
};

static bool eh_count(struct scsi_cmnd *sc, void *data)
{
	struct eh_scope *scope = data;

	if (scope->subtype == VIRTIO_SCSI_T_TMF_ABORT_TASK)
		scope->nr += sc == scope->sc;
	else if (scope->subtype == VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET)
		scope->nr += sc->device == scope->sc->device;
	else
		scope->nr += !scope->sc || sc->device->id == scope->sc->device->id;
	return true;
}

static unsigned int eh_count_left(struct virtscsi *vscsi, struct eh_scope *scope)
{
	virtscsi_vq_reap_requests(vscsi);
	scope->nr = 0;
	virtscsi_inflight_for_each(vscsi, eh_count, scope);
	return scope->nr;
}

static int eh_execute(struct scsi_cmnd *sc, const char *name, u32 subtype)
{
	struct eh_scope scope = { .sc = sc, .subtype = subtype };
	bool is_abort = subtype == VIRTIO_SCSI_T_TMF_ABORT_TASK;
	struct scsi_device *sdev = sc->device;
	struct virtscsi *vscsi = shost_priv(sdev->host);
	struct device *dev = &sdev->sdev_gendev;
	unsigned int nr;
	int ret;

	if (!is_abort)
		virtscsi_ladder_doubt(vscsi, subtype, sdev->id, sdev->lun,
				      VIRTSCSI_LADDER_SENT);
	ret = virtscsi_tmf_execute(sdev, subtype,
				   is_abort ? virtscsi_cmd_tag(sc) : 0);
	if (!is_abort && ret < 0 && ret != -ETIMEDOUT && ret != -EIO)
		virtscsi_ladder_doubt(vscsi, subtype, sdev->id, sdev->lun,
				      VIRTSCSI_LADDER_NOT_DONE);
	if (ret != VIRTIO_SCSI_S_OK &&
	    ret != VIRTIO_SCSI_S_FUNCTION_SUCCEEDED) {
		dev_warn_ratelimited(dev, "%s failed: %s %d\n", name,
				     ret < 0 ? "error" : "response", ret);
		return FAILED;
	}
	if (read_poll_timeout(eh_count_left, nr, !nr, COME_BACK_LOOK_US,
			      COME_BACK_US, false, vscsi, &scope)) {
		dev_warn_ratelimited(dev, "%s failed: device answered \"complete\" but kept %u commands\n",
				     name, nr);
		return FAILED;
	}
	/* Nobody is still finishing one of them (see vq.c). */
	synchronize_rcu();
	/* GOOD of commands submitted in the next jiffy is believed. */
	schedule_timeout_uninterruptible(1);
	dev_info_ratelimited(dev, "%s done\n", name);
	return SUCCESS;
}

/*
 * Implements virtio 1.3, 5.6.6.2 (ABORT TASK). Sleeps, for 12 seconds at most.
 * SUCCESS: the device does not have the command any more.
 */
int virtscsi_eh_abort(struct scsi_cmnd *sc)
{
	if (virtscsi_cmd_is_in_flight(sc))
		eh_execute(sc, "abort", VIRTIO_SCSI_T_TMF_ABORT_TASK);
	/* It may have come back while the device was asked in vain. */
	if (virtscsi_cmd_is_in_flight(sc))
		return FAILED;
	synchronize_rcu();
	return SUCCESS;
}

/*
 * Implements virtio 1.3, 5.6.6.2 (LOGICAL UNIT RESET). Sleeps, for 12 seconds at
 * most. Of the command only its device is looked at.
 */
int virtscsi_eh_reset_lun(struct scsi_cmnd *sc)
{
	return eh_execute(sc, "LUN reset", VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET);
}

/* Likewise (I_T NEXUS RESET). */
int virtscsi_eh_reset_target(struct scsi_cmnd *sc)
{
	return eh_execute(sc, "I_T nexus reset", VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET);
}

/*
 * For the midlayer this is the last step, after which it reuses the memory of the
 * commands. So the device must not have any, also when it does not come back.
 */
int virtscsi_eh_reset_host(struct scsi_cmnd *sc)
{
	struct eh_scope all = { .subtype = VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET };
	struct virtscsi *vscsi = shost_priv(sc->device->host);

	/* sg_reset, whose request has no queue. Without -N it may be about one LUN. */
	if (!scsi_cmd_to_rq(sc)->q &&
	    read_poll_timeout(eh_count_left, all.nr, !all.nr, COME_BACK_LOOK_US,
			      COME_BACK_US, false, vscsi, &all)) {
		shost_printk(KERN_NOTICE, sc->device->host,
			     "not reset for sg_reset: %u commands in flight\n", all.nr);
		return FAILED;
	}
	return virtscsi_reset_device(vscsi, "asked for by the SCSI core", false) ? FAILED : SUCCESS;
}

/* sysfs: host_reset. Only an adapter reset exists. */
int virtscsi_eh_host_reset(struct Scsi_Host *shost, int type)
{
	if (type != SCSI_ADAPTER_RESET)
		return -EOPNOTSUPP;
	return virtscsi_reset_device(shost_priv(shost),
				     "asked for by the administrator", false);
}

/* dm-multipath tries another path instead. */
bool virtscsi_eh_should_retry(struct scsi_cmnd *sc)
{
	return !virtscsi_cmd_is_failfast(sc);
}
