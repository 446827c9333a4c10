// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtqueues in use: adding, reaping, stopping. Only this file and vq_find.c call
 * virtqueue_*().
 *
 * Each virtqueue has a lock. It is held to add a buffer and to take returned buffers
 * out, and is not held while a returned buffer is processed: reaping takes a batch out
 * under the lock and passes it to the owner's finish() outside.
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

static void vq_report_broken(struct virtqueue *vq)
{
	struct virtscsi *vscsi = vq->vdev->priv;

	queue_work(vscsi->vqs.setup.broken_queue, vscsi->vqs.setup.broken_work);
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

	vqs->setup = *setup;
	vq_init_one(&vqs->of[VIRTSCSI_VQ_CONTROL], setup->control);
	vq_init_one(&vqs->of[VIRTSCSI_VQ_EVENT], setup->event);
	for (i = VIRTSCSI_VQ_REQUEST; i < virtscsi_vq_count(vqs); i++)
		vq_init_one(&vqs->of[i], setup->request);
}

static unsigned int vq_reap(struct virtscsi *vscsi, struct virtscsi_vq *vq,
			    bool is_interrupt);

void virtscsi_vq_interrupt(struct virtqueue *virtqueue)
{
	struct virtscsi *vscsi = virtqueue->vdev->priv;
	struct virtscsi_vq *vq = &vscsi->vqs.of[virtqueue->index];

	vq->stats.interrupts++;
	if (vq->ops->interrupt)
		vq->ops->interrupt(vscsi);
	else
		vq_reap(vscsi, vq, true);
}

u32 virtscsi_vq_nr_polled(const struct virtscsi *vscsi)
{
	return vscsi->vqs.setup.nr_polled;
}

struct virtscsi_vq *virtscsi_vq_control(struct virtscsi *vscsi)
{
	return &vscsi->vqs.of[VIRTSCSI_VQ_CONTROL];
}

struct virtscsi_vq *virtscsi_vq_event(struct virtscsi *vscsi)
{
	return &vscsi->vqs.of[VIRTSCSI_VQ_EVENT];
}

/* Where the device goes on, for virtscsi_vq_poll(). */
static void vq_remember(struct virtscsi_vq *vq)
{
	WRITE_ONCE(vq->seen, virtqueue_enable_cb_prepare(vq->vq));
	virtqueue_disable_cb(vq->vq);
}

/*
 * When this returns, nobody adds to a virtqueue that is not running, or is about
 * to ring its doorbell. Waits for a grace period, except for RUNNING.
 */
void virtscsi_vq_set_state(struct virtscsi *vscsi, enum virtscsi_vq_state state)
{
	struct virtscsi_vqs *vqs = &vscsi->vqs;
	unsigned long flags;
	u32 i;

	for (i = 0; i < virtscsi_vq_count(vqs); i++) {
		spin_lock_irqsave(&vqs->of[i].lock, flags);
		vqs->of[i].state = state;
		if (state == VIRTSCSI_VQ_RUNNING && !vqs->of[i].vq->callback)
			vq_remember(&vqs->of[i]);
		spin_unlock_irqrestore(&vqs->of[i].lock, flags);
	}
	if (state != VIRTSCSI_VQ_RUNNING)
		synchronize_rcu();
}

static void vq_change_requests(struct virtscsi *vscsi,
			       enum virtscsi_vq_state from,
			       enum virtscsi_vq_state to)
{
	struct virtscsi_vq *vq;
	unsigned long flags;
	u32 i;

	for (i = 0; i < vscsi->vqs.setup.nr_requests; i++) {
		vq = virtscsi_vq_request(vscsi, i);
		spin_lock_irqsave(&vq->lock, flags);
		if (vq->state == from)
			vq->state = to;
		spin_unlock_irqrestore(&vq->lock, flags);
	}
}

/* Waits for a grace period, after which nobody adds a request any more. */
void virtscsi_vq_pause_requests(struct virtscsi *vscsi)
{
	vq_change_requests(vscsi, VIRTSCSI_VQ_RUNNING, VIRTSCSI_VQ_PAUSED);
	synchronize_rcu();
}

