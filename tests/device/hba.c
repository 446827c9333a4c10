// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests. Each chain popped from a request queue becomes a request on one
 * list, in order of arrival; hba_run() executes those that need not wait (for
 * a held LUN to be released, for the delay to pass) and completes them. A
 * command touches its medium only when it is executed, so one that is aborted
 * while it waits has no effect.
 *
 * A task management function first takes in all that the request queues hold,
 * so it sees every command that the driver sent before it, and completes the
 * commands it ends before itself.
 *
 * As the strict peer of a driver under test this file checks each requirement
 * of the virtio SCSI chapter that a device can see.
 */
#include <stdlib.h>
#include <sys/queue.h>

#include "bytes.h"
#include "config.h"
#include "events.h"
#include "hba.h"
#include "leak.h"
#include "memory.h"
#include "misbehave.h"
#include "mutate.h"
#include "stats.h"
#include "target.h"
#include "violation.h"
#include "wire.h"

struct request {
	TAILQ_ENTRY(request) link;
	struct ring *ring;
	struct chain chain;
	struct address to;
	uint64_t tag;
	uint64_t due_ns;
	uint64_t data_len, data_in_len, pi_in_len;
	struct sgl resp;	/* response and sense */
	struct deed deed;
	struct task task;
	uint8_t cdb[CONFIG_MAX_CDB_SIZE];
};

static TAILQ_HEAD(requests, request) in_flight = TAILQ_HEAD_INITIALIZER(in_flight);
static struct requests spare = TAILQ_HEAD_INITIALIZER(spare);
static struct ring rings[RING_MAX_RINGS];
static uint64_t features;
static uint64_t delay_ns;
static bool stopped;
static bool ignores_requests;

/* A task management function that comes late: the control queue waits behind it. */
static struct {
	struct chain chain;
	struct deed deed;
	uint64_t due_ns;
	bool waits;
} control;

struct ring *hba_ring(unsigned int index)
{
	static bool ready;

	for (unsigned int i = 0; !ready && i < RING_MAX_RINGS; i++)
		ring_init(&rings[i], i);
	ready = true;
	return &rings[index];
}

bool hba_has_feature(unsigned int bit)
{
	return features & 1ull << bit;
}

/* A driver starts: the defaults are back, and its LUNs say that they are new. */
void hba_new_driver(uint64_t acked)
{
	features = acked;
	config_reset();
	events_new_driver();
	stats.drivers++;
	for (struct lun *lun = NULL; (lun = inventory_next(lun));) {
		lun->subscribed = 0;
		lun->nr_attention = 0;
		lun_attention(lun, SENSE_UA_POWER_ON);
	}
}

void hba_stats_print(FILE *out)
{
	stats_print(out, rings, features);
}

static struct request *request_get(void)
{
	struct request *q = TAILQ_FIRST(&spare);

	if (q)
		TAILQ_REMOVE(&spare, q, link);
	else
		q = xalloc(NULL, 1, sizeof(*q));
	return q;
}

static void request_put(struct request *q)
{
	TAILQ_INSERT_HEAD(&spare, q, link);
}

static uint32_t request_number_at(const struct address *to)
{
	uint32_t nr = 0;
	struct request *q;

	TAILQ_FOREACH(q, &in_flight, link)
		nr += address_same_lun(&q->to, to);
	return nr;
}

static bool tag_in_use(const struct address *to, uint64_t tag)
{
	struct request *q;

	TAILQ_FOREACH(q, &in_flight, link)
		if (q->tag == tag && address_same_lun(&q->to, to))
			return true;
	return false;
}

/* The response of one would be written over that of the other. */
static bool response_in_use(const struct request *request)
{
	struct request *q;

	TAILQ_FOREACH(q, &in_flight, link)
		if (sgl_first(q->resp) == sgl_first(request->resp))
			return true;
	return false;
}

