/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Task management functions, see tmf.c.
 */
#ifndef VIRTSCSI_TMF_H
#define VIRTSCSI_TMF_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "vq.h"

struct scsi_device;
struct virtscsi;

struct virtscsi_tmf_request {
	u32 subtype;		/* VIRTIO_SCSI_T_TMF_* */
	unsigned int target;
	u64 lun;		/* as the midlayer numbers it */
	u64 tag;		/* the command, for a function that is about one */
};

/*
 * @answer is the device's response, 0 to 254, or -EIO if it wrote none (it was
 * reset, for example). Any context; under RCU.
 */
typedef void (*virtscsi_tmf_done_fn)(struct virtscsi *vscsi,
				     const struct virtscsi_tmf_request *request,
				     int answer);

/* Part of struct virtscsi. */
struct virtscsi_tmfs {
	virtscsi_tmf_done_fn done;
	spinlock_t lock;	/* outstanding */
	struct list_head outstanding;
};

extern const struct virtscsi_vq_ops virtscsi_tmf_vq_ops;

void virtscsi_tmf_init(struct virtscsi *vscsi, virtscsi_tmf_done_fn done);
int virtscsi_tmf_start(struct scsi_device *sdev, u32 subtype, u64 tag);
bool virtscsi_tmf_is_aborting(struct virtscsi *vscsi, u64 tag);
int virtscsi_tmf_execute(struct scsi_device *sdev, u32 subtype, u64 tag);

#endif