void virtscsi_vq_resume_requests(struct virtscsi *vscsi)
{
	vq_change_requests(vscsi, VIRTSCSI_VQ_PAUSED, VIRTSCSI_VQ_RUNNING);
}

/* True if the virtio core gave up on a virtqueue, or the device was removed. */
bool virtscsi_vq_is_broken(struct virtscsi *vscsi)
{
	struct virtscsi_vqs *vqs = &vscsi->vqs;
	bool is_broken = false;
	unsigned long flags;
	u32 i;

	for (i = 0; i < virtscsi_vq_count(vqs); i++) {
		spin_lock_irqsave(&vqs->of[i].lock, flags);
		if (vqs->of[i].vq && virtqueue_is_broken(vqs->of[i].vq))
			is_broken = true;
		spin_unlock_irqrestore(&vqs->of[i].lock, flags);
	}
	return is_broken;
}

/* Without the lock, but under RCU: before virtscsi_vq_set_state() returns. */
static void vq_ring(struct virtqueue *vq)
{
	if (!virtqueue_notify(vq))
		vq_report_broken(vq);
}

static int vq_check_state(const struct virtscsi_vq *vq)
{
	if (likely(vq->state == VIRTSCSI_VQ_RUNNING))
		return 0;
	return vq->state == VIRTSCSI_VQ_DEAD ? -ENODEV : -EBUSY;
}

/* The device has buffers of this virtqueue. */
static bool vq_is_in_use(const struct virtscsi_vq *vq)
{
	return vq->stats.added != vq->stats.returned;
}

/*
 * The device-readable parts of sgs come first. Any context; takes the lock of the
 * queue. Returns 0; -ENOSPC, the ring is full; -EBUSY, stopped, paused or broken;
 * -ENODEV, the device is not used any more; -ENOMEM, the DMA mapping failed.
 */
int virtscsi_vq_add(struct virtscsi_vq *vq, struct scatterlist *sgs[],
		    unsigned int nr_out, unsigned int nr_in, void *buf,
		    bool is_last)
{
	struct virtqueue *virtqueue;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&vq->lock, flags);
	err = vq_check_state(vq);
	if (unlikely(err))
		goto unlock;

	/* The virtio core rings for each attempt on a full ring, with the lock. */
	err = -ENOSPC;
	if (likely(vq->vq->num_free))
		err = virtqueue_add_sgs(vq->vq, sgs, nr_out, nr_in, buf,
					GFP_ATOMIC);
	if (likely(!err))
		vq->stats.added++;
	/* A packed ring returns -EIO for a failed mapping as well. */
	else if (err == -EIO && !virtqueue_is_broken(vq->vq))
		err = -ENOMEM;
	if (err == -EIO) {
		vq_report_broken(vq->vq);
		err = -EBUSY;
	}
	/* Without it the buffers in a full ring might never be seen. */
	if ((is_last || err) && virtqueue_kick_prepare(vq->vq)) {
		vq->stats.doorbells++;
		virtqueue = vq->vq;
		rcu_read_lock();
		spin_unlock_irqrestore(&vq->lock, flags);
		vq_ring(virtqueue);
		rcu_read_unlock();
		return err;
	}
unlock:
	spin_unlock_irqrestore(&vq->lock, flags);
	return err;
}

/*
 * Rings the doorbell for what was added without, or, if it @is_again, whether the
 * device asks for it or not: if one was lost, the device has not looked since.
 */
void virtscsi_vq_kick(struct virtscsi_vq *vq, bool is_again)
{
	struct virtqueue *virtqueue;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	virtqueue = vq->vq;
	/* What is in a paused ring is still for the device to see. */
	if ((!vq_check_state(vq) || vq->state == VIRTSCSI_VQ_PAUSED) &&
	    (virtqueue_kick_prepare(virtqueue) || is_again)) {
		vq->stats.doorbells += !is_again;
		rcu_read_lock();
		spin_unlock_irqrestore(&vq->lock, flags);
		vq_ring(virtqueue);
		rcu_read_unlock();
		return;
	}
	spin_unlock_irqrestore(&vq->lock, flags);
}

