// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From facts to limits.
 *
 * The whole negotiation is one pure function: what the device said, what the
 * ring, the DMA layer and the kernel's own types can carry go in; each limit
 * comes out together with the one fact that set it. It takes no lock,
 * allocates nothing, prints nothing, and builds in user space too, so that
 * every answer can be checked by table.
 *
 * The rule is one line: a limit starts as what the device asked for and is
 * lowered by each fact in turn; the last one to lower it is its source. Only
 * two things raise a limit: a field that the device left at zero where zero
 * makes no sense, and a floor below which the block layer would refuse the
 * LUN altogether.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/virtio_scsi.h>
#include <scsi/scsi_proto.h>

#include "limits.h"

/* Used where the device names no transfer size: max_sectors is only a hint. */
#define DEFAULT_MAX_SECTORS	0xFFFF

/* SPC-6: no CDB is longer than 260 bytes. */
#define CDB_SIZE_LAST		260

/* SPC-6: no sense data is longer than 252 bytes; leave room for nonsense. */
#define SENSE_SIZE_LAST		1024

/* An event buffer beyond a page has no use that the specification knows. */
#define EVENT_SIZE_LAST		4096

/* One byte on the wire names the target, 14 bits the LUN (virtio 5.6.6.1). */
#define MAX_TARGET_LAST		255
#define MAX_LUN_LAST		16383

/* No medium has smaller or larger logical blocks; others are misunderstood. */
#define BLOCK_SIZE_FIRST	512
#define BLOCK_SIZE_LAST		65536

/* The midlayer's type for cmd_per_lun is a short. */
#define CMD_PER_LUN_LAST	S16_MAX

/* sg and SG_IO compute byte counts in an int. */
#define MAX_SECTORS_LAST	(INT_MAX >> 9)

static struct virtscsi_limit limit_ask(u32 asked)
{
	return (struct virtscsi_limit){
		.value = asked,
		.asked = asked,
		.source = VIRTSCSI_FROM_DEVICE,
	};
}

static struct virtscsi_limit limit_fact(u32 value,
					enum virtscsi_limit_source source)
{
	return (struct virtscsi_limit){
		.value = value,
		.asked = value,
		.source = source,
	};
}

static void limit_set(struct virtscsi_limit *limit, u32 value,
		      enum virtscsi_limit_source source)
{
	limit->value = value;
	limit->source = source;
}

static void limit_lower(struct virtscsi_limit *limit, u64 bound,
			enum virtscsi_limit_source source)
{
	if (limit->value > bound)
		limit_set(limit, bound, source);
}

static void limit_raise(struct virtscsi_limit *limit, u32 floor,
			enum virtscsi_limit_source source)
{
	if (limit->value < floor)
		limit_set(limit, floor, source);
}

/* The device has no say in it, so what was asked for is what there is. */
static void limit_settle(struct virtscsi_limit *limit)
{
	limit->asked = limit->value;
}

/*
 * A wire field whose size the device insists on must be honoured to the byte,
 * or the data behind it would be taken from the wrong place. Only a size that
 * cannot be meant is replaced by the default of the specification.
 */
static struct virtscsi_limit limit_wire_size(u32 asked, u32 last, u32 fallback)
{
	struct virtscsi_limit limit = limit_ask(asked);

	if (!asked || asked > last)
		limit_set(&limit, fallback, VIRTSCSI_FROM_DEFAULT);
	return limit;
}

static struct virtscsi_limit limit_max_sectors(u32 asked,
					       const struct virtscsi_facts *facts)
{
	u32 page_sectors = facts->page_size >> 9;
	struct virtscsi_limit limit = limit_ask(asked);

	if (!asked)
		limit_set(&limit, DEFAULT_MAX_SECTORS, VIRTSCSI_FROM_DEFAULT);
	limit_lower(&limit, MAX_SECTORS_LAST, VIRTSCSI_FROM_KERNEL);
	if (facts->transfer_size)
		limit_lower(&limit,
			    max_t(u64, facts->transfer_size >> 9, page_sectors),
			    VIRTSCSI_FROM_DMA);
	limit_raise(&limit, page_sectors, VIRTSCSI_FROM_KERNEL);
	return limit;
}

/*
 * With protection information each data segment may bring a protection
 * segment of its own, in the same direction, and the device counts both
 * (virtio 5.6.6.1). The SCSI core insists on as many of one as of the other.
 */
