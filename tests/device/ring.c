// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's side of split and packed virtqueues, with indirect descriptors
 * and EVENT_IDX.
 *
 * Everything in guest memory may change under our hands, so each descriptor is
 * read once into a local copy and judged there. A chain that breaks a rule is
 * a violation; where its meaning is still clear it is served all the same,
 * otherwise it is marked broken and its owner gives it back unused.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "memory.h"
#include "ring.h"
#include "violation.h"

#define DESC_NEXT	1
#define DESC_WRITE	2
#define DESC_INDIRECT	4
#define PACKED_AVAIL	(1 << 7)
#define PACKED_USED	(1 << 15)

#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY	1

#define EVENT_ENABLE	0
#define EVENT_DISABLE	1
#define EVENT_DESC	2

struct split_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct split_avail {
	uint16_t flags, idx, ring[];	/* and used_event */
};

struct split_used_elem {
	uint32_t id, len;
};

struct split_used {
	uint16_t flags, idx;
	struct split_used_elem ring[];	/* and avail_event */
};

struct packed_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id, flags;
};

struct packed_event {
	uint16_t off_wrap, flags;
};

static uint16_t load16(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store16(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Does moving an index from old to new pass the event the other side asked for? */
static bool passes_event(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

void ring_init(struct ring *r, unsigned int index)
{
	memset(r, 0, sizeof(*r));
	r->index = index;
	r->kick.fd = -1;
	r->call_fd = -1;
}

/* Finds the ring's three areas in guest memory; false if one is not there. */
bool ring_map(struct ring *r, uint64_t features)
{
	uint64_t desc_len = r->num * 16ull, avail_len, used_len;

	r->packed = features & 1ull << VIRTIO_F_RING_PACKED;
	r->event_idx = features & 1ull << VIRTIO_RING_F_EVENT_IDX;
	r->indirect = features & 1ull << VIRTIO_RING_F_INDIRECT_DESC;
	avail_len = r->packed ? 4 : 6 + r->num * 2ull;
	used_len = r->packed ? 4 : 6 + r->num * 8ull;
	r->desc = mem_user(r->desc_user, desc_len);
	r->avail = mem_user(r->avail_user, avail_len);
	r->used = mem_user(r->used_user, used_len);
	return r->num && r->desc && r->avail && r->used;
}

/*
 * A split ring resumes where the driver's index was. A packed one carries wrap
 * counters in bits 15 and 31 and both indexes; virtio_uml knows nothing of
 * that and says 0 for a new ring, whose counters start at 1.
 */
void ring_set_base(struct ring *r, uint32_t base, bool packed)
{
	r->next_avail = r->next_used = base;
	r->avail_wrap = r->used_wrap = true;
	if (packed && base) {
		r->next_avail = base & 0x7fff;
		r->avail_wrap = base >> 15 & 1;
		r->next_used = base >> 16 & 0x7fff;
		r->used_wrap = base >> 31;
	}
	r->signalled_valid = false;
}

uint32_t ring_base(const struct ring *r)
{
	if (!r->packed)
		return r->next_avail;
	return r->next_avail | r->avail_wrap << 15 |
	       (uint32_t)r->next_used << 16 | (uint32_t)r->used_wrap << 31;
}

/* The driver took everything back: no id is in flight any more. */
void ring_forget(struct ring *r)
{
	memset(r->in_flight, 0, sizeof(r->in_flight));
}

void ring_stop(struct ring *r)
{
	if (r->running)
		loop_del(&r->kick);
	r->running = false;
}

static void chain_break(struct ring *r, struct chain *c, const char *why)
{
	violation("queue %u: chain %u: %s", r->index, c->id, why);
	c->broken = true;
}

static void chain_add(struct ring *r, struct chain *c, uint64_t addr, uint32_t len, uint16_t flags)
{
	unsigned int nr = c->nr_out + c->nr_in;
	void *p = mem_guest(addr, len);

	c->nr_descs++;
	if (!p) {
		chain_break(r, c, "a buffer outside the guest's memory");
		return;
	}
	if (nr == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 16;
		c->seg = xalloc(c->seg, c->cap, sizeof(*c->seg));
	}
	c->seg[nr] = (struct iovec) { .iov_base = p, .iov_len = len };
	if (flags & DESC_WRITE) {
		c->nr_in++;
		return;
	}
	if (c->nr_in)
		chain_break(r, c, "a readable buffer behind a writable one");
	else
		c->nr_out++;
}

/* An indirect table, split (linked by next) or packed (in order). */
static void chain_add_table(struct ring *r, struct chain *c, uint64_t addr, uint32_t len,
			    uint16_t flags)
{
	const uint8_t *table = mem_guest(addr, len);
	unsigned int nr = len / 16;

	if (!r->indirect)
		violation("queue %u: chain %u: INDIRECT was not negotiated", r->index, c->id);
	if (flags & DESC_NEXT)
		chain_break(r, c, "both INDIRECT and NEXT in a descriptor");
	if (!table || !len || len % 16) {
		chain_break(r, c, "an indirect table of bad size or place");
		return;
	}
	if (nr > r->num)
		violation("queue %u: chain %u: indirect table of %u on a ring of %u",
			  r->index, c->id, nr, r->num);

	for (unsigned int i = 0, seen = 0; !c->broken; seen++) {
		struct split_desc s;
		struct packed_desc p;
		uint16_t f;

		if (seen >= nr) {
			chain_break(r, c, "a loop in an indirect table");
			return;
		}
		memcpy(&s, table + 16ull * i, sizeof(s));
		memcpy(&p, table + 16ull * i, sizeof(p));
		f = r->packed ? p.flags : s.flags;
		if (f & DESC_INDIRECT) {
			chain_break(r, c, "an indirect table in an indirect table");
			return;
		}
		chain_add(r, c, s.addr, s.len, f);
		if (r->packed) {
			if (++i == nr)
				return;
		} else {
			if (!(f & DESC_NEXT))
				return;
			i = s.next;
			if (i >= nr) {
				chain_break(r, c, "next points outside the indirect table");
				return;
			}
		}
	}
}

static bool split_pop(struct ring *r, struct chain *c)
{
	const struct split_avail *avail = r->avail;
	uint16_t pending = load16(&avail->idx) - r->next_avail;
	uint16_t i;

	if (!pending)
		return false;
	if (pending > r->num) {
		/*
		 * After a reset a driver takes back what the device holds, and its index
		 * goes back by as much. The ring is not ours any more; whoever did so
		 * without a reset waits for ever.
		 */
		if (r->is_reset_silent && (uint16_t)-pending <= r->num) {
			ring_stop(r);
			return false;
		}
		violation("queue %u: available index ran %u ahead on a ring of %u",
			  r->index, pending, r->num);
		r->next_avail += pending;	/* nothing in it can be believed */
		return false;
	}
	i = c->id = avail->ring[r->next_avail++ & (r->num - 1)];
	c->nr_entries = 0;

	while (!c->broken) {
		struct split_desc d;

		if (i >= r->num) {
			chain_break(r, c, "a descriptor index outside the ring");
			break;
		}
		if (c->nr_entries++ == r->num) {
			chain_break(r, c, "a loop of descriptors");
			break;
		}
		memcpy(&d, (struct split_desc *)r->desc + i, sizeof(d));
		if (d.flags & DESC_INDIRECT)
			chain_add_table(r, c, d.addr, d.len, d.flags);
		else
			chain_add(r, c, d.addr, d.len, d.flags);
		if (!(d.flags & DESC_NEXT) || d.flags & DESC_INDIRECT)
			break;
		i = d.next;
	}
	return true;
}

static bool packed_available(uint16_t flags, bool wrap)
{
	return !!(flags & PACKED_AVAIL) == wrap && !!(flags & PACKED_USED) != wrap;
}

static void packed_advance(struct ring *r, uint16_t *index, bool *wrap, unsigned int by)
{
	*index += by;
	if (*index >= r->num) {
		*index -= r->num;
		*wrap = !*wrap;
	}
}

static bool packed_pop(struct ring *r, struct chain *c)
{
	const struct packed_desc *ring = r->desc;
	struct packed_desc d;

	if (!packed_available(load16(&ring[r->next_avail].flags), r->avail_wrap))
		return false;
	c->nr_entries = 0;
	do {
		memcpy(&d, &ring[r->next_avail], sizeof(d));
		c->id = d.id;
		c->nr_entries++;
		packed_advance(r, &r->next_avail, &r->avail_wrap, 1);
		if (c->broken)
			continue;
		if (d.flags & DESC_INDIRECT)
			chain_add_table(r, c, d.addr, d.len, d.flags);
		else
			chain_add(r, c, d.addr, d.len, d.flags);
	} while (d.flags & DESC_NEXT && c->nr_entries < r->num);
	return true;
}

/* Fills c with the next chain (reusing its segment array); false: none. */
bool ring_pop(struct ring *r, struct chain *c)
{
	uint64_t total = 0;

	c->nr_out = c->nr_in = c->nr_descs = 0;
	c->broken = false;
	if (!(r->packed ? packed_pop(r, c) : split_pop(r, c)))
		return false;

	if (c->nr_descs > r->num)
		violation("queue %u: chain %u: %u descriptors on a ring of %u",
			  r->index, c->id, c->nr_descs, r->num);
	for (unsigned int i = 0; i < c->nr_out + c->nr_in; i++)
		total += c->seg[i].iov_len;
	if (total > UINT32_MAX)
		violation("queue %u: chain %u: more than 4 GiB", r->index, c->id);
	if (r->in_flight[c->id / 8] & 1 << c->id % 8)
		violation("queue %u: chain %u: already in flight", r->index, c->id);
	r->in_flight[c->id / 8] |= 1 << c->id % 8;
	return true;
}

void ring_push(struct ring *r, const struct chain *c, uint32_t len)
{
	r->in_flight[c->id / 8] &= ~(1 << c->id % 8);
	r->pushed = true;
	r->last_id = c->id;
	if (r->packed) {
		struct packed_desc *d = (struct packed_desc *)r->desc + r->next_used;
		uint16_t flags = r->used_wrap ? PACKED_AVAIL | PACKED_USED : 0;

		d->id = c->id;
		d->len = len;
		store16(&d->flags, flags | (len ? DESC_WRITE : 0));
		packed_advance(r, &r->next_used, &r->used_wrap, c->nr_entries);
		if (r->next_used < c->nr_entries)
			r->signalled_valid = false;
	} else {
		struct split_used *used = r->used;
		struct split_used_elem *e = &used->ring[r->next_used & (r->num - 1)];

		e->id = c->id;
		e->len = len;
		store16(&used->idx, ++r->next_used);
	}
}

static bool wants_signal(struct ring *r)
{
	uint16_t old = r->signalled_used, new = r->next_used;
	bool valid = r->signalled_valid;

	r->signalled_used = new;
	r->signalled_valid = true;
	if (r->packed) {
		const struct packed_event *e = r->avail;
		uint16_t flags = load16(&e->flags), off_wrap = load16(&e->off_wrap), off;

		if (flags == EVENT_DISABLE)
			return false;
		if (flags != EVENT_DESC || !r->event_idx || !valid)
			return true;
		off = off_wrap & 0x7fff;
		if (off_wrap >> 15 != r->used_wrap)
			off -= r->num;
		return passes_event(off, new, old);
	} else {
		const struct split_avail *avail = r->avail;

		if (!r->event_idx)
			return !(load16(&avail->flags) & AVAIL_NO_INTERRUPT);
		return !valid || passes_event(load16(&avail->ring[r->num]), new, old);
	}
}

/*
 * Interrupts the driver if it wants to know of what was pushed since the last
 * signal; where there is no call descriptor yet (QEMU sends it after the kick
 * descriptor), that waits for it. The descriptor is an eventfd (QEMU) or a
 * socket (UML); a full one means that the driver has yet to read earlier ones.
 */
void ring_signal(struct ring *r)
{
	const uint64_t one = 1;

	if (!r->pushed || r->call_fd < 0)
		return;
	r->pushed = false;
	full_barrier();
	if (!wants_signal(r))
		return;
	r->nr_calls++;
	if (send(r->call_fd, &one, sizeof(one), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno == ENOTSOCK && write(r->call_fd, &one, sizeof(one)) < 0)
		say("queue %u: interrupt: errno %d", r->index, errno);
}

/* Asks the driver not to kick while we are looking anyway. */
void ring_quiet(struct ring *r)
{
	if (r->packed)
		store16(&((struct packed_event *)r->used)->flags, EVENT_DISABLE);
	else if (!r->event_idx)
		store16(&((struct split_used *)r->used)->flags, USED_NO_NOTIFY);
}

/* Asks for a kick with the next chain; true if one has come in meanwhile. */
bool ring_rearm(struct ring *r)
{
	if (!r->running)
		return false;
	if (r->packed) {
		struct packed_event *e = r->used;

		store16(&e->off_wrap, r->next_avail | r->avail_wrap << 15);
		store16(&e->flags, r->event_idx ? EVENT_DESC : EVENT_ENABLE);
		full_barrier();
		return packed_available(load16(&((struct packed_desc *)r->desc)[r->next_avail].flags),
					r->avail_wrap);
	} else {
		struct split_used *used = r->used;

		if (r->event_idx)
			store16((uint16_t *)&used->ring[r->num], r->next_avail);
		else
			store16(&used->flags, 0);
		full_barrier();
		return load16(&((struct split_avail *)r->avail)->idx) != r->next_avail;
	}
}
