/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events, see event.c.
 */
#ifndef VIRTSCSI_EVENT_H
#define VIRTSCSI_EVENT_H

#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "vq.h"

struct scsi_cmnd;
struct virtscsi;

/* Part of struct virtscsi. */
struct virtscsi_events {
	struct delayed_work work;	/* takes events out of the virtqueue */
	struct mutex lock;		/* buffers, virtqueue against a reset */
	void *buffers;
	u32 stride;			/* distance of two buffers in bytes */
	unsigned long kept;		/* buffers the device does not have */
	bool is_stopped;
};

extern const struct virtscsi_vq_ops virtscsi_event_vq_ops;

void virtscsi_event_init(struct virtscsi *vscsi);
int virtscsi_event_alloc(struct virtscsi *vscsi);
void virtscsi_event_exit(struct virtscsi *vscsi);
void virtscsi_event_stop(struct virtscsi *vscsi);
void virtscsi_event_post(struct virtscsi *vscsi);
void virtscsi_event_take_back(struct virtscsi *vscsi);
bool virtscsi_event_note_sense(struct virtscsi *vscsi, struct scsi_cmnd *sc);
void virtscsi_event_check(struct virtscsi *vscsi);

#endif
