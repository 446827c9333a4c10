// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counters and high-water marks since the start or the last reset, and the
 * last 16 task management functions.
 */
#include "bytes.h"
#include "leak.h"
#include "mutate.h"
#include "ring.h"
#include "stats.h"
#include "violation.h"
#include "wire.h"

#define NR_TMFS 16

struct stats stats;

static struct {
	uint64_t chains[RING_MAX_RINGS];
	uint64_t longest_chain, max_segments, max_pages, max_transfer, max_in_flight;
	uint64_t bytes_out, bytes_in, check_conditions, responses[256];
	uint64_t nr_tmfs;
	struct {
		uint32_t subtype;
		uint64_t lun, tag;
		uint8_t response;
	} tmfs[NR_TMFS];
} seen;

static uint64_t in_flight;

void stats_chain(unsigned int queue, unsigned int nr_descs)
{
	seen.chains[queue]++;
	seen.longest_chain = max_u64(seen.longest_chain, nr_descs);
}

void stats_segments(unsigned int nr_out, unsigned int nr_in)
{
	seen.max_segments = max_u64(seen.max_segments, max_u64(nr_out, nr_in));
}

void stats_pages(unsigned int nr)
{
	seen.max_pages = max_u64(seen.max_pages, nr);
}

void stats_data(uint64_t out, uint64_t in)
{
	seen.bytes_out += out;
	seen.bytes_in += in;
	seen.max_transfer = max_u64(seen.max_transfer, max_u64(out, in));
}

void stats_response(uint8_t response, uint8_t status)
{
	seen.responses[response]++;
	seen.check_conditions += status == 2;
}

void stats_in_flight(int by)
{
	in_flight += by;
	seen.max_in_flight = max_u64(seen.max_in_flight, in_flight);
}

void stats_tmf(uint32_t subtype, const uint8_t lun[8], uint64_t tag, uint8_t response)
{
	unsigned int i = seen.nr_tmfs++ % NR_TMFS;

	seen.tmfs[i].subtype = subtype;
	seen.tmfs[i].lun = get_be64(lun);
	seen.tmfs[i].tag = tag;
	seen.tmfs[i].response = response;
}

static void print(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, "\"%s\":%llu,", name, (unsigned long long)value);
}

static void print_queues(FILE *out, const struct ring *rings)
{
	unsigned int nr = RING_MAX_RINGS;

	while (nr && !seen.chains[nr - 1] && !rings[nr - 1].running)
		nr--;
	fputs("\"queues\":[", out);
	for (unsigned int i = 0; i < nr; i++)
		fprintf(out, "%s{\"size\":%u,\"running\":%u,\"commands\":%llu,\"kicks\":%llu,\"interrupts\":%llu}",
			i ? "," : "", rings[i].num, rings[i].running,
			(unsigned long long)seen.chains[i],
			(unsigned long long)rings[i].nr_kicks,
			(unsigned long long)rings[i].nr_calls);
	fputs("],", out);
}

void stats_print(FILE *out, const struct ring *rings, uint64_t features)
{
	uint64_t nr = min_u64(seen.nr_tmfs, NR_TMFS);

	fputc('{', out);
	print(out, "violations", violation_count());
	print(out, "leaks", nr_leaks);
	fputs("\"mutated\":", out);
	mutate_print(out);
	fputc(',', out);
	print(out, "features", features);
	print(out, "drivers", stats.drivers);
	print_queues(out, rings);
	print(out, "in_flight", in_flight);
	print(out, "max_in_flight", seen.max_in_flight);
	print(out, "last_ns", stats.last_ns);
	print(out, "max_segments", seen.max_segments);
	print(out, "max_pages", seen.max_pages);
	print(out, "max_transfer", seen.max_transfer);
	print(out, "longest_chain", seen.longest_chain);
	print(out, "bytes_out", seen.bytes_out);
	print(out, "bytes_in", seen.bytes_in);
	print(out, "check_conditions", seen.check_conditions);
	print(out, "events_sent", stats.events_sent);
	print(out, "events_dropped", stats.events_dropped);
	print(out, "notification_queries", stats.notification_queries);
	print(out, "subscriptions", stats.subscriptions);
	fputs("\"responses\":{", out);
	for (unsigned int i = 0, first = 1; i < 256; i++)
		if (seen.responses[i]) {
			fprintf(out, "%s\"%u\":%llu", first ? "" : ",", i,
				(unsigned long long)seen.responses[i]);
			first = 0;
		}
	fputs("},", out);
	print(out, "nr_tmfs", seen.nr_tmfs);
	fputs("\"tmfs\":[", out);
	for (uint64_t i = seen.nr_tmfs - nr; i < seen.nr_tmfs; i++)
		fprintf(out, "%s{\"subtype\":%u,\"lun\":\"%016llx\",\"tag\":\"%llx\",\"response\":%u}",
			i == seen.nr_tmfs - nr ? "" : ",", seen.tmfs[i % NR_TMFS].subtype,
			(unsigned long long)seen.tmfs[i % NR_TMFS].lun,
			(unsigned long long)seen.tmfs[i % NR_TMFS].tag,
			seen.tmfs[i % NR_TMFS].response);
	fputs("]}", out);
}

/* All but violations, what is in flight and the number of drivers so far. */
void stats_reset(void)
{
	memset(&seen, 0, sizeof(seen));
	seen.max_in_flight = in_flight;
	stats.events_sent = stats.events_dropped = 0;
	stats.notification_queries = stats.subscriptions = 0;
}