/*
 * Takes out up to a batch. In the interrupt handler, while the device has more,
 * interrupts stay off: finishing a batch takes longer than looking again, and
 * finds what was returned meanwhile without an interrupt for it. Others may be
 * preempted. When this returns false, the ring was seen empty after interrupts
 * were enabled; a polled virtqueue has none.
 */
static bool vq_take_batch(struct virtscsi_vq *vq, struct virtscsi_vq_link **tail,
			  bool is_interrupt)
{
	bool has_interrupt, is_more = false;
	struct virtscsi_vq_link *link;
	unsigned int nr = 0, len;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	if (!vq->vq)
		goto unlock;
	has_interrupt = vq->vq->callback;
	if (has_interrupt)
		virtqueue_disable_cb(vq->vq);
	do {
		link = virtqueue_get_buf(vq->vq, &len);
		if (!link)
			break;
		*tail = link;
		tail = &link->next;
		vq->stats.returned++;
	} while (++nr < REAP_BATCH && vq_is_in_use(vq));
	if (!is_interrupt)
		vq->stats.unprompted += nr;

	if (vq_is_in_use(vq) && nr && (has_interrupt ? is_interrupt : nr == REAP_BATCH))
		is_more = true;
	else if (virtqueue_is_broken(vq->vq))
		vq_report_broken(vq->vq);
	else if (has_interrupt)
		is_more = !virtqueue_enable_cb(vq->vq) || nr == REAP_BATCH;
	else
		vq_remember(vq);
unlock:
	spin_unlock_irqrestore(&vq->lock, flags);
	*tail = NULL;
	return is_more;
}

static unsigned int vq_reap(struct virtscsi *vscsi, struct virtscsi_vq *vq,
			    bool is_interrupt)
{
	struct virtscsi_vq_link *taken, *next;
	unsigned long flags = 0;
	unsigned int nr = 0;
	bool is_more;

	rcu_read_lock();
	do {
		is_more = vq_take_batch(vq, &taken, is_interrupt);
		/* As in-tree; dm-crypt and f2fs may sleep in it otherwise. */
		if (!IS_ENABLED(CONFIG_PREEMPT_RT))
			local_irq_save(flags);
		for (; taken; taken = next) {
			next = taken->next;
			vq->ops->finish(vscsi, taken);
			nr++;
		}
		if (!IS_ENABLED(CONFIG_PREEMPT_RT))
			local_irq_restore(flags);
	} while (is_more);
	rcu_read_unlock();
	return nr;
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
 * The same for a virtqueue without interrupts, except that an empty ring costs no
 * lock, which those who submit need.
 */
unsigned int virtscsi_vq_poll(struct virtscsi *vscsi, struct virtscsi_vq *vq)
{
	struct virtqueue *virtqueue;
	unsigned int nr = 0;

	rcu_read_lock();
	virtqueue = READ_ONCE(vq->vq);
	if (virtqueue && virtqueue_poll(virtqueue, READ_ONCE(vq->seen)))
		nr = vq_reap(vscsi, vq, false);
	rcu_read_unlock();
	return nr;
}

/*
 * The device returns commands before the task management function that ended
 * them (virtio 1.3, 5.6.6.2), but each queue has an interrupt of its own, and
 * that of the commands may come later.
 */
void virtscsi_vq_reap_requests(struct virtscsi *vscsi)
{
	u32 i;

	for (i = 0; i < vscsi->vqs.setup.nr_requests; i++)
		virtscsi_vq_reap(vscsi, virtscsi_vq_request(vscsi, i));
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
	u32 i;

	for (i = 0; i < virtscsi_vq_count(&vscsi->vqs); i++)
		vq_detach_buffers(vscsi, &vscsi->vqs.of[i]);
	/* Pollers and ioctls may still process what they took out before. */
	synchronize_rcu();
}

struct virtscsi_vq_stats virtscsi_vq_read_stats(struct virtscsi_vq *vq)
{
	struct virtscsi_vq_stats stats;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	stats = vq->stats;
	spin_unlock_irqrestore(&vq->lock, flags);
	return stats;
}
