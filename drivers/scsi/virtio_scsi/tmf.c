// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control virtqueue: task management functions (virtio 1.3, 5.6.6.2).
 *
 * A function is freed when both are done with it: its sender, who may wait for the
 * answer, and the device, which may answer late, or only when it is reset.
 *
 * The device may never answer, so the functions that it has are bounded: by LUN, so
 * that other LUNs have room, and in all, so that those have who wait for an answer.
 * While a function of a LUN is overdue, the LUN does not get the same one again.
 */
#include <linux/cache.h>
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/refcount.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#include "trace.h"
#include "virtscsi.h"

/* How long the device may take to answer. */
#define TMF_TIMEOUT	(10 * HZ)

/* Of each function that nobody waits for, outstanding for one LUN, and in all. */
#define TMF_PER_LUN	2
#define TMF_STARTED	16

/*
 * In a page of its own: with an IOMMU the device can reach the whole page, so no
 * kernel address may be there. The response, which the device writes, shares no
 * cache line with the rest, nor what is maintained at once for DMA.
 */
struct tmf_wire {
	struct virtio_scsi_ctrl_tmf_req request;
	struct {
		struct virtio_scsi_ctrl_tmf_resp resp ____cacheline_aligned;
	} __aligned(ARCH_DMA_MINALIGN);
};

struct tmf {
	struct virtscsi_vq_link link;
	refcount_t refs;
	bool is_waited_for;
	u64 sent;		/* in jiffies */
	struct list_head list;
	struct completion done;
	struct virtscsi_tmf_request request;
	struct tmf_wire *wire;
};

void virtscsi_tmf_init(struct virtscsi *vscsi, virtscsi_tmf_done_fn done)
{
	vscsi->tmfs.done = done;
	spin_lock_init(&vscsi->tmfs.lock);
	INIT_LIST_HEAD(&vscsi->tmfs.outstanding);
}

static void tmf_put(struct tmf *tmf)
{
	if (!refcount_dec_and_test(&tmf->refs))
		return;
	free_page((unsigned long)tmf->wire);
	kfree(tmf);
}

/* Never waits for memory, which may be short because I/O does not end. */
static struct tmf *tmf_alloc(struct scsi_device *sdev, u32 subtype, u64 tag)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);
	struct tmf *tmf = kzalloc_obj(*tmf, GFP_ATOMIC | __GFP_NOWARN);

	if (!tmf)
		return ERR_PTR(-ENOMEM);
	refcount_set(&tmf->refs, 1);
	tmf->wire = (void *)get_zeroed_page(GFP_ATOMIC | __GFP_NOWARN);
	if (!tmf->wire) {
		tmf_put(tmf);
		return ERR_PTR(-ENOMEM);
	}
	init_completion(&tmf->done);
	tmf->request = (struct virtscsi_tmf_request){
		.subtype = subtype,
		.target = sdev->id,
		.lun = sdev->lun,
		.tag = tag,
	};
	tmf->wire->resp.response = VIRTSCSI_WIRE_UNTOUCHED;
	if (virtscsi_wire_put_tmf(&tmf->wire->request, vscsi->is_le, subtype,
				  sdev->id, sdev->lun, tag))
		return tmf;
	tmf_put(tmf);
	return ERR_PTR(-EINVAL);
}

/* The lock is held. */
static int tmf_check_room(struct virtscsi_tmfs *tmfs, const struct tmf *new)
{
	unsigned int nr_started = 0, nr_of_lun = 0;
	struct tmf *tmf;

	list_for_each_entry(tmf, &tmfs->outstanding, list) {
		bool is_same = tmf->request.target == new->request.target &&
			       tmf->request.lun == new->request.lun;

		if (tmf->request.subtype != new->request.subtype)
			continue;
		if (is_same && time_after64(new->sent, tmf->sent + TMF_TIMEOUT))
			return new->is_waited_for ? -EBUSY : -ETIMEDOUT;
		if (tmf->is_waited_for)
			continue;
		nr_started++;
		nr_of_lun += is_same;
	}
	if (!new->is_waited_for &&
	    (nr_of_lun >= TMF_PER_LUN || nr_started >= TMF_STARTED))
		return -EBUSY;
	return 0;
}