/* What QUERY TASK answers: a lost command is not in the task set any more. */
static bool has_task(const struct address *to, uint64_t tag)
{
	struct request *q;

	TAILQ_FOREACH(q, &in_flight, link)
		if (q->tag == tag && address_same_lun(&q->to, to) && !q->deed.lose)
			return true;
	return false;
}

static uint64_t instead(int64_t lie, uint64_t truth)
{
	return lie == DEED_AS_IT_IS ? truth : (uint64_t)lie;
}

/* Writes the response and gives the chain back. */
static void complete(struct request *q, uint8_t response)
{
	const struct deed *d = &q->deed;
	struct task *t = &q->task;
	uint64_t sense_size = q->resp.left > RESP_HEADER ? q->resp.left - RESP_HEADER : 0;
	uint8_t sense[MUTATE_MAX_SENSE] = { 0 };
	uint32_t sense_len = d->nr_bytes ? d->nr_bytes : t->sense_len;
	uint64_t written = q->resp.left;
	uint8_t header[RESP_HEADER] = { 0 };
	struct sgl all = q->resp;

	if (response != S_OK) {
		t->status = 0;
		t->moved = 0;
		sense_len = d->nr_bytes;
	}
	sense_len = min_u64(sense_len, sense_size);
	memcpy(sense, d->nr_bytes ? d->bytes : t->sense, sense_len);
	put_le32(header, instead(d->sense_len, sense_len));
	put_le32(header + 4, instead(d->residual, q->data_len - t->moved));
	put_le16(header + 8, instead(d->qualifier, 0));
	header[10] = instead(d->status, t->status);
	header[11] = instead(d->response, response);
	if (d->nothing) {
		written = 0;
	} else {
		if (q->data_in_len && t->moved)
			written += q->pi_in_len + t->moved;
		mutate_response(header, sense, &sense_len, &written);
		sgl_put(&q->resp, header, sizeof(header));
		sgl_put(&q->resp, sense, sense_len);
		sgl_fill(&q->resp, 0, UINT64_MAX);
		leak_wrote(all);
	}
	stats_response(header[11], header[10]);
	misbehave_push(d, q->ring, &q->chain, written);
	request_put(q);
}

/* Lays the wire format over a chain; false: there is not even room for an answer. */
static bool request_parse(struct request *q)
{
	bool pi = hba_has_feature(VIRTIO_SCSI_F_T10_PI);
	uint32_t cdb_size = config_in_force(CONFIG_CDB_SIZE);
	uint32_t sense_size = config_in_force(CONFIG_SENSE_SIZE);
	struct sgl out = sgl_new(q->chain.seg, q->chain.nr_out);
	struct sgl in = sgl_new(q->chain.seg + q->chain.nr_out, q->chain.nr_in);
	uint32_t header_len = REQ_HEADER + (pi ? REQ_PI : 0), queue = q->ring->index;
	uint32_t pi_out = 0, pi_in = 0;
	uint8_t header[REQ_HEADER + REQ_PI] = { 0 };
	struct task *t = &q->task;

	memset(t, 0, sizeof(*t));
	memset(q->cdb, 0, 64);
	t->cdb = q->cdb;
	if (in.left < RESP_HEADER) {
		violation("queue %u: %llu writable bytes are no room for a response", queue,
			  (unsigned long long)in.left);
		return false;
	}
	if (out.left < header_len + cdb_size)
		violation("queue %u: %llu readable bytes, a command takes %u", queue,
			  (unsigned long long)out.left, header_len + cdb_size);
	if (in.left < RESP_HEADER + sense_size)
		violation("queue %u: %llu writable bytes, a response takes %u", queue,
			  (unsigned long long)in.left, RESP_HEADER + sense_size);
	sgl_get(&out, header, header_len);
	sgl_get(&out, q->cdb, cdb_size);
	address_parse(&q->to, header);
	q->tag = get_le64(header + 8);
	if (header[16] > 3 || header[17] || header[18])
		violation("queue %u: task_attr %u prio %u crn %u", queue, header[16], header[17],
			  header[18]);
	if (pi) {
		pi_out = get_le32(header + REQ_HEADER);
		pi_in = get_le32(header + REQ_HEADER + 4);
	}
	q->resp = sgl_split(&in, RESP_HEADER + (uint64_t)sense_size);
	if (pi_out > out.left || pi_in > in.left)
		violation("queue %u: protection information of %u/%u bytes in buffers of %llu/%llu",
			  queue, pi_out, pi_in, (unsigned long long)out.left,
			  (unsigned long long)in.left);
	t->pi_out = sgl_split(&out, pi_out);
	t->pi_in = sgl_split(&in, pi_in);
	t->out = out;
	t->in = in;
	q->data_len = out.left + in.left;
	q->data_in_len = in.left;
	q->pi_in_len = t->pi_in.left;
	return true;
}

