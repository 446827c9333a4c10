// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtqueues: the only file that calls virtqueue_*().
 *
 * Each virtqueue has a lock of its own. It is held to put a buffer in and to
 * take finished ones out, never while a finished one is dealt with: reaping
 * takes a batch out under the lock and hands it to the queue's finish
 * function outside.
 *
 * Between the two a buffer is in nobody's hands that the error handler could
 * see. So reaping, from taking out to the end of finish(), is an RCU read-side
 * critical section: who has seen that a buffer is no longer in flight and then
 * waits for a grace period knows that nobody will touch it any more.
 *
 * Virtqueues come and go with each reset of the device. The locks stay for the
 * life of the instance; while there is no virtqueue the state says so. Whoever
 * finds one broken, by an index that the device cannot have been given or by a
 * doorbell that cannot be rung, tells recovery.c.
 */
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/rcupdate.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "fault_inject.h"
#include "virtscsi.h"

/*
 * Buffers taken out in one go under the lock, on which other CPUs wait. Each
 * takes some 250 instructions there, most of them to free its descriptors.
 */
#define REAP_BATCH	8

static struct virtscsi *vq_instance(struct virtqueue *vq)
{
	return vq->vdev->priv;
}

static unsigned int vq_reap(struct virtscsi *vscsi, struct virtscsi_vq *vq,
			    bool is_interrupt);

static void vq_control_done(struct virtqueue *vq)
{
	struct virtscsi *vscsi = vq_instance(vq);

	vscsi->ctrl_vq.stats.interrupts++;
	vq_reap(vscsi, &vscsi->ctrl_vq, true);
}

static void vq_event_done(struct virtqueue *vq)
{
	struct virtscsi *vscsi = vq_instance(vq);

	vscsi->event_vq.stats.interrupts++;
	virtscsi_event_schedule(vscsi);
}

static void vq_request_done(struct virtqueue *vq)
{
	struct virtscsi *vscsi = vq_instance(vq);
	struct virtscsi_vq *req_vq =
		&vscsi->req_vqs[vq->index - VIRTSCSI_VQ_REQUEST];

	req_vq->stats.interrupts++;
	vq_reap(vscsi, req_vq, true);
}

static void vq_attach(struct virtscsi_vq *vq, struct virtqueue *virtqueue)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	vq->vq = virtqueue;
	spin_unlock_irqrestore(&vq->lock, flags);
}

static void vq_attach_all(struct virtscsi *vscsi, struct virtqueue *vqs[])
{
	u32 i;

	vq_attach(&vscsi->ctrl_vq, vqs[VIRTSCSI_VQ_CONTROL]);
	vq_attach(&vscsi->event_vq, vqs[VIRTSCSI_VQ_EVENT]);
	for (i = 0; i < vscsi->nr_queues; i++)
		vq_attach(&vscsi->req_vqs[i], vqs[VIRTSCSI_VQ_REQUEST + i]);
}

static void vq_init(struct virtscsi_vq *vq, const struct virtscsi_vq_ops *ops)
{
	spin_lock_init(&vq->lock);
	vq->state = VIRTSCSI_VQ_STOPPED;
	vq->ops = ops;
}

/**
 * virtscsi_vq_init() - make the queues of a new instance ready to be found
 * @vscsi: instance, zeroed; nr_queues is set
 *
 * Context: process.
 */
void virtscsi_vq_init(struct virtscsi *vscsi)
{
	u32 i;

	vq_init(&vscsi->ctrl_vq, &virtscsi_tmf_vq_ops);
	vq_init(&vscsi->event_vq, NULL);
	for (i = 0; i < vscsi->nr_queues; i++)
		vq_init(&vscsi->req_vqs[i], &virtscsi_cmd_vq_ops);
}

/**
 * virtscsi_vq_discover() - find the device's virtqueues
 * @vscsi: instance; nr_queues says how many request virtqueues it has
 * @nr_poll_queues: how many of them, the last ones, shall have no interrupt
 *
 * Implements virtio 1.3, 5.6.2 and 5.6.5. The virtqueues are usable when the
 * state is set to VIRTSCSI_VQ_RUNNING.
 *
 * Context: process. The device is not yet DRIVER_OK.
 * Return: 0, -ENOMEM, or what the transport says, -ENOENT for a device that
 *	has fewer virtqueues.
 */
