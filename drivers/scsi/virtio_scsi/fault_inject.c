// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults on demand, for people who test what is above the driver: a completion
 * of a command is lost, late, or nonsense. The kernel's fault_attr decides when,
 * and has a directory for each kind in debugfs, below that of the host.
 *
 * Between the ring and finish() a command is put aside here. For everybody else
 * the device still has it: the error handler does not believe that it is back,
 * and a reset of the device loses it with the others. One that is late is
 * finished by a work; what is left when the faults go is finished then.
 *
 * The lock protects the list of what is put aside. Whoever uses the faults of
 * an instance is within an RCU read-side critical section.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "fault_inject.h"

/* A response code that the specification does not have. */
#define FAULT_RESPONSE	0xa5

/* How late, unless told. */
#define FAULT_DELAY_MS	1000

struct virtscsi_faults {
	struct virtscsi *vscsi;
	struct fault_attr drop;
	struct fault_attr delay;
	struct fault_attr corrupt;
	u32 delay_ms;
	struct delayed_work work;
	spinlock_t lock;	/* held */
	struct list_head held;
};

/* @is_dropped: for good; else until @due, in jiffies. */
struct fault_held {
	struct list_head list;
	struct virtscsi_vq *vq;
	void *buf;
	bool is_dropped;
	unsigned long due;
};

static const struct fault_attr fault_default = FAULT_ATTR_INITIALIZER;

static void fault_init_attr(struct fault_attr *attr, const char *name,
			    struct dentry *dir)
{
	*attr = fault_default;
	/* A line for each, and no backtrace: it would always be the same. */
	attr->verbose = 1;
	fault_create_debugfs_attr(name, dir, attr);
}

static bool fault_hold(struct virtscsi_faults *faults, struct virtscsi_vq *vq,
		       void *buf, bool is_dropped)
{
	u32 delay_ms = READ_ONCE(faults->delay_ms);
	struct fault_held *held;
	unsigned long flags;

	held = kzalloc_obj(*held, GFP_ATOMIC);
	if (!held)
		return false;
	*held = (struct fault_held){
		.vq = vq,
		.buf = buf,
		.is_dropped = is_dropped,
		.due = jiffies + msecs_to_jiffies(delay_ms),
	};
	spin_lock_irqsave(&faults->lock, flags);
	list_add_tail(&held->list, &faults->held);
	spin_unlock_irqrestore(&faults->lock, flags);
	if (!is_dropped)
		schedule_delayed_work(&faults->work, 1);
	return true;
}

/**
 * virtscsi_fault_take() - a command is about to be finished
 * @vscsi: instance
 * @vq: its virtqueue
 * @buf: as finish() gets it
 *
 * Context: any, within RCU.
 * Return: true if finish() must not be called.
 */
bool virtscsi_fault_take(struct virtscsi *vscsi, struct virtscsi_vq *vq,
			 void *buf)
{
	struct virtscsi_faults *faults = READ_ONCE(vscsi->faults);
	struct virtscsi_cmd *cmd = buf;

	if (!faults || vq->ops != &virtscsi_cmd_vq_ops)
		return false;
	if (should_fail(&faults->corrupt, 1))
		memset(cmd->resp, FAULT_RESPONSE, sizeof(*cmd->resp));
	if (should_fail(&faults->drop, 1))
		return fault_hold(faults, vq, buf, true);
	return should_fail(&faults->delay, 1) &&
	       fault_hold(faults, vq, buf, false);
}

static bool fault_is_due(const struct fault_held *held)
{
	return !held->is_dropped && time_after_eq(jiffies, held->due);
}

/* The next of a virtqueue, or of any: one that is due, or whichever. */
static struct fault_held *fault_next(struct virtscsi_faults *faults,
				     const struct virtscsi_vq *vq, bool is_all)
{
	struct fault_held *held, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&faults->lock, flags);
	list_for_each_entry(held, &faults->held, list) {
		if ((vq && held->vq != vq) || (!is_all && !fault_is_due(held)))
			continue;
		list_del(&held->list);
		found = held;
		break;
	}
	spin_unlock_irqrestore(&faults->lock, flags);
	return found;
}

/**
 * virtscsi_fault_lose() - the device was reset; what is held here is lost too
 * @vscsi: instance
 * @vq: virtqueue
 * @is_gone: as lose() has it
 *
 * Context: process, within RCU.
 */
void virtscsi_fault_lose(struct virtscsi *vscsi, struct virtscsi_vq *vq,
			 bool is_gone)
{
	struct virtscsi_faults *faults = READ_ONCE(vscsi->faults);
	struct fault_held *held;

	if (!faults)
		return;
	while ((held = fault_next(faults, vq, true))) {
		vq->ops->lose(vscsi, held->buf, is_gone);
		kfree(held);
	}
}

static void fault_finish(struct virtscsi_faults *faults, bool is_all)
{
	struct fault_held *held;

	/* From taking out to the end of finish(), as in vq.c. */
	rcu_read_lock();
	while ((held = fault_next(faults, NULL, is_all))) {
		held->vq->ops->finish(faults->vscsi, held->buf);
		kfree(held);
	}
	rcu_read_unlock();
}

static void fault_work(struct work_struct *work)
{
	struct virtscsi_faults *faults =
		container_of(work, struct virtscsi_faults, work.work);
	bool is_more = false;
	struct fault_held *held;

	fault_finish(faults, false);
	spin_lock_irq(&faults->lock);
	list_for_each_entry(held, &faults->held, list)
		is_more |= !held->is_dropped;
	spin_unlock_irq(&faults->lock);
	if (is_more)
		schedule_delayed_work(&faults->work, 1);
}

/**
 * virtscsi_fault_add() - make the directories of an instance
 * @vscsi: instance
 * @dir: its directory in debugfs
 *
 * Context: process.
 */
void virtscsi_fault_add(struct virtscsi *vscsi, struct dentry *dir)
{
	struct virtscsi_faults *faults = kzalloc_obj(*faults, GFP_KERNEL);

	if (!faults)
		return;
	faults->vscsi = vscsi;
	faults->delay_ms = FAULT_DELAY_MS;
	INIT_DELAYED_WORK(&faults->work, fault_work);
	spin_lock_init(&faults->lock);
	INIT_LIST_HEAD(&faults->held);
	fault_init_attr(&faults->drop, "drop_completion", dir);
	fault_init_attr(&faults->delay, "delay_completion", dir);
	fault_init_attr(&faults->corrupt, "corrupt_completion", dir);
	debugfs_create_u32("delay_completion_ms", 0600, dir, &faults->delay_ms);
	smp_store_release(&vscsi->faults, faults); /* read under RCU */
}

/**
 * virtscsi_fault_remove() - no more faults
 * @vscsi: instance; its directory in debugfs is gone
 *
 * Context: process; waits for a grace period.
 */
void virtscsi_fault_remove(struct virtscsi *vscsi)
{
	struct virtscsi_faults *faults = vscsi->faults;

	if (!faults)
		return;
	WRITE_ONCE(vscsi->faults, NULL);
	synchronize_rcu();
	cancel_delayed_work_sync(&faults->work);
	fault_finish(faults, true);
	kfree(faults);
}
