/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of a LUN, see lun_limits.c.
 */
#ifndef VIRTSCSI_LUN_LIMITS_H
#define VIRTSCSI_LUN_LIMITS_H

#include <linux/mutex.h>

#include "limits.h"

struct queue_limits;
struct scsi_cmnd;
struct scsi_device;

struct virtscsi_lun_negotiation {
	bool is_applied;	/* once; from then on the queue is frozen for it */

	struct mutex lock;	/* what follows; nests inside limits_lock */
	bool is_queried;	/* the answers are newer than the core's VPD pages */
	struct virtscsi_answers answers;
	u32 overrides[VIRTSCSI_NR_OVERRIDES];	/* the administrator's, 0 for none */
	struct virtscsi_lun_limits limits;	/* in force */
};

/* The caller keeps the LUN between sdev_init() and sdev_destroy(). */
void virtscsi_lun_limits_init(struct scsi_device *sdev);
void virtscsi_lun_limits_configure(struct scsi_device *sdev,
				   struct queue_limits *lim);
bool virtscsi_lun_limits_take_vpd(struct scsi_device *sdev);
void virtscsi_lun_limits_query(struct scsi_device *sdev);
int virtscsi_lun_limits_apply(struct scsi_device *sdev);
bool virtscsi_lun_limits_is_applied(struct scsi_device *sdev);
struct virtscsi_limit virtscsi_lun_limits_show(struct scsi_device *sdev,
					       enum virtscsi_lun_limit_id id);
int virtscsi_lun_limits_override(struct scsi_device *sdev,
				 enum virtscsi_lun_limit_id id, u32 value);

#endif
