/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The administrator's ladder, see ladder.c.
 */
#ifndef VIRTSCSI_LADDER_H
#define VIRTSCSI_LADDER_H

#include <linux/types.h>

struct attribute_group;
struct scsi_cmnd;
struct virtscsi;

/* How far the administrator lets the driver go; each step after the one before. */
enum virtscsi_ladder_step {
	VIRTSCSI_LADDER_NO_STEP,	/* wait */
	VIRTSCSI_LADDER_ABORT,		/* ABORT TASK */
	VIRTSCSI_LADDER_LUN,		/* LOGICAL UNIT RESET */
	VIRTSCSI_LADDER_TARGET,		/* I_T NEXUS RESET */
	VIRTSCSI_LADDER_HOST,		/* reset the virtio device */
	VIRTSCSI_LADDER_NR_STEPS
};

/* What became of a reset. */
enum virtscsi_ladder_reset {
	VIRTSCSI_LADDER_SENT,		/* is about to be */
	VIRTSCSI_LADDER_DONE,
	VIRTSCSI_LADDER_NOT_DONE	/* not sent, or refused */
};

/* Part of struct virtscsi. */
struct virtscsi_ladder {
	unsigned int timeout_s;
	enum virtscsi_ladder_step step;	/* the last one allowed */
};

/* Part of struct virtscsi_lun; under the lock of the host. Times are in jiffies. */
struct virtscsi_lun_ladder {
	unsigned int nr_resets;		/* sent and not answered */
	u64 doubted_before;		/* until when, before the last one */
	u64 next_reset;			/* not before */
};

/* Part of struct virtscsi_cmd. */
struct virtscsi_cmd_ladder {
	u64 taken_at;	/* @step; undefined without one */
	u8 step;	/* the last one taken */
};

void virtscsi_ladder_init(struct virtscsi *vscsi);
int virtscsi_ladder_climb(struct virtscsi *vscsi, struct scsi_cmnd *sc, u64 tag);
void virtscsi_ladder_doubt(struct virtscsi *vscsi, u32 subtype,
			   unsigned int target, u64 lun,
			   enum virtscsi_ladder_reset reset);

extern const struct attribute_group virtscsi_ladder_group;

#endif
