// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control virtqueue: task management functions, each waited for a while,
 * and what nobody waits for, queries and subscriptions.
 *
 * A request belongs to two: to the caller, who waits, and to the device, which
 * writes the response. It is freed when both have let go of it, so a device
 * that answers late, or only when it is reset, writes to memory that is still
 * there. There is a reserve of requests, since the error handler needs one just
 * when memory may be short.
 *
 * While a request is overdue the control virtqueue does not work, and the next
 * ones fail at once: with many commands to abort the waiting would add up.
 */
#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/mempool.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <scsi/scsi_host.h>

#include "stats.h"
#include "trace.h"
#include "virtscsi.h"

/* The error handler of a host runs one at a time; a few hosts at once. */
#define TMF_RESERVE	16

/* How long the device may take to answer. */
#define TMF_TIMEOUT_MS	10000

/* Who lets go of a request first; see tmf_wait() and tmf_finish(). */
#define TMF_WAITED_FOR	0
#define TMF_OVERDUE	1
#define TMF_DONE	2

/*
 * What the device reads and writes, in a cache of its own: with an IOMMU it can
 * reach all of a page, so no address of the kernel may be there. The response, which
 * it writes, shares no cache line with the rest, nor what is maintained at once for
 * DMA.
 */
struct tmf_wire {
	union {
		struct virtio_scsi_ctrl_tmf_req request;
		struct virtio_scsi_ctrl_an_req an_request;
	};
	struct {
		union {
			struct virtio_scsi_ctrl_tmf_resp resp;
			struct virtio_scsi_ctrl_an_resp an_resp;
		} ____cacheline_aligned;
	} __aligned(ARCH_DMA_MINALIGN);
};

/*
 * With a query nobody waits; it is about the command that is queried, as submitted
 * the @generation-th time. Nor with one for asynchronous notifications: the answer
 * is followed by the subscription, in the same request.
 */
struct virtscsi_tmf {
	refcount_t refs;
	unsigned int state;
	bool is_an;
	bool is_query;
	struct completion done;
	u32 generation;
	u32 target;
	u64 lun;
	u64 tag;
	struct tmf_wire *wire;
};

static struct kmem_cache *tmf_wires;
static mempool_t *tmf_pool;

static void *tmf_alloc(gfp_t gfp, void *unused)
{
	struct virtscsi_tmf *tmf = kzalloc_obj(*tmf, gfp);

	if (!tmf)
		return NULL;
	tmf->wire = kmem_cache_zalloc(tmf_wires, gfp);
	if (tmf->wire)
		return tmf;
	kfree(tmf);
	return NULL;
}

static void tmf_free(void *element, void *unused)
{
	struct virtscsi_tmf *tmf = element;

	kmem_cache_free(tmf_wires, tmf->wire);
	kfree(tmf);
}

/**
 * virtscsi_tmf_init() - make the reserve of requests
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int virtscsi_tmf_init(void)
{
	tmf_wires = kmem_cache_create("virtio_scsi_tmf", sizeof(struct tmf_wire),
				      __alignof__(struct tmf_wire),
				      SLAB_HWCACHE_ALIGN | SLAB_NO_MERGE, NULL);
	if (!tmf_wires)
		return -ENOMEM;

	tmf_pool = mempool_create(TMF_RESERVE, tmf_alloc, tmf_free, NULL);
	if (!tmf_pool) {
		kmem_cache_destroy(tmf_wires);
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
	kmem_cache_destroy(tmf_wires);
}

static void tmf_put(struct virtscsi_tmf *tmf)
{
	if (refcount_dec_and_test(&tmf->refs))
		mempool_free(tmf, tmf_pool);
}

static int tmf_send(struct virtscsi *vscsi, struct virtscsi_tmf *tmf,
		    unsigned int request_len, unsigned int resp_len)
{
	struct scatterlist request, resp;
	struct scatterlist *sgs[] = { &request, &resp };
	int err;

	sg_init_one(&request, &tmf->wire->request, request_len);
	sg_init_one(&resp, &tmf->wire->resp, resp_len);
	refcount_inc(&tmf->refs);
	err = virtscsi_vq_add(&vscsi->ctrl_vq, sgs, 1, 1, tmf, true);
	if (err)
		tmf_put(tmf);
	return err;
}

static void tmf_send_an(struct virtscsi *vscsi, struct virtscsi_tmf *tmf)
{
	tmf->wire->an_resp = (struct virtio_scsi_ctrl_an_resp){
		.response = VIRTSCSI_WIRE_UNTOUCHED,
	};
	tmf_send(vscsi, tmf, sizeof(tmf->wire->an_request),
		 sizeof(tmf->wire->an_resp));
}

static void tmf_end_query(struct virtscsi *vscsi)
{
	/* What was written to the command comes before; see forget(). */
	smp_store_release(&vscsi->queried, NULL);
	clear_bit_unlock(0, &vscsi->is_querying);
}

