/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instance: one HBA, composed from the state of each file.
 *
 * One struct virtscsi lives in the hostdata of each Scsi_Host, from probe to
 * the last reference on the host. Each file defines its state in its own header
 * and is the only one to touch it. Calls go down only, in the order of
 * Documentation/design.rst. A file reaches one above it by a function or a work
 * item that it was given when the instance was set up.
 */
#ifndef VIRTSCSI_H
#define VIRTSCSI_H

#include <linux/types.h>
#include <scsi/scsi_host.h>

#include "cmd.h"
#include "debugfs.h"
#include "event.h"
#include "host_limits.h"
#include "inflight.h"
#include "ladder.h"
#include "lun.h"
#include "recovery.h"
#include "reset.h"
#include "scan.h"
#include "stats.h"
#include "tags.h"
#include "tmf.h"
#include "vq.h"

struct virtio_device;

/* One HBA. The first four members are set before anybody else sees it. */
struct virtscsi {
	struct virtio_device *vdev;
	struct Scsi_Host *shost;
	bool is_le;
	bool has_pi;	/* VIRTIO_SCSI_F_T10_PI */

	struct virtscsi_host_limits limits;
	struct virtscsi_tags tags;
	struct virtscsi_cmds cmds;
	struct virtscsi_inflight inflight;
	struct virtscsi_tmfs tmfs;
	struct virtscsi_reset reset;
	struct virtscsi_recovery recovery;
	struct virtscsi_ladder ladder;
	struct virtscsi_events events;
	struct virtscsi_scan scan;
	struct virtscsi_luns luns;
	struct virtscsi_hba_stats stats;
	struct virtscsi_debugfs debugfs;
	struct virtscsi_vqs vqs;
};

/* A negotiated limit of the HBA, without the administrator's override. */
static inline u32 virtscsi_limit(const struct virtscsi *vscsi,
				 enum virtscsi_limit_id id)
{
	return vscsi->limits.negotiated.of[id].value;
}

static inline u32 virtscsi_vq_count(const struct virtscsi_vqs *vqs)
{
	return VIRTSCSI_VQ_REQUEST + vqs->setup.nr_requests;
}

static inline u32 virtscsi_vq_nr_requests(const struct virtscsi *vscsi)
{
	return vscsi->vqs.setup.nr_requests;
}

static inline struct virtscsi_tag *
virtscsi_tags_at(const struct virtscsi *vscsi, u32 hwq, u32 tag)
{
	return &vscsi->tags.of[hwq * vscsi->tags.nr_tags + tag];
}

static inline struct virtscsi_tag *
virtscsi_tags_find(const struct virtscsi *vscsi, u32 unique_tag)
{
	return virtscsi_tags_at(vscsi, blk_mq_unique_tag_to_hwq(unique_tag),
				blk_mq_unique_tag_to_tag(unique_tag));
}

static inline struct virtscsi_vq *virtscsi_vq_request(struct virtscsi *vscsi,
						      u32 index)
{
	return &vscsi->vqs.of[VIRTSCSI_VQ_REQUEST + index];
}

#endif