/* What the configuration space and the transport ask of a well-formed command. */
static void request_check(const struct request *q, struct sgl out, struct sgl in)
{
	uint32_t seg_max = config_in_force(CONFIG_SEG_MAX);
	uint32_t max_sectors = config_in_force(CONFIG_MAX_SECTORS);
	uint32_t cmd_per_lun = config_in_force(CONFIG_CMD_PER_LUN);
	unsigned int nr_out = sgl_count(out), nr_in = sgl_count(in);
	uint32_t queue = q->ring->index, nr;

	leak_check_tag(queue, q->tag);
	leak_check_cdb(queue, q->cdb, config_in_force(CONFIG_CDB_SIZE));
	leak_check_writable(queue, q->resp);
	stats_segments(nr_out, nr_in);
	stats_pages(sgl_pages(out) + sgl_pages(in));
	/* 0 segments, or less than a page: no driver could send a command */
	if (seg_max && (nr_out > seg_max || nr_in > seg_max))
		violation("queue %u: %u+%u segments, seg_max is %u", queue, nr_out, nr_in, seg_max);
	if (max_sectors >= 8 && q->data_len > max_sectors * 512ull)
		violation("queue %u: %llu bytes, max_sectors is %u", queue,
			  (unsigned long long)q->data_len, max_sectors);
	nr = request_number_at(&q->to) + 1;
	if (cmd_per_lun && nr > cmd_per_lun)
		violation("queue %u: %u commands at a LUN, cmd_per_lun is %u", queue, nr, cmd_per_lun);
	if (tag_in_use(&q->to, q->tag))
		violation("queue %u: tag %llx is in flight at this LUN already", queue,
			  (unsigned long long)q->tag);
	if (response_in_use(q))
		violation("queue %u: the response of tag %llx has the buffer of one in flight", queue,
			  (unsigned long long)q->tag);
}

static void take_in(struct ring *r)
{
	if (ignores_requests)
		return;
	do {
		struct request *q;

		ring_quiet(r);
		for (q = request_get(); ring_pop(r, &q->chain); q = request_get()) {
			struct sgl out, in;
			uint64_t delay;

			q->ring = r;
			stats_chain(r->index, q->chain.nr_descs);
			if (q->chain.broken || !request_parse(q)) {
				ring_push(r, &q->chain, 0);
				request_put(q);
				continue;
			}
			out = q->task.pi_out;
			out.left += q->task.out.left;
			in = q->task.pi_in;
			in.left += q->task.in.left;
			request_check(q, out, in);
			q->deed = misbehave_command(q->cdb[0], &q->to);
			if (q->deed.nr_tuple)
				q->task.tuple_flip = q->deed.tuple;
			delay = delay_ns + q->deed.late_ms * 1000000;
			q->due_ns = delay ? now_ns() + delay : 0;
			TAILQ_INSERT_TAIL(&in_flight, q, link);
			stats_in_flight(1);
		}
		request_put(q);
	} while (ring_rearm(r));
}

