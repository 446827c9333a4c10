// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtqueues in use: adding, reaping, stopping. Only this file and vq_find.c call
 * virtqueue_*().
 *
 * Each virtqueue has a lock. It is held to add a buffer and to take returned
 * buffers out, and is not held while a returned buffer is processed: reaping
 * takes a batch out under the lock and passes it to the owner's finish()
 * outside.
 *
 * Between the two, no other CPU can see the buffer. Therefore reaping, from
 * taking out to the end of finish(), is an RCU read-side critical section.
 * Whoever sees that a buffer is no longer in flight and then waits for a grace
 * period knows that nobody uses the buffer any more.
 *
 * Virtqueues come and go with each reset of the device; the locks stay for the
 * life of the instance. A virtqueue breaks when the device returns an index
 * that it was not given, or when its doorbell cannot be rung. Whoever finds it
 * broken queues the work that the instance was set up with.
 */
#include <linux/rcupdate.h>
#include <linux/scatterlist.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "virtscsi.h"

/*
 * Buffers taken out at once under the lock, for which other CPUs wait. Each
 * takes some 250 instructions there, most of them to free its descriptors.
 */
#define REAP_BATCH	8

static struct virtscsi *vq_instance(struct virtqueue *vq)
{
	return vq->vdev->priv;
}

static void vq_report_broken(struct virtqueue *vq)
{
	struct virtscsi_vqs *vqs = &vq_instance(vq)->vqs;

	queue_work(vqs->broken_queue, vqs->broken_work);
}

static unsigned int vq_reap(struct virtscsi *vscsi, struct virtscsi_vq *vq,
			    bool is_interrupt);

/* The device sent an interrupt. */
void virtscsi_vq_interrupt(struct virtscsi *vscsi, struct virtscsi_vq *vq)
{
	vq->stats.interrupts++;
	if (vq->ops->interrupt)
		vq->ops->interrupt(vscsi);
	else
		vq_reap(vscsi, vq, true);
}

static void vq_init_one(struct virtscsi_vq *vq, const struct virtscsi_vq_ops *ops)
{
	spin_lock_init(&vq->lock);
	vq->state = VIRTSCSI_VQ_STOPPED;
	vq->ops = ops;
}

void virtscsi_vq_init(struct virtscsi *vscsi,
		      const struct virtscsi_vq_setup *setup)
{
	struct virtscsi_vqs *vqs = &vscsi->vqs;
	u32 i;

	vqs->broken_work = setup->broken_work;
	vqs->broken_queue = setup->broken_queue;
	vqs->nr_requests = setup->nr_requests;
	vqs->nr_polled = setup->nr_polled;
	vq_init_one(&vqs->control, setup->control);
	vq_init_one(&vqs->event, setup->event);
	for (i = 0; i < vqs->nr_requests; i++)
		vq_init_one(&vqs->request[i], setup->request);
}

u32 virtscsi_vq_nr_polled(const struct virtscsi *vscsi)
{
	return vscsi->vqs.nr_polled;
}

struct virtscsi_vq *virtscsi_vq_control(struct virtscsi *vscsi)
{
	return &vscsi->vqs.control;
}

struct virtscsi_vq *virtscsi_vq_event(struct virtscsi *vscsi)
{
	return &vscsi->vqs.event;
}

static void vq_for_each(struct virtscsi *vscsi,
			void (*fn)(struct virtscsi_vq *vq, void *data),
			void *data)
{
	struct virtscsi_vqs *vqs = &vscsi->vqs;
	u32 i;

	fn(&vqs->control, data);
	fn(&vqs->event, data);
	for (i = 0; i < vqs->nr_requests; i++)
		fn(&vqs->request[i], data);
}

static void vq_set_state(struct virtscsi_vq *vq, void *data)
{
	enum virtscsi_vq_state *state = data;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	vq->state = *state;
	spin_unlock_irqrestore(&vq->lock, flags);
}

/*
 * When this returns, nobody adds to a virtqueue that is not running, or is about
 * to ring its doorbell. Waits for a grace period, except for RUNNING.
 */
void virtscsi_vq_set_state(struct virtscsi *vscsi, enum virtscsi_vq_state state)
{
	vq_for_each(vscsi, vq_set_state, &state);
	if (state != VIRTSCSI_VQ_RUNNING)
		synchronize_rcu();
}

static void vq_change_state(struct virtscsi_vq *vq, enum virtscsi_vq_state from,
			    enum virtscsi_vq_state to)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	if (vq->state == from)
		vq->state = to;
	spin_unlock_irqrestore(&vq->lock, flags);
}

/* Waits for a grace period, after which nobody adds a request any more. */
void virtscsi_vq_pause_requests(struct virtscsi *vscsi)
{
	u32 i;

	for (i = 0; i < vscsi->vqs.nr_requests; i++)
		vq_change_state(&vscsi->vqs.request[i], VIRTSCSI_VQ_RUNNING,
				VIRTSCSI_VQ_PAUSED);
	synchronize_rcu();
}

