// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The driver's pure files under libFuzzer. The input is whatever a host can
 * send; its first byte selects what the others are. The results are checked
 * here, everything else by the sanitizers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/compiler.h>

#include "limits.h"
#include "spc.h"
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
	facts.ring_size %= 32769;
	facts.nr_cpus = facts.nr_cpus % 8192 + 1;
	facts.nr_queues = facts.nr_queues % 1024 + 1;
	facts.has_indirect = flags & 1;
	facts.has_pi = flags & 2;
	facts.counts_pages = flags & 4;
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
		must(virtscsi_limit_names[id] && virtscsi_limit_source_names[limits.of[id].source]);
}

static void fuzz_lun_limits(const uint8_t *data, size_t size)
{
	struct virtscsi_lun_facts facts;
	struct virtscsi_lun_limits limits;
	const struct virtscsi_limit *max = &limits.of[VIRTSCSI_MAX_SECTORS];
	uint8_t flags;

	TAKE(flags);
	memset(&facts, 0, sizeof(facts));
	TAKE(facts.block_size);
	TAKE(facts.max_blocks);
	TAKE(facts.hba_max_sectors);
	TAKE(facts.hba_seg_max);
	TAKE(facts.core_max_sectors);
	TAKE(facts.override_max_sectors);
	TAKE(facts.override_seg_max);
	facts.page_size = 4096 << (flags >> 4 & 4);
	/* The block layer and limits.c have ensured this before. */
	facts.logical_block_size = flags & 128 ? 4096 : 512;
	facts.hba_max_sectors = facts.hba_max_sectors % 4194304;
	if (facts.hba_max_sectors < facts.page_size / 512)
		facts.hba_max_sectors = facts.page_size / 512;
	facts.hba_seg_max = facts.hba_seg_max % 2048 + 1;
	virtscsi_limits_compute_lun(&limits, &facts);
	must(max->value >= facts.page_size / 512);
	must(max->value >= facts.logical_block_size / 512);
	/* A block of the LUN has to pass, of 64 KiB at most. */
	must(max->value <= (facts.hba_max_sectors > 128 ? facts.hba_max_sectors : 128));
	must(limits.of[VIRTSCSI_SEG_MAX].value >= 1);
	must(limits.of[VIRTSCSI_SEG_MAX].value <= facts.hba_seg_max);
	for (unsigned int id = 0; id < VIRTSCSI_NR_OVERRIDES; id++)
		must(virtscsi_limit_names[id] && virtscsi_limit_source_names[limits.of[id].source]);
}

/* In memory of exactly that size, so that the sanitizers see reads beyond its end. */
static void fuzz_spc(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	must(copy);
	memcpy(copy, data, size);
	must(!virtscsi_spc_max_blocks(copy, size) || (size >= 12 && copy[1] == 0xb0));
	free(copy);
}

static void fuzz_sense(const uint8_t *data, size_t size)
{
	unsigned int flags;
	uint8_t code[3];

	TAKE(code);
	flags = virtscsi_spc_sense(code[0], code[1], code[2]);
	/* A unit attention changes limits at least, an error never does. */
	if (code[0] == 6)
		must(!flags || flags & VIRTSCSI_SENSE_LIMITS);
	else
		must(!flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 6) {
	case 0:
		fuzz_response(data + 1, size - 1);
		break;
	case 1:
		fuzz_event(data + 1, size - 1);
		break;
	case 2:
		fuzz_limits(data + 1, size - 1);
		break;
	case 3:
		fuzz_lun_limits(data + 1, size - 1);
		break;
	case 4:
		fuzz_spc(data + 1, size - 1);
		break;
	default:
		fuzz_sense(data + 1, size - 1);
	}
	return 0;
}
