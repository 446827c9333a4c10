// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The driver's pure files under libFuzzer: bytes in, and out of them whatever
 * the host can say; what must hold for the answers is checked here, everything
 * else by the sanitizers. The first byte chooses what the others are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/compiler.h>

#include "limits.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Takes a structure off the front; what is missing is zero. */
#define TAKE(object) do {						\
	size_t n = size < sizeof(object) ? size : sizeof(object);	\
	memset(&(object), 0, sizeof(object));				\
	memcpy(&(object), data, n);					\
	data += n;							\
	size -= n;							\
} while (0)

static void fuzz_response(const uint8_t *data, size_t size)
{
	struct virtscsi_wire_resp wire;
	struct virtscsi_response response;
	struct virtscsi_outcome outcome;
	uint32_t bufflen, sense_size;

	TAKE(wire);
	TAKE(bufflen);
	TAKE(sense_size);
	response = virtscsi_wire_get_resp(&wire, bufflen & 1);
	outcome = virtscsi_wire_outcome(&response, bufflen, sense_size);
	must(outcome.resid <= bufflen);
	must(outcome.sense_len <= sense_size);
	must(!(outcome.result & 0xff00ff00));
}

static void fuzz_event(const uint8_t *data, size_t size)
{
	struct virtscsi_wire_event wire;
	struct virtscsi_event event;
	uint8_t back[VIRTSCSI_WIRE_LUN_LEN];
	unsigned int target;
	u64 lun;

	TAKE(wire);
	event = virtscsi_wire_get_event(&wire, size & 1);
	if (!virtscsi_wire_get_lun(event.lun, &target, &lun))
		return;
	/* Whatever is understood can be said again, and means the same. */
	must(target < 256);
	must(lun < 256 || (lun >= 0x4100 && lun < 0x8000));
	must(virtscsi_wire_put_lun(back, target, lun));
	must(back[1] == event.lun[1] && back[3] == event.lun[3]);
}

static void fuzz_limits(const uint8_t *data, size_t size)
{
	struct virtscsi_config config;
	struct virtscsi_facts facts;
	struct virtscsi_limits limits;
	uint8_t flags;

	TAKE(config);
	TAKE(flags);
	memset(&facts, 0, sizeof(facts));
	TAKE(facts.ring_size);
	TAKE(facts.nr_cpus);
	TAKE(facts.nr_queues);
	TAKE(facts.segment_size);
	TAKE(facts.transfer_size);
	facts.ring_size %= 32769;
	facts.nr_cpus = facts.nr_cpus % 8192 + 1;
	facts.nr_queues = facts.nr_queues % 1024 + 1;
	facts.has_indirect = flags & 1;
	facts.has_pi = flags & 2;
	facts.page_size = 4096 << (flags >> 2 & 4);
	facts.nr_segments = 2048;
	facts.queue_depth = 10240;
	if (virtscsi_limits_compute(&limits, &config, &facts)) {
		must(facts.ring_size < VIRTSCSI_MIN_RING_SIZE);
		return;
	}
	must(limits.of[VIRTSCSI_SEG_MAX].value >= 1);
	must(limits.of[VIRTSCSI_SEG_MAX].value + limits.of[VIRTSCSI_PROT_SEG_MAX].value +
	     VIRTSCSI_NR_HEADERS <= facts.ring_size);
	must(limits.of[VIRTSCSI_SEG_MAX].value <= 2048);
	must(limits.of[VIRTSCSI_CAN_QUEUE].value >= 1 && limits.of[VIRTSCSI_CAN_QUEUE].value <= 10240);
	must(limits.of[VIRTSCSI_CMD_PER_LUN].value >= 1 && limits.of[VIRTSCSI_CMD_PER_LUN].value <= 32767);
	must(limits.of[VIRTSCSI_MAX_SECTORS].value >= facts.page_size / 512);
	must(limits.of[VIRTSCSI_MAX_TARGET].value <= 255);
	must(limits.of[VIRTSCSI_MAX_LUN].value <= 16383);
	must(limits.of[VIRTSCSI_EVENT_SIZE].value >= sizeof(struct virtscsi_wire_event));
	for (unsigned int id = 0; id < VIRTSCSI_NR_LIMITS; id++)
		must(virtscsi_limits_name(id) && virtscsi_limits_source(limits.of[id].source));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 3) {
	case 0:
		fuzz_response(data + 1, size - 1);
		break;
	case 1:
		fuzz_event(data + 1, size - 1);
		break;
	default:
		fuzz_limits(data + 1, size - 1);
	}
	return 0;
}
