/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtqueues, split and packed. A chain is what the driver made available in
 * one go: a list of segments, device-readable ones first. The owner of a ring
 * pops chains, keeps each as long as it likes, pushes it back with the number
 * of bytes written, and signals once per batch.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "loop.h"

#define RING_MAX_RINGS	256	/* a vhost-user ring index is one byte */
#define RING_MAX_SIZE	32768

#define VIRTIO_RING_F_INDIRECT_DESC	28
#define VIRTIO_RING_F_EVENT_IDX		29
#define VIRTIO_F_VERSION_1		32
#define VIRTIO_F_RING_PACKED		34

struct chain {
	uint16_t id;		/* what identifies it to the driver */
	uint16_t nr_entries;	/* ring entries it takes */
	unsigned int nr_descs;	/* descriptors, those of an indirect table included */
	unsigned int nr_out, nr_in;
	struct iovec *seg;	/* nr_out readable ones, then nr_in writable ones */
	unsigned int cap;	/* room in seg */
	bool broken;		/* unusable: to be given back at once */
};

struct ring {
	struct source kick;	/* fd -1: none */
	int call_fd;
	unsigned int index;
	unsigned int num;
	bool enabled, running;
	bool packed, event_idx, indirect;
	bool is_reset_silent;	/* no message tells of the driver's resets */
	uint64_t desc_user, avail_user, used_user;
	void *desc, *avail, *used;
	uint16_t next_avail, next_used;
	bool avail_wrap, used_wrap;		/* packed */
	uint16_t signalled_used;
	bool signalled_valid, pushed;
	uint16_t last_id;	/* given back last */
	uint8_t in_flight[65536 / 8];		/* ids, to notice a reuse */
	uint64_t nr_kicks, nr_calls;
};

void ring_init(struct ring *r, unsigned int index);
bool ring_map(struct ring *r, uint64_t features);
void ring_set_base(struct ring *r, uint32_t base, bool packed);
uint32_t ring_base(const struct ring *r);
void ring_forget(struct ring *r);
void ring_stop(struct ring *r);

bool ring_pop(struct ring *r, struct chain *c);
void ring_push(struct ring *r, const struct chain *c, uint32_t len);
void ring_signal(struct ring *r);
void ring_quiet(struct ring *r);
bool ring_rearm(struct ring *r);

#endif
