/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logical units, see lun.c.
 */
#ifndef VIRTSCSI_LUN_H
#define VIRTSCSI_LUN_H

#include <linux/completion.h>
#include <linux/workqueue.h>

#include "cmd.h"
#include "lun_limits.h"
#include "stats.h"

struct virtscsi;

/* Bits of virtscsi_lun.tasks. */
enum virtscsi_lun_task {
	/* The SCSI core and the upper driver read again what they know of it. */
	VIRTSCSI_LUN_RESCAN,
	VIRTSCSI_LUN_LOOK,		/* is it there? */
	VIRTSCSI_LUN_REVIEW,		/* the same, then RESCAN */
	VIRTSCSI_LUN_QUERY,		/* query and apply limits */
	VIRTSCSI_LUN_FORCE,		/* the same, for the administrator */
	VIRTSCSI_LUN_APPLY,		/* only apply them, as each task does */
	/* lun.c only */
	VIRTSCSI_LUN_IS_ADDED,		/* from then on the queue is frozen for limits */
	VIRTSCSI_LUN_IS_REMOVED,	/* no more tasks */
	VIRTSCSI_LUN_IS_TOLD,		/* by an event; sense data may follow */
};

struct virtscsi_luns {
	/* The device holds a command of the LUN beyond its timer. Sleeps. */
	bool (*is_stuck)(struct scsi_device *sdev);
	/* The LUN has found out that it is gone. */
	void (*gone)(struct scsi_device *sdev);
	u64 silent_until;	/* until then a scan waits less, in jiffies */
};

/*
 * What the driver has for a LUN: its hostdata, from sdev_init() to
 * sdev_destroy(). A command keeps its LUN; everybody else holds a reference on
 * the device or the lock of the host, and finds the hostdata NULL afterwards.
 */
struct virtscsi_lun {
	struct scsi_device *sdev;
	struct virtscsi_lun_stats stats;
	struct virtscsi_lun_negotiation limits;
	struct virtscsi_lun_cmds cmds;
	struct virtscsi_lun_ladder ladder;
	int target_level;	/* scsi_level of the target before the probe */
	struct delayed_work work;	/* does the tasks */
	unsigned long tasks;
	unsigned long ran_at;	/* when the work last did a task, in jiffies */
	struct work_struct query;	/* of the limits of a new LUN */
	struct completion queried;
	struct work_struct inquiry;	/* while it is stuck */
	u64 answered_at;		/* the inquiry; or 0 */
	u64 denied_at;		/* since when it is said not to be there; or 0 */
};

int virtscsi_lun_module_init(void);
void virtscsi_lun_module_exit(void);
int virtscsi_lun_init(struct virtscsi *vscsi,
		      bool (*is_stuck)(struct scsi_device *sdev),
		      void (*gone)(struct scsi_device *sdev));
bool virtscsi_lun_is_silent(struct scsi_device *sdev);
void virtscsi_lun_schedule(struct scsi_device *sdev,
			   enum virtscsi_lun_task task, bool may_wait);
void virtscsi_lun_note_sense(struct scsi_cmnd *sc, unsigned int flags);

/* The SCSI core's calls. */
int virtscsi_lun_alloc(struct scsi_device *sdev);
int virtscsi_lun_configure(struct scsi_device *sdev, struct queue_limits *lim);
void virtscsi_lun_free(struct scsi_device *sdev);
int virtscsi_lun_change_depth(struct scsi_device *sdev, int depth);

#endif