static void limit_segments(struct virtscsi_limits *limits, u32 asked,
			   const struct virtscsi_facts *facts)
{
	struct virtscsi_limit *data = &limits->of[VIRTSCSI_SEG_MAX];
	struct virtscsi_limit *prot = &limits->of[VIRTSCSI_PROT_SEG_MAX];

	*data = limit_ask(asked);
	limit_raise(data, 1, VIRTSCSI_FROM_DEFAULT);
	/* Indirect or not, no chain is longer than the ring (virtio 2.7.5.3). */
	limit_lower(data, facts->ring_size - VIRTSCSI_NR_HEADERS,
		    VIRTSCSI_FROM_RING);
	limit_lower(data, facts->nr_segments, VIRTSCSI_FROM_KERNEL);

	*prot = limit_fact(0, VIRTSCSI_FROM_PI);
	if (facts->has_pi && virtscsi_limits_can_carry_pi(data->value)) {
		limit_set(data, data->value / 2, VIRTSCSI_FROM_PI);
		*prot = limit_fact(data->value, VIRTSCSI_FROM_PI);
	}
}

/*
 * Without indirect descriptors a command takes an entry of the ring for each
 * header and segment. The depth is what the ring holds of the smallest data
 * commands: larger ones find it full sooner, but never while it is empty, as
 * limit_segments() saw to, so waiting for a completion always helps.
 */
static struct virtscsi_limit limit_can_queue(const struct virtscsi_facts *facts)
{
	u32 entries = facts->has_indirect ? 1 : VIRTSCSI_NR_HEADERS + 1;
	struct virtscsi_limit limit;

	limit = limit_fact(facts->ring_size / entries, VIRTSCSI_FROM_RING);
	limit_lower(&limit, facts->queue_depth, VIRTSCSI_FROM_KERNEL);
	limit_settle(&limit);
	return limit;
}

/**
 * virtscsi_limits_nr_queues() - how many request virtqueues to use
 * @config: snapshot of the configuration space
 * @nr_cpus: CPUs that can submit commands
 *
 * Implements virtio 1.3, 5.6.4 (num_queues): the driver may use fewer queues
 * than the device has. Needed before the virtqueues are discovered, hence
 * apart from virtscsi_limits_compute(), which knows how many were found.
 *
 * Context: any. Pure.
 * Return: the limit, from 1 to @nr_cpus.
 */
struct virtscsi_limit
virtscsi_limits_nr_queues(const struct virtscsi_config *config, u32 nr_cpus)
{
	struct virtscsi_limit limit = limit_ask(config->num_queues);

	limit_raise(&limit, 1, VIRTSCSI_FROM_DEFAULT);
	limit_lower(&limit, nr_cpus, VIRTSCSI_FROM_CPUS);
	return limit;
}

/**
 * virtscsi_limits_can_carry_pi() - is there room for protection information
 * @seg_max: data segments of a command, before protection information
 *
 * Context: any. Pure.
 * Return: true if a command can carry a data segment and a protection segment.
 */
bool virtscsi_limits_can_carry_pi(u32 seg_max)
{
	return seg_max >= 2;
}

/**
 * virtscsi_limits_compute() - the limits of an HBA
 * @limits: where they go; untouched on error
 * @config: snapshot of the configuration space, taken after cdb_size and
 *	sense_size were written and read back
 * @facts: what the ring, the DMA layer and the kernel can carry
 *
 * Implements virtio 1.3, 5.6.4, and the guest's rows of the limit chain.
 *
 * Context: any. Pure.
 * Return: 0, or -EINVAL if the ring cannot carry a single data segment.
 */
int virtscsi_limits_compute(struct virtscsi_limits *limits,
			    const struct virtscsi_config *config,
			    const struct virtscsi_facts *facts)
{
	struct virtscsi_limit *of = limits->of;
	struct virtscsi_limit *limit;

	if (facts->ring_size < VIRTSCSI_MIN_RING_SIZE)
		return -EINVAL;

	of[VIRTSCSI_NUM_QUEUES] =
		virtscsi_limits_nr_queues(config, facts->nr_cpus);
	limit_lower(&of[VIRTSCSI_NUM_QUEUES], facts->nr_queues,
		    VIRTSCSI_FROM_RING);
	of[VIRTSCSI_CAN_QUEUE] = limit_can_queue(facts);

	limit = &of[VIRTSCSI_CMD_PER_LUN];
	*limit = limit_ask(config->cmd_per_lun);
	limit_raise(limit, 1, VIRTSCSI_FROM_DEFAULT);
	limit_lower(limit, CMD_PER_LUN_LAST, VIRTSCSI_FROM_KERNEL);
	limit_lower(limit, of[VIRTSCSI_CAN_QUEUE].value,
		    of[VIRTSCSI_CAN_QUEUE].source);

	limit_segments(limits, config->seg_max, facts);

	limit = &of[VIRTSCSI_SEGMENT_SIZE];
	*limit = limit_fact(U32_MAX, VIRTSCSI_FROM_KERNEL);
	limit_lower(limit, max_t(u64, facts->segment_size, facts->page_size),
		    VIRTSCSI_FROM_DMA);
	limit_settle(limit);

	of[VIRTSCSI_MAX_SECTORS] = limit_max_sectors(config->max_sectors,
						     facts);

	of[VIRTSCSI_CDB_SIZE] = limit_wire_size(config->cdb_size,
						CDB_SIZE_LAST,
						VIRTIO_SCSI_CDB_DEFAULT_SIZE);
	of[VIRTSCSI_SENSE_SIZE] =
		limit_wire_size(config->sense_size, SENSE_SIZE_LAST,
				VIRTIO_SCSI_SENSE_DEFAULT_SIZE);

	limit = &of[VIRTSCSI_EVENT_SIZE];
	*limit = limit_ask(config->event_info_size);
	limit_raise(limit, sizeof(struct virtio_scsi_event),
		    VIRTSCSI_FROM_DEFAULT);
	limit_lower(limit, EVENT_SIZE_LAST, VIRTSCSI_FROM_KERNEL);

	/* The wire format has no place for a channel. */
	limit = &of[VIRTSCSI_MAX_CHANNEL];
	*limit = limit_ask(config->max_channel);
	limit_lower(limit, 0, VIRTSCSI_FROM_WIRE);

	limit = &of[VIRTSCSI_MAX_TARGET];
	*limit = limit_ask(config->max_target);
	limit_lower(limit, MAX_TARGET_LAST, VIRTSCSI_FROM_WIRE);

	limit = &of[VIRTSCSI_MAX_LUN];
	*limit = limit_ask(config->max_lun);
	limit_lower(limit, MAX_LUN_LAST, VIRTSCSI_FROM_WIRE);

	return 0;
}

