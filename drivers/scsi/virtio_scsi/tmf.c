// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Task management: one request on the control virtqueue, waited for a while.
 *
 * A request belongs to two: to the caller, who waits, and to the device, which
 * writes the response. It is freed when both have let go of it, so a device
 * that answers late, or only when it is reset, writes to memory that is still
 * there. Requests come from a slab cache with a reserve, since the error
 * handler needs one just when memory may be short.
 */
#include <linux/completion.h>
#include <linux/mempool.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <scsi/scsi_host.h>

#include "trace.h"
#include "virtscsi.h"

/* The error handler of a host runs one at a time; a few hosts at once. */
#define TMF_RESERVE	16

/* How long the device may take to answer. */
#define TMF_TIMEOUT_MS	10000

/*
 * The response is on a cache line of its own: the device writes it.
 */
struct virtscsi_tmf {
	refcount_t refs;
	struct completion done;
	struct virtio_scsi_ctrl_tmf_req request;
	struct virtio_scsi_ctrl_tmf_resp resp ____cacheline_aligned;
} ____cacheline_aligned;

static struct kmem_cache *tmf_cache;
static mempool_t *tmf_pool;

/**
 * virtscsi_tmf_init() - make the cache and its reserve
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int virtscsi_tmf_init(void)
{
	tmf_cache = KMEM_CACHE(virtscsi_tmf, SLAB_HWCACHE_ALIGN);
	if (!tmf_cache)
		return -ENOMEM;

	tmf_pool = mempool_create_slab_pool(TMF_RESERVE, tmf_cache);
	if (!tmf_pool) {
		kmem_cache_destroy(tmf_cache);
		return -ENOMEM;
	}
	return 0;
}

/**
 * virtscsi_tmf_exit() - the opposite
 *
 * Context: process; no instance exists.
 */
void virtscsi_tmf_exit(void)
{
	mempool_destroy(tmf_pool);
	kmem_cache_destroy(tmf_cache);
}

static void tmf_put(struct virtscsi_tmf *tmf)
{
	if (refcount_dec_and_test(&tmf->refs))
		mempool_free(tmf, tmf_pool);
}

static void tmf_finish(struct virtscsi *vscsi, void *buf)
{
	struct virtscsi_tmf *tmf = buf;

	complete(&tmf->done);
	tmf_put(tmf);
}

static void tmf_lose(struct virtscsi *vscsi, void *buf, bool is_gone)
{
	tmf_finish(vscsi, buf);
}

const struct virtscsi_vq_ops virtscsi_tmf_vq_ops = {
	.finish = tmf_finish,
	.lose = tmf_lose,
};

static int tmf_send(struct virtscsi *vscsi, struct virtscsi_tmf *tmf)
{
	struct scatterlist request, resp;
	struct scatterlist *sgs[] = { &request, &resp };
	int err;

	sg_init_one(&request, &tmf->request, sizeof(tmf->request));
	sg_init_one(&resp, &tmf->resp, sizeof(tmf->resp));
	refcount_inc(&tmf->refs);
	err = virtscsi_vq_add(&vscsi->ctrl_vq, sgs, 1, 1, tmf, true);
	if (err)
		tmf_put(tmf);
	return err;
}

static int tmf_wait(struct virtscsi *vscsi, struct virtscsi_tmf *tmf)
{
	u8 response;

	if (!wait_for_completion_timeout(&tmf->done,
					 msecs_to_jiffies(TMF_TIMEOUT_MS))) {
		/* The interrupt may have been lost. */
		virtscsi_vq_reap(vscsi, &vscsi->ctrl_vq);
		if (!try_wait_for_completion(&tmf->done))
			return -ETIMEDOUT;
	}
	response = READ_ONCE(tmf->resp.response);
	return response == VIRTSCSI_WIRE_UNTOUCHED ? -EIO : response;
}

/**
 * virtscsi_tmf() - have the device carry out a task management function
 * @vscsi: instance
 * @subtype: one of VIRTIO_SCSI_T_TMF_*
 * @target: target
 * @lun: the midlayer's LUN
 * @tag: the command that is meant, where @subtype means one
 *
 * Implements virtio 1.3, 5.6.6.2. Then reaps the request virtqueues, where the
 * commands that it ended must be by now.
 *
 * Context: process; sleeps, 10 seconds at most.
 * Return: the device's response, 0 to 254; -EIO if it wrote none; -ETIMEDOUT;
 *	-ENOMEM; -EINVAL for an address that the wire format cannot express; or
 *	as virtscsi_vq_add().
 */
int virtscsi_tmf(struct virtscsi *vscsi, u32 subtype, unsigned int target,
		 u64 lun, u64 tag)
{
	struct virtscsi_tmf *tmf;
	int ret;

	/*
	 * Not GFP_NOIO: with that the pool waits for an element to be freed,
	 * and those of a dead device never are.
	 */
	tmf = mempool_alloc(tmf_pool, GFP_NOWAIT | __GFP_NOWARN);
	if (!tmf)
		return -ENOMEM;

	refcount_set(&tmf->refs, 1);
	init_completion(&tmf->done);
	tmf->resp.response = VIRTSCSI_WIRE_UNTOUCHED;
	ret = -EINVAL;
	if (virtscsi_wire_put_tmf(&tmf->request, vscsi->is_le, subtype, target,
				  lun, tag))
		ret = tmf_send(vscsi, tmf);
	if (!ret)
		ret = tmf_wait(vscsi, tmf);
	tmf_put(tmf);
	trace_virtscsi_tmf(vscsi, subtype, target, lun, tag, ret);

	virtscsi_vq_reap_requests(vscsi);
	return ret;
}