int virtscsi_vq_discover(struct virtscsi *vscsi, u32 nr_poll_queues)
{
	struct irq_affinity affinity = { .pre_vectors = VIRTSCSI_VQ_REQUEST };
	u32 nr_vqs = VIRTSCSI_VQ_REQUEST + vscsi->nr_queues;
	struct virtqueue_info *info;
	struct virtqueue **vqs;
	int err = -ENOMEM;
	u32 i;

	vqs = kcalloc(nr_vqs, sizeof(*vqs), GFP_KERNEL);
	info = kcalloc(nr_vqs, sizeof(*info), GFP_KERNEL);
	if (!vqs || !info)
		goto out;

	info[VIRTSCSI_VQ_CONTROL].name = "control";
	info[VIRTSCSI_VQ_CONTROL].callback = vq_control_done;
	info[VIRTSCSI_VQ_EVENT].name = "event";
	info[VIRTSCSI_VQ_EVENT].callback = vq_event_done;
	for (i = VIRTSCSI_VQ_REQUEST; i < nr_vqs; i++) {
		info[i].name = "request_poll";
		if (i < nr_vqs - nr_poll_queues) {
			info[i].name = "request";
			info[i].callback = vq_request_done;
		}
	}

	err = virtio_find_vqs(vscsi->vdev, nr_vqs, vqs, info, &affinity);
	if (!err)
		vq_attach_all(vscsi, vqs);
out:
	kfree(info);
	kfree(vqs);
	return err;
}

/* Control and event virtqueue, then the request virtqueues. */
static void vq_for_each(struct virtscsi *vscsi,
			void (*fn)(struct virtscsi_vq *vq, void *data),
			void *data)
{
	u32 i;

	fn(&vscsi->ctrl_vq, data);
	fn(&vscsi->event_vq, data);
	for (i = 0; i < vscsi->nr_queues; i++)
		fn(&vscsi->req_vqs[i], data);
}

static void vq_detach(struct virtscsi_vq *vq, void *unused)
{
	vq_attach(vq, NULL);
}

/**
 * virtscsi_vq_release() - give the virtqueues back
 * @vscsi: instance; its device is reset, its virtqueues are not running, and
 *	hold nothing any more
 *
 * Context: process.
 */
void virtscsi_vq_release(struct virtscsi *vscsi)
{
	vq_for_each(vscsi, vq_detach, NULL);
	vscsi->vdev->config->del_vqs(vscsi->vdev);
}

/**
 * virtscsi_vq_ring_size() - size of the smallest request virtqueue
 * @vscsi: instance with virtqueues
 *
 * Context: process.
 * Return: ring entries.
 */
u32 virtscsi_vq_ring_size(const struct virtscsi *vscsi)
{
	u32 size = U32_MAX;
	u32 i;

	for (i = 0; i < vscsi->nr_queues; i++)
		size = min(size,
			   virtqueue_get_vring_size(vscsi->req_vqs[i].vq));
	return size;
}

static void vq_set_state(struct virtscsi_vq *vq, void *data)
{
	enum virtscsi_vq_state *state = data;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	if (vq->state != VIRTSCSI_VQ_DEAD)
		vq->state = *state;
	spin_unlock_irqrestore(&vq->lock, flags);
}

/**
 * virtscsi_vq_set_state() - start, stop or kill all virtqueues
 * @vscsi: instance
 * @state: the new state; there is no way back from VIRTSCSI_VQ_DEAD
 *
 * When this returns nobody adds to a stopped or dead virtqueue any more, or
 * is about to ring its doorbell.
 *
 * Context: process; waits for a grace period.
 */
void virtscsi_vq_set_state(struct virtscsi *vscsi, enum virtscsi_vq_state state)
{
	vq_for_each(vscsi, vq_set_state, &state);
	if (state != VIRTSCSI_VQ_RUNNING)
		synchronize_rcu();
}

/**
 * virtscsi_vq_kill() - let one virtqueue take and give nothing any more
 * @vq: virtqueue
 *
 * Context: any.
 */
