/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtqueues, see vq.c.
 */
#ifndef VIRTSCSI_VQ_H
#define VIRTSCSI_VQ_H

#include <linux/cache.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct scatterlist;
struct virtqueue;
struct virtscsi;
struct work_struct;
struct workqueue_struct;

/* The order of the virtqueues (virtio 1.3, 5.6.2). */
enum virtscsi_vq_index {
	VIRTSCSI_VQ_CONTROL,
	VIRTSCSI_VQ_EVENT,
	VIRTSCSI_VQ_REQUEST,
};

/* What adding to a virtqueue does. */
enum virtscsi_vq_state {
	VIRTSCSI_VQ_RUNNING,	/* the buffer goes to the device */
	VIRTSCSI_VQ_PAUSED,	/* refused; the device still returns buffers */
	VIRTSCSI_VQ_STOPPED,	/* refused; the device is being reset */
	VIRTSCSI_VQ_DEAD,	/* refused for good */
};

/* A buffer of an owner with finish() begins with it. Links what was taken out. */
struct virtscsi_vq_link {
	struct virtscsi_vq_link *next;
};

/*
 * The owner of a virtqueue. finish() and lose() are called under RCU, without a
 * lock: the device returned a buffer; or it was reset, or is not used any more,
 * and will not. interrupt may be NULL: the buffers are reaped at once.
 */
struct virtscsi_vq_ops {
	void (*finish)(struct virtscsi *vscsi, void *buf);
	void (*lose)(struct virtscsi *vscsi, void *buf, bool is_gone);
	void (*interrupt)(struct virtscsi *vscsi);
};

/* Never set back. */
struct virtscsi_vq_stats {
	u64 added;
	u64 returned;
	u64 unprompted;		/* of these, not because of an interrupt */
	u64 doorbells;
	u64 interrupts;		/* not under the lock: they come one at a time */
};

/* Up to stats.interrupts in one cache line. */
struct virtscsi_vq {
	spinlock_t lock;	/* all but ops and stats.interrupts */
	enum virtscsi_vq_state state;
	struct virtqueue *vq;	/* NULL while the device is reset; also under RCU */
	const struct virtscsi_vq_ops *ops;
	struct virtscsi_vq_stats stats;
	unsigned int seen;	/* polled: the ring is empty while it is here */
} ____cacheline_aligned_in_smp;

/* What a new instance is set up with. */
struct virtscsi_vq_setup {
	u32 nr_requests;	/* polled ones included */
	u32 nr_polled;		/* the last ones */
	const struct virtscsi_vq_ops *control;
	const struct virtscsi_vq_ops *event;
	const struct virtscsi_vq_ops *request;
	struct work_struct *broken_work;	/* a virtqueue is broken */
	struct workqueue_struct *broken_queue;
};

/* Part of struct virtscsi. */
struct virtscsi_vqs {
	struct virtscsi_vq_setup setup;
	struct virtscsi_vq of[];	/* by enum virtscsi_vq_index */
};

void virtscsi_vq_init(struct virtscsi *vscsi,
		      const struct virtscsi_vq_setup *setup);
void virtscsi_vq_interrupt(struct virtqueue *virtqueue);
int virtscsi_vq_find(struct virtscsi *vscsi, bool use_fewer);
void virtscsi_vq_release(struct virtscsi *vscsi);
u32 virtscsi_vq_ring_size(struct virtscsi *vscsi);
u32 virtscsi_vq_nr_polled(const struct virtscsi *vscsi);
struct virtscsi_vq *virtscsi_vq_control(struct virtscsi *vscsi);
struct virtscsi_vq *virtscsi_vq_event(struct virtscsi *vscsi);
void virtscsi_vq_set_state(struct virtscsi *vscsi,
			   enum virtscsi_vq_state state);
void virtscsi_vq_pause_requests(struct virtscsi *vscsi);
void virtscsi_vq_resume_requests(struct virtscsi *vscsi);
bool virtscsi_vq_is_broken(struct virtscsi *vscsi);
int virtscsi_vq_add(struct virtscsi_vq *vq, struct scatterlist *sgs[],
		    unsigned int nr_out, unsigned int nr_in, void *buf,
		    bool is_last);
void virtscsi_vq_kick(struct virtscsi_vq *vq, bool is_again);
unsigned int virtscsi_vq_reap(struct virtscsi *vscsi, struct virtscsi_vq *vq);
unsigned int virtscsi_vq_poll(struct virtscsi *vscsi, struct virtscsi_vq *vq);
void virtscsi_vq_reap_requests(struct virtscsi *vscsi);
void *virtscsi_vq_take(struct virtscsi_vq *vq);
void virtscsi_vq_detach_all(struct virtscsi *vscsi);
struct virtscsi_vq_stats virtscsi_vq_read_stats(struct virtscsi_vq *vq);

#endif