void virtscsi_vq_resume_requests(struct virtscsi *vscsi)
{
	u32 i;

	for (i = 0; i < vscsi->vqs.nr_requests; i++)
		vq_change_state(&vscsi->vqs.request[i], VIRTSCSI_VQ_PAUSED,
				VIRTSCSI_VQ_RUNNING);
}

static void vq_look_for_broken(struct virtscsi_vq *vq, void *data)
{
	bool *is_broken = data;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	if (vq->vq && virtqueue_is_broken(vq->vq))
		*is_broken = true;
	spin_unlock_irqrestore(&vq->lock, flags);
}

/* True if the virtio core gave up on a virtqueue, or the device was removed. */
bool virtscsi_vq_is_broken(struct virtscsi *vscsi)
{
	bool is_broken = false;

	vq_for_each(vscsi, vq_look_for_broken, &is_broken);
	return is_broken;
}

static void vq_ring(struct virtqueue *vq)
{
	if (!virtqueue_notify(vq))
		vq_report_broken(vq);
}

static int vq_check_state(const struct virtscsi_vq *vq)
{
	switch (vq->state) {
	case VIRTSCSI_VQ_RUNNING:
		return 0;
	case VIRTSCSI_VQ_PAUSED:
	case VIRTSCSI_VQ_STOPPED:
		return -EBUSY;
	case VIRTSCSI_VQ_DEAD:
		break;
	}
	return -ENODEV;
}

/*
 * The device-readable parts of sgs come first. Any context; takes the lock of the
 * queue. Returns 0; -ENOSPC, the ring is full; -EBUSY, stopped or paused; -ENODEV,
 * the device is not used any more; -EIO, the virtqueue is broken; -ENOMEM, the DMA
 * mapping failed.
 */
int virtscsi_vq_add(struct virtscsi_vq *vq, struct scatterlist *sgs[],
		    unsigned int nr_out, unsigned int nr_in, void *buf,
		    bool is_last)
{
	bool needs_doorbell = false;
	unsigned long flags;
	int err;

	rcu_read_lock();
	spin_lock_irqsave(&vq->lock, flags);
	err = vq_check_state(vq);
	if (!err) {
		err = virtqueue_add_sgs(vq->vq, sgs, nr_out, nr_in, buf,
					GFP_ATOMIC);
		/* A packed ring returns -EIO for a failed mapping as well. */
		if (err == -EIO && !virtqueue_is_broken(vq->vq))
			err = -ENOMEM;
		vq->stats.added += !err;
		/* Without it the buffers in a full ring might never be seen. */
		if (is_last || err)
			needs_doorbell = virtqueue_kick_prepare(vq->vq);
		vq->stats.doorbells += needs_doorbell;
		if (err == -EIO)
			vq_report_broken(vq->vq);
	}
	spin_unlock_irqrestore(&vq->lock, flags);
	if (needs_doorbell)
		vq_ring(vq->vq);
	rcu_read_unlock();

	return err;
}

static void vq_kick(struct virtscsi_vq *vq, bool always)
{
	bool needs_doorbell = false;
	unsigned long flags;

	rcu_read_lock();
	spin_lock_irqsave(&vq->lock, flags);
	/* What is in a paused ring is still for the device to see. */
	if (!vq_check_state(vq) || vq->state == VIRTSCSI_VQ_PAUSED)
		needs_doorbell = virtqueue_kick_prepare(vq->vq) || always;
	if (!always)
		vq->stats.doorbells += needs_doorbell;
	spin_unlock_irqrestore(&vq->lock, flags);
	if (needs_doorbell)
		vq_ring(vq->vq);
	rcu_read_unlock();
}

/* Ring the doorbell for what was added without. */
void virtscsi_vq_kick(struct virtscsi_vq *vq)
{
	vq_kick(vq, false);
}

/*
 * Ring the doorbell whether the device asks for it or not. If a doorbell was
 * lost, the device has not looked since and has not asked for another one.
 */
void virtscsi_vq_kick_again(struct virtscsi_vq *vq)
{
	vq_kick(vq, true);
}

static bool vq_holds_more(const struct virtscsi_vq *vq)
{
	return vq->vq->num_free < virtqueue_get_vring_size(vq->vq);
}

/*
 * Takes out up to a batch. While the device has more, interrupts stay off:
 * finishing a batch takes longer than looking again, and finds what was
 * returned meanwhile without an interrupt for it. When this returns false, the
 * ring was seen empty after interrupts were enabled; a polled virtqueue has
 * none.
 */