/* Under RCU, as everything is that a virtqueue's owner does with a buffer. */
static void tmf_finish_query(struct virtscsi *vscsi, struct virtscsi_tmf *tmf)
{
	struct virtscsi_cmd *cmd = READ_ONCE(vscsi->queried);
	u8 response = READ_ONCE(tmf->wire->resp.response);

	/* FUNCTION COMPLETE, which is 0 as OK is: not in the task set. */
	if (cmd && response == VIRTIO_SCSI_S_OK)
		WRITE_ONCE(cmd->missing, tmf->generation);
	trace_virtscsi_tmf(vscsi, tmf->target, tmf->lun,
			   VIRTIO_SCSI_T_TMF_QUERY_TASK, tmf->tag,
			   response == VIRTSCSI_WIRE_UNTOUCHED ? -EIO : response);
	tmf_end_query(vscsi);
}

/**
 * virtscsi_tmf_forget() - a command's memory is about to go
 * @vscsi: instance
 * @cmd: command, not in flight
 *
 * The device may answer a query about it later, or never.
 *
 * Context: process; may wait for a grace period.
 */
void virtscsi_tmf_forget(struct virtscsi *vscsi, struct virtscsi_cmd *cmd)
{
	if (cmpxchg(&vscsi->queried, cmd, NULL) == cmd)
		synchronize_rcu();
}

static void tmf_finish(struct virtscsi *vscsi, void *buf)
{
	struct virtscsi_tmf *tmf = buf;

	if (tmf->is_an) {
		if (virtscsi_wire_subscribe(&tmf->wire->an_request,
					    &tmf->wire->an_resp, vscsi->is_le))
			tmf_send_an(vscsi, tmf);
	} else if (tmf->is_query) {
		tmf_finish_query(vscsi, tmf);
	} else if (xchg(&tmf->state, TMF_DONE) == TMF_OVERDUE) {
		atomic_dec(&vscsi->nr_tmf_overdue);
	}
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

static bool tmf_is_done(struct virtscsi_tmf *tmf)
{
	return wait_for_completion_timeout(&tmf->done,
					   msecs_to_jiffies(TMF_TIMEOUT_MS / 2));
}

static int tmf_wait(struct virtscsi *vscsi, struct virtscsi_tmf *tmf)
{
	u8 response;

	if (!tmf_is_done(tmf)) {
		/* An interrupt or a doorbell may have been lost. */
		virtscsi_vq_reap(vscsi, &vscsi->ctrl_vq);
		virtscsi_vq_kick_again(&vscsi->ctrl_vq);
		if (!tmf_is_done(tmf))
			virtscsi_vq_reap(vscsi, &vscsi->ctrl_vq);
	}
	if (READ_ONCE(tmf->state) != TMF_DONE) {
		atomic_inc(&vscsi->nr_tmf_overdue);
		if (cmpxchg(&tmf->state, TMF_WAITED_FOR, TMF_OVERDUE) ==
		    TMF_WAITED_FOR)
			return -ETIMEDOUT;
		atomic_dec(&vscsi->nr_tmf_overdue);
	}

	response = READ_ONCE(tmf->wire->resp.response);
	return response == VIRTSCSI_WIRE_UNTOUCHED ? -EIO : response;
}

/*
 * Not GFP_NOIO: with that the pool waits for an element to be freed, and those
 * of a dead device never are.
 */
static struct virtscsi_tmf *tmf_get(void)
{
	struct virtscsi_tmf *tmf;

	tmf = mempool_alloc(tmf_pool, GFP_NOWAIT | __GFP_NOWARN);
	if (!tmf)
		return NULL;
	refcount_set(&tmf->refs, 1);
	init_completion(&tmf->done);
	tmf->state = TMF_WAITED_FOR;
	tmf->is_query = false;
	tmf->is_an = false;
	tmf->wire->resp.response = VIRTSCSI_WIRE_UNTOUCHED;
	return tmf;
}

/**
 * virtscsi_tmf() - have the device carry out a task management function
 * @sdev: LUN
 * @subtype: one of VIRTIO_SCSI_T_TMF_*
 * @tag: the command that is meant, where @subtype means one
 *
 * Implements virtio 1.3, 5.6.6.2. Then reaps the request virtqueues, where the
 * commands that it ended must be by now.
 *
 * Context: process; sleeps, 10 seconds at most.
 * Return: the device's response, 0 to 254; -EIO if it wrote none; -ETIMEDOUT,
 *	at once if an earlier request is overdue; -ENOMEM; -EINVAL for an
 *	address that the wire format cannot express; or as virtscsi_vq_add().
 */
int virtscsi_tmf(struct scsi_device *sdev, u32 subtype, u64 tag)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);
	struct virtscsi_tmf *tmf;
	int ret;

	if (atomic_read(&vscsi->nr_tmf_overdue))
		virtscsi_vq_reap(vscsi, &vscsi->ctrl_vq);
	if (atomic_read(&vscsi->nr_tmf_overdue))
		return -ETIMEDOUT;
	tmf = tmf_get();
	if (!tmf)
		return -ENOMEM;

	ret = -EINVAL;
	if (virtscsi_wire_put_tmf(&tmf->wire->request, vscsi->is_le, subtype,
				  sdev->id, sdev->lun, tag))
		ret = tmf_send(vscsi, tmf, sizeof(tmf->wire->request),
			       sizeof(tmf->wire->resp));
	if (!ret)
		ret = tmf_wait(vscsi, tmf);
	tmf_put(tmf);
	trace_virtscsi_tmf(vscsi, sdev->id, sdev->lun, subtype, tag, ret);
	virtscsi_stats_tmf(sdev, subtype, ret);

	virtscsi_vq_reap_requests(vscsi);
	return ret;
}