/*
 * In 512-byte units, and rounded up: a transfer of just the LUN's maximum must
 * pass whatever its blocks are.
 */
static u32 lun_sectors(u32 blocks, u32 block_size)
{
	return min_t(u64, ((u64)blocks * block_size + 511) >> 9, U32_MAX);
}

/*
 * Until a medium says how large its blocks are, 512 bytes are assumed: that is
 * what QEMU scales the page by in this case, and elsewhere it errs on the safe
 * side.
 */
static u32 lun_block_size(const struct virtscsi_answers *answers)
{
	if (answers->block_size < BLOCK_SIZE_FIRST ||
	    answers->block_size > BLOCK_SIZE_LAST)
		return BLOCK_SIZE_FIRST;
	return answers->block_size;
}

static void lun_ask(struct virtscsi_limit *limit, u32 asked,
		    enum virtscsi_limit_source source)
{
	if (!asked)
		return;
	limit->asked = asked;
	limit_lower(limit, asked, source);
}

static void lun_max_sectors(struct virtscsi_limit *limit,
			    const struct virtscsi_lun_facts *facts)
{
	const struct virtscsi_answers *answers = &facts->answers;
	u32 block_size = lun_block_size(answers);
	u32 block_sectors = max(DIV_ROUND_UP(block_size, 512),
				facts->logical_block_size >> 9);
	u32 floor = min(max(facts->page_size >> 9, block_sectors),
			facts->hba_max_sectors);
	u32 whole;

	*limit = limit_fact(facts->hba_max_sectors, VIRTSCSI_FROM_HBA);
	limit_lower(limit, facts->core_max_sectors, VIRTSCSI_FROM_KERNEL);
	limit_settle(limit);

	if (facts->type == TYPE_DISK || facts->type == TYPE_ZBC)
		lun_ask(limit, lun_sectors(answers->max_blocks, block_size),
			VIRTSCSI_FROM_VPD_B0);
	if (facts->override_max_sectors)
		limit_lower(limit, facts->override_max_sectors,
			    VIRTSCSI_FROM_OVERRIDE);

	limit_raise(limit, floor, VIRTSCSI_FROM_KERNEL);
	/* The block layer counts in whole blocks; some do not make up a page. */
	whole = limit->value - limit->value % block_sectors;
	if (whole >= floor)
		limit->value = whole;
}

/*
 * What a drive says of its blocks is not about commands: in fixed-block mode one
 * command moves many. But where one does not fit into a command, neither can it
 * be had.
 */
static void lun_max_block(struct virtscsi_limit *limit,
			  const struct virtscsi_limit *max, u32 max_bytes)
{
	*limit = limit_fact(max_bytes ?: U32_MAX, VIRTSCSI_FROM_BLOCK_LIMITS);
	limit_lower(limit, max->value << 9, max->source);
	limit_settle(limit);
}

/**
 * virtscsi_limits_compute_lun() - the limits of a LUN
 * @limits: where they go
 * @facts: what the HBA, the LUN itself and the administrator say
 *
 * Never above those of the HBA, never below what the block layer accepts: a
 * page, or a logical block if that is more.
 *
 * Context: any. Pure.
 */
