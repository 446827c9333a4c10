/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The headers of all tags, see tags.c.
 */
#ifndef VIRTSCSI_TAGS_H
#define VIRTSCSI_TAGS_H

#include <linux/blk-mq.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

struct kmem_cache;
struct virtscsi;
struct virtscsi_wire_resp;

/* What belongs to a tag of the host. */
struct virtscsi_tag {
	struct virtscsi_wire_resp *resp;
	void *request;
	u64 id;			/* of the latest command, see virtscsi_wire_tag() */
	u32 note;		/* inflight.c's */
	struct scatterlist request_sg;
	struct scatterlist resp_sg;
	struct scatterlist *sgs[4];	/* the first is request_sg */
};

/* Part of struct virtscsi. */
struct virtscsi_tags {
	struct kmem_cache *cache;	/* headers of one tag each */
	struct virtscsi_tag *of;	/* of all request virtqueues */
	u32 nr_tags;			/* of one request virtqueue */
};

int virtscsi_tags_init(struct virtscsi *vscsi);
void virtscsi_tags_exit(struct virtscsi *vscsi);

#endif