/**
 * virtscsi_tmf_query() - ask the device whether it still has a command
 * @vscsi: instance
 * @sc: command in flight
 *
 * Implements virtio 1.3, 5.6.6.2 (QUERY TASK). Nobody waits for the answer; if
 * it is "no", the command's @missing says so from then on. One at a time; what
 * cannot be asked now is asked when the next timer fires.
 *
 * Context: any.
 */
void virtscsi_tmf_query(struct virtscsi *vscsi, struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct virtscsi_tmf *tmf;

	if (test_and_set_bit_lock(0, &vscsi->is_querying))
		return;
	tmf = tmf_get();
	if (!tmf) {
		tmf_end_query(vscsi);
		return;
	}
	WRITE_ONCE(vscsi->queried, cmd);
	tmf->is_query = true;
	tmf->generation = cmd->generation;
	tmf->target = sc->device->id;
	tmf->lun = sc->device->lun;
	tmf->tag = cmd->tag;
	if (!virtscsi_wire_put_tmf(&tmf->wire->request, vscsi->is_le,
				   VIRTIO_SCSI_T_TMF_QUERY_TASK,
				   sc->device->id, sc->device->lun, cmd->tag) ||
	    tmf_send(vscsi, tmf, sizeof(tmf->wire->request),
		     sizeof(tmf->wire->resp)))
		tmf_end_query(vscsi);
	else
		virtscsi_stats_tmf(sc->device, VIRTIO_SCSI_T_TMF_QUERY_TASK, 0);
	tmf_put(tmf);
}

/**
 * virtscsi_tmf_subscribe() - have a LUN's asynchronous notifications, if it has any
 * @vscsi: instance
 * @target: target
 * @lun: the midlayer's LUN
 * @events: those that are wanted
 *
 * Implements virtio 1.3, 5.6.6.2 (asynchronous notification query and
 * subscription). Nobody waits for the answers: devices exist that give none, and
 * what is subscribed shows when it arrives.
 *
 * Context: any.
 */
void virtscsi_tmf_subscribe(struct virtscsi *vscsi, unsigned int target,
			    u64 lun, u32 events)
{
	struct virtscsi_tmf *tmf = tmf_get();

	if (!tmf)
		return;
	tmf->is_an = true;
	if (virtscsi_wire_put_an(&tmf->wire->an_request, vscsi->is_le, target, lun,
				 events))
		tmf_send_an(vscsi, tmf);
	tmf_put(tmf);
}