void virtscsi_limits_compute_lun(struct virtscsi_lun_limits *limits,
				 const struct virtscsi_lun_facts *facts)
{
	struct virtscsi_limit *max = &limits->of[VIRTSCSI_LUN_MAX_SECTORS];
	struct virtscsi_limit *opt = &limits->of[VIRTSCSI_LUN_OPT_SECTORS];
	struct virtscsi_limit *seg = &limits->of[VIRTSCSI_LUN_SEG_MAX];

	lun_max_sectors(max, facts);

	*seg = limit_fact(facts->hba_seg_max, VIRTSCSI_FROM_HBA);
	if (facts->override_seg_max)
		limit_lower(seg, facts->override_seg_max,
			    VIRTSCSI_FROM_OVERRIDE);
	limit_settle(seg);

	*opt = limit_fact(0, VIRTSCSI_FROM_DEFAULT);
	if (facts->type == TYPE_DISK || facts->type == TYPE_ZBC) {
		const struct virtscsi_answers *answers = &facts->answers;
		/* A LUN without a maximum is not asked for its block size. */
		u32 block_size = max(lun_block_size(answers),
				     facts->logical_block_size);

		if (answers->opt_blocks)
			*opt = limit_fact(lun_sectors(answers->opt_blocks,
						      block_size),
					  VIRTSCSI_FROM_VPD_B0);
		limit_lower(opt, max->value, max->source);
	}
	lun_max_block(&limits->of[VIRTSCSI_LUN_MAX_BLOCK], max,
		      facts->type == TYPE_TAPE ? facts->answers.max_bytes : 0);
}

/**
 * virtscsi_limits_lun_name() - the name of a limit of a LUN
 * @id: which
 *
 * The name that sysfs, the log and the manual use.
 *
 * Context: any. Pure.
 * Return: a constant string.
 */
const char *virtscsi_limits_lun_name(enum virtscsi_lun_limit_id id)
{
	static const char * const names[VIRTSCSI_NR_LUN_LIMITS] = {
		[VIRTSCSI_LUN_MAX_SECTORS] = "max_sectors",
		[VIRTSCSI_LUN_SEG_MAX]	   = "seg_max",
		[VIRTSCSI_LUN_OPT_SECTORS] = "opt_sectors",
		[VIRTSCSI_LUN_MAX_BLOCK]   = "max_block",
	};

	return names[id];
}

/**
 * virtscsi_limits_name() - the name of a limit
 * @id: which
 *
 * The name that sysfs, the log and the manual use.
 *
 * Context: any. Pure.
 * Return: a constant string.
 */
const char *virtscsi_limits_name(enum virtscsi_limit_id id)
{
	static const char * const names[VIRTSCSI_NR_LIMITS] = {
		[VIRTSCSI_NUM_QUEUES]	= "num_queues",
		[VIRTSCSI_CAN_QUEUE]	= "can_queue",
		[VIRTSCSI_CMD_PER_LUN]	= "cmd_per_lun",
		[VIRTSCSI_SEG_MAX]	= "seg_max",
		[VIRTSCSI_PROT_SEG_MAX]	= "prot_seg_max",
		[VIRTSCSI_SEGMENT_SIZE]	= "max_segment_size",
		[VIRTSCSI_MAX_SECTORS]	= "max_sectors",
		[VIRTSCSI_CDB_SIZE]	= "cdb_size",
		[VIRTSCSI_SENSE_SIZE]	= "sense_size",
		[VIRTSCSI_EVENT_SIZE]	= "event_info_size",
		[VIRTSCSI_MAX_CHANNEL]	= "max_channel",
		[VIRTSCSI_MAX_TARGET]	= "max_target",
		[VIRTSCSI_MAX_LUN]	= "max_lun",
	};

	return names[id];
}

/**
 * virtscsi_limits_source() - a source in one word
 * @source: which
 *
 * Context: any. Pure.
 * Return: a constant string.
 */
const char *virtscsi_limits_source(enum virtscsi_limit_source source)
{
	static const char * const words[VIRTSCSI_NR_SOURCES] = {
		[VIRTSCSI_FROM_DEVICE]	= "device",
		[VIRTSCSI_FROM_DEFAULT]	= "default",
		[VIRTSCSI_FROM_RING]	= "ring",
		[VIRTSCSI_FROM_KERNEL]	= "kernel",
		[VIRTSCSI_FROM_DMA]	= "dma",
		[VIRTSCSI_FROM_CPUS]	= "cpus",
		[VIRTSCSI_FROM_WIRE]	= "wire",
		[VIRTSCSI_FROM_PI]	= "protection",
		[VIRTSCSI_FROM_HBA]	= "hba",
		[VIRTSCSI_FROM_VPD_B0]	= "vpd-b0",
		[VIRTSCSI_FROM_BLOCK_LIMITS] = "block-limits",
		[VIRTSCSI_FROM_OVERRIDE] = "override",
	};

	return words[source];
}