static void finish(struct request *q, uint8_t response)
{
	TAILQ_REMOVE(&in_flight, q, link);
	stats_in_flight(-1);
	stats.last_ns = now_ns();
	complete(q, response);
}

static bool must_wait(const struct request *q, uint64_t now)
{
	struct lun *lun = NULL;

	if (q->to.kind == TO_LUN)
		lun = inventory_find(q->to.target, q->to.lun);
	return !q->ring->running || (lun && lun->held) || q->due_ns > now ||
	       (lun && lun->mute[q->cdb[0]]) || q->deed.lose || q->deed.keep;
}

/* The device itself knows nothing of it, though the driver has not got it back. */
static bool is_lost(const struct request *q)
{
	return q->deed.lose || (q->deed.late_ms && q->due_ns > now_ns());
}

static uint8_t execute(struct request *q)
{
	struct task *t = &q->task;

	if (q->deed.nothing || q->deed.skip) {
		t->moved = q->data_len;
		return S_OK;
	}
	if (q->deed.nr_data) {
		t->moved = sgl_put(&t->in, q->deed.data, q->deed.nr_data);
		return S_OK;
	}
	if (t->out.left && t->in.left && !hba_has_feature(VIRTIO_SCSI_F_INOUT)) {
		violation("queue %u: data both ways without INOUT", q->ring->index);
		return S_FAILURE;
	}
	stats_data(t->out.left, t->in.left);
	if (q->to.kind == TO_REPORT_LUNS && q->cdb[0] == 0xa0)
		target_report_luns(true, 0, t);
	else if (q->to.kind == TO_REPORT_LUNS)
		target_execute(0, LUN_WELL_KNOWN, t);
	else if (q->to.kind == TO_LUN && inventory_target_exists(q->to.target))
		target_execute(q->to.target, q->to.lun, t);
	else
		return S_BAD_TARGET;
	return t->overrun ? S_OVERRUN : S_OK;
}

static void control_kick(struct ring *r);

static void signal_all(void)
{
	for (unsigned int i = 0; i < RING_MAX_RINGS; i++)
		if (rings[i].running)
			ring_signal(&rings[i]);
}

/* Executes every request that need not wait any longer. */
void hba_run(void)
{
	struct request *q, *next;
	uint64_t now = now_ns();

	if (stopped)
		return;
	if (control.waits && control.due_ns <= now)
		control_kick(&rings[QUEUE_CONTROL]);
	for (q = TAILQ_FIRST(&in_flight); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (!must_wait(q, now))
			finish(q, execute(q));
	}
	signal_all();
	if (hba_idle())
		mem_drop_retired();
}

/* How long the poll loop may sleep: until the next delayed request is due. */
int hba_poll_ms(void)
{
	uint64_t now = now_ns(), first = UINT64_MAX;
	struct request *q;

	if (stopped)
		return -1;
	if (control.waits)
		first = max_u64(control.due_ns, now + 1);
	TAILQ_FOREACH(q, &in_flight, link)
		if (q->due_ns && q->ring->running && !q->deed.lose && !q->deed.keep)
			first = min_u64(first, max_u64(q->due_ns, now + 1));
	return first == UINT64_MAX ? -1 : (int)min_u64((first - now) / 1000000 + 1, 60000);
}

void hba_set_delay_ms(uint64_t delay_ms)
{
	delay_ns = delay_ms * 1000000;
}

/* Ends the commands that match: at a LUN, at a whole target, one by its tag. */
static unsigned int end_commands(const struct address *to, bool whole_target, const uint64_t *tag,
				 uint8_t response)
{
	struct request *q, *next;
	unsigned int nr = 0;

	for (q = TAILQ_FIRST(&in_flight); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->to.kind != TO_LUN || q->to.target != to->target)
			continue;
		if (!whole_target && q->to.lun != to->lun)
			continue;
		if (tag && q->tag != *tag)
			continue;
		if (is_lost(q))
			continue;
		finish(q, response);
		nr++;
	}
	return nr;
}