static int tmf_send(struct virtscsi *vscsi, struct tmf *tmf)
{
	struct virtscsi_tmfs *tmfs = &vscsi->tmfs;
	struct scatterlist request, resp;
	struct scatterlist *sgs[] = { &request, &resp };
	unsigned long flags;
	int err;

	tmf->sent = get_jiffies_64();
	spin_lock_irqsave(&tmfs->lock, flags);
	err = tmf_check_room(tmfs, tmf);
	if (!err)
		list_add_tail(&tmf->list, &tmfs->outstanding);
	spin_unlock_irqrestore(&tmfs->lock, flags);
	if (err)
		return err;

	sg_init_one(&request, &tmf->wire->request, sizeof(tmf->wire->request));
	sg_init_one(&resp, &tmf->wire->resp, sizeof(tmf->wire->resp));
	refcount_inc(&tmf->refs);
	err = virtscsi_vq_add(virtscsi_vq_control(vscsi), sgs, 1, 1, tmf, true);
	if (err) {
		spin_lock_irqsave(&tmfs->lock, flags);
		list_del(&tmf->list);
		spin_unlock_irqrestore(&tmfs->lock, flags);
		tmf_put(tmf);
	}
	return err;
}

static int tmf_answer(const struct tmf *tmf)
{
	u8 response = READ_ONCE(tmf->wire->resp.response);

	return response == VIRTSCSI_WIRE_UNTOUCHED ? -EIO : response;
}

static void tmf_finish(struct virtscsi *vscsi, void *buf)
{
	struct virtscsi_tmfs *tmfs = &vscsi->tmfs;
	struct tmf *tmf = buf;
	unsigned long flags;
	int answer = tmf_answer(tmf);

	spin_lock_irqsave(&tmfs->lock, flags);
	list_del(&tmf->list);
	spin_unlock_irqrestore(&tmfs->lock, flags);

	trace_virtscsi_tmf(vscsi, tmf->request.target, tmf->request.lun,
			   tmf->request.subtype, tmf->request.tag, answer);
	/* Commands that the function ended are in their rings by now. */
	virtscsi_vq_reap_requests(vscsi);
	tmfs->done(vscsi, &tmf->request, answer);
	complete_all(&tmf->done);
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

/*
 * Sends a function without waiting; the answer goes to done(). Any context.
 * Returns 0; -EBUSY, too many are outstanding now; -ETIMEDOUT, an earlier one of the
 * LUN is overdue; -ENOMEM; -EINVAL for an address that the wire format cannot
 * express; or as virtscsi_vq_add().
 */
int virtscsi_tmf_start(struct scsi_device *sdev, u32 subtype, u64 tag)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);
	struct tmf *tmf = tmf_alloc(sdev, subtype, tag);
	int err;

	if (IS_ERR(tmf))
		return PTR_ERR(tmf);
	err = tmf_send(vscsi, tmf);
	tmf_put(tmf);
	if (!err)
		virtscsi_stats_tmf(vscsi, subtype, 0);
	return err;
}

/* Whether ABORT TASK of the command was sent and is not answered. Any context. */
bool virtscsi_tmf_is_aborting(struct virtscsi *vscsi, u64 tag)
{
	struct virtscsi_tmfs *tmfs = &vscsi->tmfs;
	bool is_aborting = false;
	unsigned long flags;
	struct tmf *tmf;

	spin_lock_irqsave(&tmfs->lock, flags);
	list_for_each_entry(tmf, &tmfs->outstanding, list)
		is_aborting |= tmf->request.tag == tag &&
			tmf->request.subtype == VIRTIO_SCSI_T_TMF_ABORT_TASK;
	spin_unlock_irqrestore(&tmfs->lock, flags);
	return is_aborting;
}

static int tmf_wait(struct virtscsi *vscsi, struct tmf *tmf)
{
	struct virtscsi_vq *vq = virtscsi_vq_control(vscsi);
	int i;

	for (i = 0; i < 2; i++) {
		if (wait_for_completion_timeout(&tmf->done, TMF_TIMEOUT / 2))
			break;
		/* An interrupt or a doorbell may have been lost. */
		virtscsi_vq_reap(vscsi, vq);
		virtscsi_vq_kick(vq, true);
	}
	return completion_done(&tmf->done) ? tmf_answer(tmf) : -ETIMEDOUT;
}

/*
 * Sends a function and waits, for 10 seconds at most. Process context. Returns the
 * response of the device, 0 to 254, after which the request virtqueues have been
 * reaped; -EIO if the device wrote none; -ETIMEDOUT if it did not answer. Not sent:
 * -EBUSY, at once while the same function of the LUN is overdue, or any other
 * error of virtscsi_tmf_start().
 */
int virtscsi_tmf_execute(struct scsi_device *sdev, u32 subtype, u64 tag)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);
	struct tmf *tmf = tmf_alloc(sdev, subtype, tag);
	int ret;

	if (IS_ERR(tmf))
		return PTR_ERR(tmf);
	tmf->is_waited_for = true;
	/* An answer may lie in the ring, its interrupt lost. */
	virtscsi_vq_reap(vscsi, virtscsi_vq_control(vscsi));
	ret = tmf_send(vscsi, tmf);
	if (!ret)
		ret = tmf_wait(vscsi, tmf);
	tmf_put(tmf);
	virtscsi_stats_tmf(vscsi, subtype, ret);
	return ret;
}
