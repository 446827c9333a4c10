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

/* What the device is to the driver; the transitions are in reset.c. */
enum virtscsi_state {
	VIRTSCSI_STOPPED,	/* reset, without virtqueues; commands wait */
	VIRTSCSI_READY,		/* has virtqueues; DRIVER_OK is not set */
	VIRTSCSI_LIVE,		/* takes commands */
	VIRTSCSI_GOING,		/* likewise; being unbound, no reset any more */
	VIRTSCSI_FAILED,	/* commands fail; a reset is tried again */
	VIRTSCSI_DEAD,		/* commands fail, for good */
	VIRTSCSI_NR_STATES
};

/* Part of struct virtscsi. */
struct virtscsi_reset {
	struct mutex whole;	/* a reset, beginning to end; before lock */
	struct mutex lock;	/* state, is_transport, nr_watched */
	enum virtscsi_state state;
	bool is_transport;	/* suspended, or being reset by the transport */
	struct work_struct work;	/* resets the device if it needs that */
	struct delayed_work watch;	/* did the transport's reset end? */
	unsigned int nr_watched;
	struct delayed_work revive;	/* tries a failed device again */
	unsigned int revive_s;		/* until the next try */
	unsigned int nr_fruitless;	/* in a row, no command finished */
	u64 window_began;	/* of nr_in_window, in jiffies */
	unsigned int nr_in_window;
};

int virtscsi_reset_module_init(void);
void virtscsi_reset_module_exit(void);
void virtscsi_reset_init(struct virtscsi *vscsi, struct virtscsi_vq_setup *setup);
void virtscsi_reset_exit(struct virtscsi *vscsi);
int virtscsi_reset_find(struct virtscsi *vscsi);
void virtscsi_reset_start(struct virtscsi *vscsi);
void virtscsi_reset_begin_removal(struct virtscsi *vscsi);
void virtscsi_reset_kill(struct virtscsi *vscsi);
void virtscsi_reset_check(struct virtscsi *vscsi);
int virtscsi_reset_device(struct virtscsi *vscsi, const char *why);

/* The virtio core's calls. */
int virtscsi_reset_prepare(struct virtio_device *vdev);
int virtscsi_reset_done(struct virtio_device *vdev);
void virtscsi_reset_config_changed(struct virtio_device *vdev);

#endif