static void reset_lun(struct lun *lun, uint32_t attention)
{
	lun->nr_attention = 0;
	lun->locked = false;
	lun_attention(lun, attention);
}

static uint8_t tmf_execute(uint32_t subtype, const struct address *to, uint64_t tag)
{
	struct lun *lun = NULL;

	if (to->kind != TO_LUN || !inventory_target_exists(to->target))
		return S_BAD_TARGET;
	if (subtype == TMF_I_T_NEXUS_RESET) {
		end_commands(to, true, NULL, S_RESET);
		while ((lun = inventory_next(lun)))
			if (lun->target == to->target)
				reset_lun(lun, SENSE_UA_NEXUS_LOSS);
		return S_FUNCTION_COMPLETE;
	}
	lun = inventory_find(to->target, to->lun);
	if (!lun)
		return S_INCORRECT_LUN;
	switch (subtype) {
	case TMF_ABORT_TASK:
		end_commands(to, false, &tag, S_ABORTED);
		return S_FUNCTION_COMPLETE;
	case TMF_ABORT_TASK_SET:
	case TMF_CLEAR_TASK_SET:
		end_commands(to, false, NULL, S_ABORTED);
		return S_FUNCTION_COMPLETE;
	case TMF_LOGICAL_UNIT_RESET:
		end_commands(to, false, NULL, S_RESET);
		reset_lun(lun, SENSE_UA_DEVICE_RESET);
		return S_FUNCTION_COMPLETE;
	case TMF_QUERY_TASK:
		return has_task(to, tag) ? S_FUNCTION_SUCCEEDED : S_FUNCTION_COMPLETE;
	case TMF_QUERY_TASK_SET:
		return request_number_at(to) ? S_FUNCTION_SUCCEEDED : S_FUNCTION_COMPLETE;
	case TMF_CLEAR_ACA:
		return S_FUNCTION_REJECTED;	/* no LUN here establishes an ACA */
	default:
		violation("control queue: unknown task management function %u", subtype);
		return S_FUNCTION_REJECTED;
	}
}

/* Event classes a LUN can report: a removable medium says when it changes. */
static uint8_t notification_execute(const uint8_t *req, uint32_t *actual)
{
	struct address to;
	struct lun *lun;

	address_parse(&to, req + 4);
	if (to.kind != TO_LUN || !inventory_target_exists(to.target))
		return S_BAD_TARGET;
	lun = inventory_find(to.target, to.lun);
	if (!lun)
		return S_INCORRECT_LUN;
	*actual = get_le32(req + 12) & (lun->type->removable ? ASYNC_MEDIA_CHANGE : 0);
	if (get_le32(req) == CTRL_AN_SUBSCRIBE) {
		lun->subscribed = *actual;
		stats.subscriptions++;
	} else {
		stats.notification_queries++;
	}
	return S_OK;
}

static uint8_t tmf_answer(const uint8_t *req, const struct address *to, const struct deed *deed)
{
	uint8_t response = S_FUNCTION_COMPLETE;

	if (!deed->skip && !deed->nothing)
		response = tmf_execute(get_le32(req + 4), to, get_le64(req + 16));
	response = instead(deed->response, response);
	stats_tmf(get_le32(req + 4), req + 8, get_le64(req + 16), response);
	return response;
}

