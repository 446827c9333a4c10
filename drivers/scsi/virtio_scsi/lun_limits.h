/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of a LUN, see lun_limits.c.
 */
#ifndef VIRTSCSI_LUN_LIMITS_H
#define VIRTSCSI_LUN_LIMITS_H

#include "limits.h"

struct queue_limits;
struct scsi_device;

/* Single words without a lock; limits_lock serializes who applies them. */
struct virtscsi_lun_negotiation {
	u32 block_size;		/* READ CAPACITY, 0 for no answer */
	u32 max_blocks;		/* MAXIMUM TRANSFER LENGTH, the same */
	u32 overrides[VIRTSCSI_NR_OVERRIDES];	/* the administrator's, 0 for none */
	enum virtscsi_limit_source sources[VIRTSCSI_NR_OVERRIDES];
};

/* The caller keeps the LUN between sdev_init() and sdev_destroy(). */
bool virtscsi_lun_limits_take_vpd(struct scsi_device *sdev);
bool virtscsi_lun_limits_query(struct scsi_device *sdev);
struct virtscsi_lun_limits
virtscsi_lun_limits_update(struct scsi_device *sdev, struct queue_limits *lim);
int virtscsi_lun_limits_apply(struct scsi_device *sdev, bool is_new,
			      bool is_forced);
struct virtscsi_limit virtscsi_lun_limits_show(struct scsi_device *sdev,
					       enum virtscsi_limit_id id);
int virtscsi_lun_limits_override(struct scsi_device *sdev,
				 enum virtscsi_limit_id id, u32 value);

#endif
