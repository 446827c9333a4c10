/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The headers of all tags, see tags.c.
 */
#ifndef VIRTSCSI_TAGS_H
#define VIRTSCSI_TAGS_H

#include <linux/blk-mq.h>
#include <linux/types.h>

struct kmem_cache;
struct virtscsi;
struct virtscsi_wire_resp;

/* What belongs to a tag of the host. */
struct virtscsi_tag {
	/* On cache lines of its own, as the device writes there; then the request. */
	struct virtscsi_wire_resp *resp;
	u32 generation;		/* of submissions with this tag */
	u32 note;		/* inflight.c's */
};

/* Part of struct virtscsi. The lengths do not change; cmd.c reads them. */
struct virtscsi_tags {
	struct kmem_cache *cache;	/* headers of one tag each */
	struct virtscsi_tag *of;	/* of all request virtqueues */
	u32 nr_tags;			/* of one request virtqueue */
	u32 request_len;
	u32 resp_len;
	u32 request_offset;		/* in an object of the cache */
};

int virtscsi_tags_init(struct virtscsi *vscsi);
void virtscsi_tags_exit(struct virtscsi *vscsi);

#endif
