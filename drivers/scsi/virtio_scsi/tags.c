// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The headers of all tags.
 *
 * Each tag of the host has an object of a slab cache: the response header on
 * cache lines of its own, since the device writes there, then the request
 * header. Their sizes follow from the negotiated sense and CDB sizes. There are
 * many more requests than tags, since each LUN's scheduler has some. No kernel
 * pointer lies beside memory that the device writes.
 */
#include <linux/cache.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <scsi/scsi_host.h>

#include "virtscsi.h"
#include "wire.h"

/* The limits of the host are set. virtscsi_tags_exit() undoes it, also after an error. */
int virtscsi_tags_init(struct virtscsi *vscsi)
{
	u32 align = max(cache_line_size(), dma_get_cache_alignment());
	u32 resp_len =
		virtscsi_wire_resp_len(virtscsi_limit(vscsi, VIRTSCSI_SENSE_SIZE));
	u32 request_len =
		virtscsi_wire_cmd_len(vscsi->has_pi,
				      virtscsi_limit(vscsi, VIRTSCSI_CDB_SIZE));
	struct virtscsi_tags *tags = &vscsi->tags;
	struct virtscsi_tag *tag;
	char name[32];
	size_t nr, i;

	snprintf(name, sizeof(name), "virtio_scsi_cmd_%u",
		 vscsi->shost->host_no);
	tags->cache = kmem_cache_create(name, ALIGN(resp_len, align) + request_len,
					align, SLAB_HWCACHE_ALIGN | SLAB_NO_MERGE,
					NULL);
	tags->nr_tags = vscsi->shost->can_queue;
	nr = array_size(virtscsi_vq_nr_requests(vscsi), tags->nr_tags);
	tags->of = kvzalloc_objs(*tags->of, nr);
	if (!tags->cache || !tags->of)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		tag = &tags->of[i];
		tag->resp = kmem_cache_zalloc(tags->cache, GFP_KERNEL);
		if (!tag->resp)
			return -ENOMEM;
		tag->request = (void *)tag->resp + ALIGN(resp_len, align);
		tag->id = virtscsi_wire_tag(i / tags->nr_tags << BLK_MQ_UNIQUE_TAG_BITS |
					    i % tags->nr_tags, 0);
		sg_init_one(&tag->request_sg, tag->request, request_len);
		sg_init_one(&tag->resp_sg, tag->resp, resp_len);
		tag->sgs[0] = &tag->request_sg;
	}
	return 0;
}

/* The host is removed or was never added, and the device has no command. */
void virtscsi_tags_exit(struct virtscsi *vscsi)
{
	struct virtscsi_tags *tags = &vscsi->tags;
	size_t i;

	if (tags->of)
		for (i = 0; i < array_size(virtscsi_vq_nr_requests(vscsi),
					   tags->nr_tags); i++)
			if (tags->of[i].resp)
				kmem_cache_free(tags->cache, tags->of[i].resp);
	kvfree(tags->of);
	kmem_cache_destroy(tags->cache);
}