/* false: it is to be dealt with again, later. */
static bool control_request(struct ring *r, const struct chain *c)
{
	struct sgl out = sgl_new(c->seg, c->nr_out);
	struct sgl in = sgl_new(c->seg + c->nr_out, c->nr_in);
	uint64_t out_len = out.left, in_len = in.left;
	uint8_t req[CTRL_TMF_REQ] = { 0 }, resp[CTRL_AN_RESP] = { 0 };
	uint32_t type, resp_len = 1, want_out = CTRL_TMF_REQ, actual = 0;
	struct deed deed = DEED_GOOD;
	struct address to;

	leak_check_writable(QUEUE_CONTROL, in);
	sgl_get(&out, req, sizeof(req));
	type = get_le32(req);
	if (type == CTRL_TMF) {
		address_parse(&to, req + 8);
		leak_check_tag(QUEUE_CONTROL, get_le64(req + 16));
		deed = control.waits ? control.deed : misbehave_tmf(get_le32(req + 4), &to);
		if (deed.late_ms) {
			control.due_ns = now_ns() + deed.late_ms * 1000000;
			control.deed = deed;
			control.deed.late_ms = 0;
			return false;
		}
		resp[0] = tmf_answer(req, &to, &deed);
		mutate_tmf(resp, resp_len);
	} else if (type == CTRL_AN_QUERY || type == CTRL_AN_SUBSCRIBE) {
		want_out = CTRL_AN_REQ;
		resp_len = CTRL_AN_RESP;
		resp[4] = notification_execute(req, &actual);
		put_le32(resp, actual);
	} else {
		violation("control queue: unknown request type %u", type);
		want_out = out_len;
		resp_len = min_u64(in_len, 1);
		resp[0] = S_FAILURE;
	}
	if (out_len != want_out || in_len != resp_len)
		violation("control queue: type %u in %llu readable and %llu writable bytes", type,
			  (unsigned long long)out_len, (unsigned long long)in_len);
	if (!deed.lose)
		misbehave_push(&deed, r, c, deed.nothing ? 0 : sgl_put(&in, resp, resp_len));
	return true;
}

static void control_kick(struct ring *r)
{
	struct chain *c = &control.chain;

	for (unsigned int i = QUEUE_REQUEST; i < RING_MAX_RINGS; i++)
		if (rings[i].running)
			take_in(&rings[i]);
	do {
		ring_quiet(r);
		while (control.waits ? control.due_ns <= now_ns() : ring_pop(r, c)) {
			if (!control.waits)
				stats_chain(r->index, c->nr_descs);
			if (c->broken)
				ring_push(r, c, 0);
			else
				control.waits = !control_request(r, c);
		}
	} while (ring_rearm(r) && !control.waits);
}

/* Serves nothing, or everything again. */
void hba_stop(bool stop)
{
	stopped = stop;
	for (unsigned int i = 0; !stop && i < RING_MAX_RINGS; i++)
		hba_kick(&rings[i]);
}

/* As if an I/O thread stood still: commands stay in their rings, the control queue is served. */
void hba_ignore_requests(bool ignore)
{
	ignores_requests = ignore;
	for (unsigned int i = QUEUE_REQUEST; !ignore && i < RING_MAX_RINGS; i++)
		hba_kick(&rings[i]);
}

/* The driver says that there is something in a ring. */
void hba_kick(struct ring *r)
{
	if (!r->running || stopped)
		return;
	if (r->index == QUEUE_CONTROL)
		control_kick(r);
	else if (r->index == QUEUE_EVENT)
		events_kick();
	else
		take_in(r);
	hba_run();
}

/* A ring stops while its memory is still the driver's: nothing stays behind. */
void hba_cancel(struct ring *r)
{
	struct request *q, *next;

	for (q = TAILQ_FIRST(&in_flight); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->ring == r && !is_lost(q))
			finish(q, S_RESET);
	}
	if (r->index == QUEUE_CONTROL)
		control.waits = false;
	ring_signal(r);
}

/* A ring's memory is gone: its requests are forgotten without a write. */
void hba_drop(struct ring *r)
{
	struct request *q, *next;

	for (q = TAILQ_FIRST(&in_flight); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->ring != r)
			continue;
		TAILQ_REMOVE(&in_flight, q, link);
		stats_in_flight(-1);
		request_put(q);
	}
	if (r->index == QUEUE_CONTROL)
		control.waits = false;
	ring_forget(r);
}

bool hba_idle(void)
{
	return TAILQ_EMPTY(&in_flight) && !control.waits;
}