void virtscsi_vq_kill(struct virtscsi_vq *vq)
{
	enum virtscsi_vq_state state = VIRTSCSI_VQ_DEAD;

	vq_set_state(vq, &state);
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

/**
 * virtscsi_vq_is_broken() - has the virtio core given up on a virtqueue
 * @vscsi: instance
 *
 * Context: any.
 * Return: true if one is broken, by what the device did with it or by
 *	surprise removal.
 */
bool virtscsi_vq_is_broken(struct virtscsi *vscsi)
{
	bool is_broken = false;

	vq_for_each(vscsi, vq_look_for_broken, &is_broken);
	return is_broken;
}

static void vq_ring(struct virtqueue *vq)
{
	if (!virtqueue_notify(vq))
		virtscsi_recovery_check(vq_instance(vq));
}

static int vq_check_state(const struct virtscsi_vq *vq)
{
	switch (vq->state) {
	case VIRTSCSI_VQ_RUNNING:
		return 0;
	case VIRTSCSI_VQ_STOPPED:
		return -EBUSY;
	case VIRTSCSI_VQ_DEAD:
		break;
	}
	return -ENODEV;
}

/**
 * virtscsi_vq_add() - give a buffer to the device
 * @vq: virtqueue
 * @sgs: first the device-readable, then the device-writable parts
 * @nr_out: how many are device-readable
 * @nr_in: how many are device-writable
 * @buf: what finish() will be called with
 * @is_last: ring the doorbell now; else virtscsi_vq_kick() follows
 *
 * Context: any; takes the queue's lock.
 * Return: 0; -ENOSPC, the ring is full now; -EBUSY, the device is being reset;
 *	-ENODEV, it is gone; -EIO, the virtqueue is broken; -ENOMEM, no DMA
 *	mapping is to be had now.
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
		/* A packed ring says so of a mapping that failed, too. */
		if (err == -EIO && !virtqueue_is_broken(vq->vq))
			err = -ENOMEM;
		vq->stats.added += !err;
		/* What is in a full ring must not wait for its doorbell. */
		if (is_last || err)
			needs_doorbell = virtqueue_kick_prepare(vq->vq);
		vq->stats.doorbells += needs_doorbell;
		if (err == -EIO)
			virtscsi_recovery_check(vq_instance(vq->vq));
	}
	spin_unlock_irqrestore(&vq->lock, flags);
	if (needs_doorbell)
		vq_ring(vq->vq);
	rcu_read_unlock();

	return err;
}

/**
 * virtscsi_vq_kick_again() - ring the doorbell, whether it is asked for or not
 * @vq: virtqueue
 *
 * For a doorbell that may have been lost: the device has seen nothing since,
 * so it has not asked for another one.
 *
 * Context: any; takes the queue's lock.
 */
void virtscsi_vq_kick_again(struct virtscsi_vq *vq)
{
	unsigned long flags;
	bool is_running;

	rcu_read_lock();
	spin_lock_irqsave(&vq->lock, flags);
	is_running = !vq_check_state(vq);
	if (is_running)
		virtqueue_kick_prepare(vq->vq);
	spin_unlock_irqrestore(&vq->lock, flags);
	if (is_running)
		vq_ring(vq->vq);
	rcu_read_unlock();
}

/**
 * virtscsi_vq_kick() - ring the doorbell for what was added without
 * @vq: virtqueue
 *
 * Context: any; takes the queue's lock.
 */
void virtscsi_vq_kick(struct virtscsi_vq *vq)
{
	bool needs_doorbell = false;
	unsigned long flags;

	rcu_read_lock();
	spin_lock_irqsave(&vq->lock, flags);
	if (!vq_check_state(vq))
		needs_doorbell = virtqueue_kick_prepare(vq->vq);
	vq->stats.doorbells += needs_doorbell;
	spin_unlock_irqrestore(&vq->lock, flags);
	if (needs_doorbell)
		vq_ring(vq->vq);
	rcu_read_unlock();
}

static bool vq_holds_more(const struct virtscsi_vq *vq)
{
	return vq->vq->num_free < virtqueue_get_vring_size(vq->vq);
}

/*
 * Take out up to a batch. While the device has more, interrupts stay off: to
 * finish a batch takes longer than to look again, and finds what came
 * meanwhile without an interrupt for it. When this returns false, the ring was
 * seen empty after interrupts were on again; a polled virtqueue has none.
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
			virtscsi_recovery_check(vq_instance(vq->vq));
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
			if (!virtscsi_fault_take(vscsi, vq, batch[i]))
				vq->ops->finish(vscsi, batch[i]);
		total += nr;
	} while (is_more);
	rcu_read_unlock();
	return total;
}

/**
 * virtscsi_vq_reap() - deal with what the device gave back
 * @vscsi: instance
 * @vq: control virtqueue or a request virtqueue
 *
 * Implements virtio 1.3, 2.7.14, for whoever does not wait for the interrupt.
 *
 * Context: any; takes the queue's lock, but not around finish().
 * Return: how many buffers came back.
 */
