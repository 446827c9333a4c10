/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands that the device has, see inflight.c.
 */
#ifndef VIRTSCSI_INFLIGHT_H
#define VIRTSCSI_INFLIGHT_H

#include <linux/rwsem.h>
#include <linux/types.h>

struct scsi_cmnd;
struct virtscsi;

/* Part of struct virtscsi. */
struct virtscsi_inflight {
	struct rw_semaphore iterating;	/* read: commands are visited */
	bool is_closed;			/* not any more */
};

void virtscsi_inflight_init(struct virtscsi *vscsi);
void virtscsi_inflight_close(struct virtscsi *vscsi);
void virtscsi_inflight_for_each(struct virtscsi *vscsi,
				bool (*fn)(struct scsi_cmnd *sc, void *data),
				void *data);
void virtscsi_inflight_write_note(struct virtscsi *vscsi, u64 tag, u8 note);
u8 virtscsi_inflight_read_note(struct scsi_cmnd *sc);

#endif
