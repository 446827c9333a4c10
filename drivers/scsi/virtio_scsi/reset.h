/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting, stopping and resetting the device, see reset.c.
 */
#ifndef VIRTSCSI_RESET_H
#define VIRTSCSI_RESET_H

#include <linux/mutex.h>
#include <linux/workqueue.h>

struct virtio_device;
struct virtscsi;
struct virtscsi_vq_setup;

/* What the device is to the driver. */
enum virtscsi_state {
	VIRTSCSI_STOPPED,	/* before DRIVER_OK, or reset; commands wait */
	VIRTSCSI_LIVE,		/* takes commands */
	VIRTSCSI_FAILED,	/* commands fail; a reset is tried again */
	VIRTSCSI_DEAD,		/* commands fail, for good */
};

/* Part of struct virtscsi. */
struct virtscsi_reset {
	struct mutex lock;	/* all but the works */
	enum virtscsi_state state;
	bool is_going;		/* being unbound: given up for good, */
	bool is_last;		/* instead of the next reset */
	struct task_struct *resetter;	/* calls done() with the lock held */
	struct work_struct work;	/* resets the device if it needs that */
	struct delayed_work tend;	/* for a device that does not work */
	unsigned int nr_watched;	/* of a reset by others, in seconds */
	unsigned int retry_s;	/* from giving up to the next try */
	u64 given_up_at;	/* in jiffies */
	u64 window_began;	/* of nr_in_window, in jiffies */
	unsigned int nr_in_window;
};

/* Of the module, for whoever may have to reset a device. */
extern struct workqueue_struct *virtscsi_reset_queue;

int virtscsi_reset_module_init(void);
void virtscsi_reset_module_exit(void);
void virtscsi_reset_init(struct virtscsi *vscsi, struct virtscsi_vq_setup *setup);
void virtscsi_reset_exit(struct virtscsi *vscsi);
void virtscsi_reset_start(struct virtscsi *vscsi);
void virtscsi_reset_begin_removal(struct virtscsi *vscsi);
int virtscsi_reset_device(struct virtscsi *vscsi, const char *why, bool is_fault);

/* The virtio core's calls. */
int virtscsi_reset_prepare(struct virtio_device *vdev);
int virtscsi_reset_done(struct virtio_device *vdev);
void virtscsi_reset_config_changed(struct virtio_device *vdev);

#endif