unsigned int virtscsi_vq_reap(struct virtscsi *vscsi, struct virtscsi_vq *vq)
{
	return vq_reap(vscsi, vq, false);
}

/**
 * virtscsi_vq_reap_requests() - reap every request virtqueue
 * @vscsi: instance
 *
 * The device finishes commands before the task management function that ended
 * them (virtio 1.3, 5.6.6.2), but each queue has an interrupt of its own and
 * theirs may come later.
 *
 * Context: any.
 */
void virtscsi_vq_reap_requests(struct virtscsi *vscsi)
{
	u32 i;

	for (i = 0; i < vscsi->nr_queues; i++)
		virtscsi_vq_reap(vscsi, &vscsi->req_vqs[i]);
}

/**
 * virtscsi_vq_get_event() - take the next event out
 * @vscsi: instance
 *
 * Context: process.
 * Return: the buffer, or NULL; then the next event brings an interrupt.
 */
void *virtscsi_vq_get_event(struct virtscsi *vscsi)
{
	struct virtscsi_vq *vq = &vscsi->event_vq;
	void *event = NULL;
	unsigned long flags;
	unsigned int len;

	spin_lock_irqsave(&vq->lock, flags);
	if (!vq_check_state(vq)) {
		virtqueue_disable_cb(vq->vq);
		do {
			event = virtqueue_get_buf(vq->vq, &len);
		} while (!event && !virtqueue_is_broken(vq->vq) &&
			 !virtqueue_enable_cb(vq->vq));
		vq->stats.returned += !!event;
		if (virtqueue_is_broken(vq->vq))
			virtscsi_recovery_check(vscsi);
	}
	spin_unlock_irqrestore(&vq->lock, flags);
	return event;
}

/**
 * virtscsi_vq_put_event() - give an event buffer to the device
 * @vscsi: instance
 * @event: the buffer, event_stride bytes
 *
 * Implements virtio 1.3, 5.6.6.3: the event queue is kept populated.
 *
 * Context: process.
 * Return: as virtscsi_vq_add().
 */
int virtscsi_vq_put_event(struct virtscsi *vscsi, void *event)
{
	struct scatterlist sg, *sgs[] = { &sg };

	sg_init_one(&sg, event, virtscsi_limit(vscsi, VIRTSCSI_EVENT_SIZE));
	return virtscsi_vq_add(&vscsi->event_vq, sgs, 0, 1, event, true);
}

static void vq_detach_buffers(struct virtscsi *vscsi, struct virtscsi_vq *vq)
{
	bool is_gone = vq->state == VIRTSCSI_VQ_DEAD;
	unsigned long flags;
	void *buf;

	if (vq->ops)
		virtscsi_vq_reap(vscsi, vq);

	rcu_read_lock();
	do {
		spin_lock_irqsave(&vq->lock, flags);
		buf = vq->vq ? virtqueue_detach_unused_buf(vq->vq) : NULL;
		vq->stats.returned += !!buf;
		spin_unlock_irqrestore(&vq->lock, flags);
		if (buf && vq->ops)
			vq->ops->lose(vscsi, buf, is_gone);
	} while (buf);
	virtscsi_fault_lose(vscsi, vq, is_gone);
	rcu_read_unlock();
}

/**
 * virtscsi_vq_detach_all() - take back what a reset device will not finish
 * @vscsi: instance; its device is reset, its virtqueues are not running
 *
 * Implements virtio 1.3, 3.3.1. What the device did finish before the reset is
 * reaped as ever, the rest goes to lose().
 *
 * Context: process.
 */
void virtscsi_vq_detach_all(struct virtscsi *vscsi)
{
	u32 i;

	vq_detach_buffers(vscsi, &vscsi->ctrl_vq);
	vq_detach_buffers(vscsi, &vscsi->event_vq);
	for (i = 0; i < vscsi->nr_queues; i++)
		vq_detach_buffers(vscsi, &vscsi->req_vqs[i]);
}