static bool vq_take_batch(struct virtscsi_vq *vq, void *batch[REAP_BATCH],
			  unsigned int *nr, bool is_interrupt)
{
	bool has_interrupt, is_more = false;
	unsigned long flags;
	unsigned int len;

	*nr = 0;
	spin_lock_irqsave(&vq->lock, flags);
	if (vq->vq) {
		has_interrupt = vq->vq->callback;
		if (has_interrupt)
			virtqueue_disable_cb(vq->vq);
		while (*nr < REAP_BATCH) {
			batch[*nr] = virtqueue_get_buf(vq->vq, &len);
			if (!batch[*nr])
				break;
			(*nr)++;
		}
		vq->stats.returned += *nr;
		if (!is_interrupt)
			vq->stats.unprompted += *nr;
		is_more = *nr == REAP_BATCH ||
			  (has_interrupt && *nr && vq_holds_more(vq));
		if (virtqueue_is_broken(vq->vq))
			vq_report_broken(vq->vq);
		else if (!is_more && has_interrupt)
			is_more = !virtqueue_enable_cb(vq->vq);
	}
	spin_unlock_irqrestore(&vq->lock, flags);
	return is_more;
}

static unsigned int vq_reap(struct virtscsi *vscsi, struct virtscsi_vq *vq,
			    bool is_interrupt)
{
	void *batch[REAP_BATCH];
	unsigned int total = 0;
	unsigned int nr, i;
	bool is_more;

	rcu_read_lock();
	do {
		is_more = vq_take_batch(vq, batch, &nr, is_interrupt);
		for (i = 0; i < nr; i++)
			vq->ops->finish(vscsi, batch[i]);
		total += nr;
	} while (is_more);
	rcu_read_unlock();
	return total;
}

/*
 * Implements virtio 1.3, 2.7.14, without an interrupt. Returns the number of
 * buffers. Any context; takes the lock of the queue, but not around finish().
 */
unsigned int virtscsi_vq_reap(struct virtscsi *vscsi, struct virtscsi_vq *vq)
{
	return vq_reap(vscsi, vq, false);
}

/*
 * The device returns commands before the task management function that ended
 * them (virtio 1.3, 5.6.6.2), but each queue has an interrupt of its own, and
 * that of the commands may come later.
 */
void virtscsi_vq_reap_requests(struct virtscsi *vscsi)
{
	u32 i;

	for (i = 0; i < vscsi->vqs.nr_requests; i++)
		virtscsi_vq_reap(vscsi, &vscsi->vqs.request[i]);
}

/*
 * For an owner without finish(). Returns NULL when the next buffer will bring an
 * interrupt. Any context.
 */
void *virtscsi_vq_take(struct virtscsi_vq *vq)
{
	void *buf = NULL;
	unsigned long flags;
	unsigned int len;

	spin_lock_irqsave(&vq->lock, flags);
	if (!vq_check_state(vq)) {
		virtqueue_disable_cb(vq->vq);
		do {
			buf = virtqueue_get_buf(vq->vq, &len);
		} while (!buf && !virtqueue_is_broken(vq->vq) &&
			 !virtqueue_enable_cb(vq->vq));
		vq->stats.returned += !!buf;
		if (virtqueue_is_broken(vq->vq))
			vq_report_broken(vq->vq);
	}
	spin_unlock_irqrestore(&vq->lock, flags);
	return buf;
}

static void vq_detach_buffers(struct virtscsi *vscsi, struct virtscsi_vq *vq)
{
	bool is_gone = vq->state == VIRTSCSI_VQ_DEAD;
	unsigned long flags;
	void *buf;

	if (vq->ops->finish)
		virtscsi_vq_reap(vscsi, vq);

	rcu_read_lock();
	do {
		spin_lock_irqsave(&vq->lock, flags);
		buf = vq->vq ? virtqueue_detach_unused_buf(vq->vq) : NULL;
		vq->stats.returned += !!buf;
		spin_unlock_irqrestore(&vq->lock, flags);
		if (buf && vq->ops->lose)
			vq->ops->lose(vscsi, buf, is_gone);
	} while (buf);
	rcu_read_unlock();
}

/*
 * Implements virtio 1.3, 3.3.1: the device is reset. What it returned before is
 * reaped, the rest goes to lose(). Process context.
 */
void virtscsi_vq_detach_all(struct virtscsi *vscsi)
{
	struct virtscsi_vqs *vqs = &vscsi->vqs;
	u32 i;

	vq_detach_buffers(vscsi, &vqs->control);
	vq_detach_buffers(vscsi, &vqs->event);
	for (i = 0; i < vqs->nr_requests; i++)
		vq_detach_buffers(vscsi, &vqs->request[i]);
	/* Pollers and ioctls may still process what they took out before. */
	synchronize_rcu();
}

void virtscsi_vq_read_stats(struct virtscsi_vq *vq,
			    struct virtscsi_vq_stats *stats)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	*stats = vq->stats;
	spin_unlock_irqrestore(&vq->lock, flags);
}
