// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An event takes a buffer of the driver's. Where there is none it is lost, and
 * the next one says that events were missed.
 */
#include "bytes.h"
#include "config.h"
#include "events.h"
#include "hba.h"
#include "leak.h"
#include "misbehave.h"
#include "mutate.h"
#include "stats.h"
#include "target.h"
#include "violation.h"
#include "wire.h"

struct event {
	uint8_t bytes[DEED_MAX_BYTES];
	uint32_t len;
	struct deed deed;
};

static bool missed, dropped;
static struct event swapped;		/* sent after the next one; len 0: none */
static struct {
	uint64_t left;
	uint32_t event, reason;
	uint8_t lun[8];
} storm;

void events_new_driver(void)
{
	missed = false;
	swapped.len = 0;
	storm.left = 0;
}

static bool put(const struct event *e)
{
	uint32_t info_size = config_in_force(CONFIG_EVENT_INFO_SIZE);
	struct ring *r = hba_ring(QUEUE_EVENT);
	static struct chain c;
	struct sgl in, all;
	uint64_t written;

	if (dropped || !r->running || !ring_pop(r, &c)) {
		missed = true;
		stats.events_dropped++;
		return false;
	}
	ring_rearm(r);
	stats_chain(r->index, c.nr_descs);
	in = sgl_new(c.seg + c.nr_out, c.broken ? 0 : c.nr_in);
	if (c.nr_out)
		violation("event queue: a readable buffer");
	if (in.left < EVENT_SIZE)
		violation("event queue: a buffer of %llu bytes", (unsigned long long)in.left);
	else if (in.left < info_size && info_size <= 4096)
		violation("event queue: a buffer of %llu bytes, event_info_size is %u",
			  (unsigned long long)in.left, info_size);
	all = in;
	leak_check_writable(r->index, in);
	written = sgl_put(&in, e->bytes, e->len);
	leak_wrote(all);
	misbehave_push(&e->deed, r, &c, written);
	ring_signal(r);
	stats.events_sent++;
	return true;
}

bool events_send(uint32_t event, const uint8_t lun[8], uint32_t reason)
{
	struct event e = { .len = EVENT_SIZE, .deed = misbehave_event() };
	bool sent;

	if (e.deed.lose)
		return false;
	put_le32(e.bytes, event | (missed ? EVENTS_MISSED : 0));
	memcpy(e.bytes + 4, lun, 8);
	put_le32(e.bytes + 12, reason);
	mutate_event(e.bytes, e.len);
	if (e.deed.nr_bytes) {
		memcpy(e.bytes, e.deed.bytes, e.deed.nr_bytes);
		e.len = e.deed.nr_bytes;
	}
	if (e.deed.swap && !swapped.len) {
		swapped = e;
		return true;
	}
	sent = put(&e);
	if (sent)
		missed = false;
	if (swapped.len)
		put(&swapped);
	swapped.len = 0;
	return sent;
}

/* An event about a LUN, if the driver wants that kind. */
bool events_about(const struct lun *lun, uint32_t event, uint32_t reason)
{
	uint8_t bytes[8];

	if (event == EVENT_TRANSPORT_RESET && !hba_has_feature(VIRTIO_SCSI_F_HOTPLUG))
		return false;
	if (event == EVENT_PARAM_CHANGE &&
	    (!hba_has_feature(VIRTIO_SCSI_F_CHANGE) || lun->type->removable))
		return false;
	if (event == EVENT_ASYNC_NOTIFY && !(lun->subscribed & reason))
		return false;
	address_format(bytes, lun->target, lun->lun);
	return events_send(event, bytes, reason);
}

/* There are buffers: for what was missed, and for a storm. */
void events_kick(void)
{
	struct ring *r = hba_ring(QUEUE_EVENT);
	static const uint8_t nowhere[8];
	bool has_buffer = ring_rearm(r);

	if (missed && !dropped)
		events_send(EVENT_NONE, nowhere, 0);
	for (; storm.left && has_buffer; storm.left--) {
		events_send(storm.event, storm.lun, storm.reason);
		has_buffer = ring_rearm(r);
	}
}

/* While events are dropped they are lost for good; afterwards the driver hears so. */
void events_drop(bool drop)
{
	dropped = drop;
	if (!drop && hba_ring(QUEUE_EVENT)->running)
		events_kick();
}

void events_storm(uint64_t nr, uint32_t event, const uint8_t lun[8], uint32_t reason)
{
	storm.left = nr;
	storm.event = event;
	storm.reason = reason;
	memcpy(storm.lun, lun, sizeof(storm.lun));
	if (hba_ring(QUEUE_EVENT)->running)
		events_kick();
}
