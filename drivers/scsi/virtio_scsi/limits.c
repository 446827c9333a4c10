// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Computes limits from facts.
 *
 * The negotiation is a pure function of what the device reports and what the
 * ring, the DMA layer and the kernel's types can carry. It also builds in user
 * space, so that tables can test it.
 *
 * A limit starts as what the device asks for. Each fact in turn can lower it,
 * and the last one that does is its source. A limit is raised only if the device
 * left it at zero, or if the block layer would refuse so low a limit.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/virtio_scsi.h>

#include "limits.h"

/* Used if the device leaves max_sectors, which is only a hint, at zero. */
#define DEFAULT_MAX_SECTORS	0xFFFF

/* SPC-6: no CDB is longer than 260 bytes. */
#define CDB_SIZE_LAST		260

/* SPC-6: no sense data is longer than 252 bytes; tolerate more. */
#define SENSE_SIZE_LAST		1024

/* The specification has no use for an event buffer larger than a page. */
#define EVENT_SIZE_LAST		4096

/* One byte on the wire names the target, 14 bits the LUN (virtio 5.6.6.1). */
#define MAX_TARGET_LAST		255
#define MAX_LUN_LAST		16383

/* Media have no smaller logical blocks. */
#define BLOCK_SIZE_FIRST	512

/* cmd_per_lun is a short in the SCSI core. */
#define CMD_PER_LUN_LAST	S16_MAX

/*
 * vhost-scsi drops a command of more than 2048 pages without an answer. A page of
 * the host has at least 4 KiB. 512 segments leave room for transfers of 4 MiB.
 */
#define COUNTED_PAGES		2048
#define COUNTED_PAGE_SECTORS	8
#define COUNTED_SEG_LAST	512

/* Bytes in a segment where bounce buffers are used. Larger buffers are seldom free. */
#define BOUNCED_SEGMENT		65536

/* sg and SG_IO compute byte counts in an int. */
#define MAX_SECTORS_LAST	(INT_MAX >> 9)

const char * const virtscsi_limit_names[VIRTSCSI_NR_LIMITS] = {
	[VIRTSCSI_MAX_SECTORS]	= "max_sectors",
	[VIRTSCSI_SEG_MAX]	= "seg_max",
	[VIRTSCSI_PROT_SEG_MAX]	= "prot_seg_max",
	[VIRTSCSI_SEGMENT_SIZE]	= "max_segment_size",
	[VIRTSCSI_NUM_QUEUES]	= "num_queues",
	[VIRTSCSI_CAN_QUEUE]	= "can_queue",
	[VIRTSCSI_CMD_PER_LUN]	= "cmd_per_lun",
	[VIRTSCSI_CDB_SIZE]	= "cdb_size",
	[VIRTSCSI_SENSE_SIZE]	= "sense_size",
	[VIRTSCSI_EVENT_SIZE]	= "event_info_size",
	[VIRTSCSI_MAX_CHANNEL]	= "max_channel",
	[VIRTSCSI_MAX_TARGET]	= "max_target",
	[VIRTSCSI_MAX_LUN]	= "max_lun",
};

const char * const virtscsi_limit_source_names[VIRTSCSI_NR_SOURCES] = {
	[VIRTSCSI_FROM_DEVICE]	= "device",
	[VIRTSCSI_FROM_DEFAULT]	= "default",
	[VIRTSCSI_FROM_RING]	= "ring",
	[VIRTSCSI_FROM_KERNEL]	= "kernel",
	[VIRTSCSI_FROM_DMA]	= "dma",
	[VIRTSCSI_FROM_CPUS]	= "cpus",
	[VIRTSCSI_FROM_WIRE]	= "wire",
	[VIRTSCSI_FROM_PI]	= "protection",
	[VIRTSCSI_FROM_PAGES]	= "pages",
	[VIRTSCSI_FROM_HBA]	= "hba",
	[VIRTSCSI_FROM_VPD_B0]	= "vpd-b0",
	[VIRTSCSI_FROM_OVERRIDE] = "override",
};

static struct virtscsi_limit limit_from(u32 value,
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

/* The lower of two bounds in which the device has no say. */
static struct virtscsi_limit limit_lower_of(u32 a,
					    enum virtscsi_limit_source a_source,
					    u64 b,
					    enum virtscsi_limit_source b_source)
{
	return a > b ? limit_from(b, b_source) : limit_from(a, a_source);
}

/* What the device reports, but from @first to @last. */
static struct virtscsi_limit limit_within(u32 asked, u32 first, u32 last,
					  enum virtscsi_limit_source last_source)
{
	struct virtscsi_limit limit = limit_from(asked, VIRTSCSI_FROM_DEVICE);

	limit_raise(&limit, first, VIRTSCSI_FROM_DEFAULT);
	limit_lower(&limit, last, last_source);
	return limit;
}

/* What follows the field depends on it: the device's size, if it makes sense. */
static struct virtscsi_limit limit_wire_size(u32 asked, u32 last, u32 fallback)
{
	struct virtscsi_limit limit = limit_from(asked, VIRTSCSI_FROM_DEVICE);

	if (!asked || asked > last)
		limit_set(&limit, fallback, VIRTSCSI_FROM_DEFAULT);
	return limit;
}

static struct virtscsi_limit limit_max_sectors(u32 asked,
					       const struct virtscsi_facts *facts)
{
	u32 page_sectors = facts->page_size >> 9;
	struct virtscsi_limit limit = limit_from(asked, VIRTSCSI_FROM_DEVICE);

	if (!asked)
		limit_set(&limit, DEFAULT_MAX_SECTORS, VIRTSCSI_FROM_DEFAULT);
	limit_lower(&limit, MAX_SECTORS_LAST, VIRTSCSI_FROM_KERNEL);
	limit_raise(&limit, page_sectors, VIRTSCSI_FROM_KERNEL);
	return limit;
}

/*
 * With protection information each data segment can have a protection segment
 * in the same direction, and the device counts both (virtio 5.6.6.1). The SCSI
 * core needs the same limit for both.
 */
static void limit_segments(struct virtscsi_limit *data,
			   struct virtscsi_limit *prot, u32 asked,
			   const struct virtscsi_facts *facts)
{
	/* No chain is longer than the ring, indirect or not (virtio 2.7.5.3). */
	*data = limit_within(asked, 1, facts->ring_size - VIRTSCSI_NR_HEADERS,
			     VIRTSCSI_FROM_RING);
	limit_lower(data, facts->nr_segments, VIRTSCSI_FROM_KERNEL);
	if (facts->counts_pages)
		limit_lower(data, COUNTED_SEG_LAST, VIRTSCSI_FROM_PAGES);

	*prot = limit_from(0, VIRTSCSI_FROM_PI);
	if (facts->has_pi && data->value >= 2) {
		limit_set(data, data->value / 2, VIRTSCSI_FROM_PI);
		*prot = limit_from(data->value, VIRTSCSI_FROM_PI);
	}
}

/* Before the virtqueues are found. Fewer may be used (virtio 1.3, 5.6.4). */
struct virtscsi_limit
virtscsi_limits_nr_queues(const struct virtscsi_config *config, u32 nr_cpus)
{
	return limit_within(config->num_queues, 1, nr_cpus, VIRTSCSI_FROM_CPUS);
}

/*
 * The limits of an HBA (virtio 1.3, 5.6.4). @config was read after cdb_size and
 * sense_size were written. Returns -EINVAL, and leaves @limits alone, if the ring
 * cannot carry a data segment.
 */
int virtscsi_limits_compute(struct virtscsi_limits *limits,
			    const struct virtscsi_config *config,
			    const struct virtscsi_facts *facts)
{
	struct virtscsi_limit *of = limits->of;
	u32 entries = facts->has_indirect ? 1 : VIRTSCSI_NR_HEADERS + 1;

	if (facts->ring_size < VIRTSCSI_MIN_RING_SIZE)
		return -EINVAL;

	of[VIRTSCSI_MAX_SECTORS] = limit_max_sectors(config->max_sectors, facts);
	limit_segments(&of[VIRTSCSI_SEG_MAX], &of[VIRTSCSI_PROT_SEG_MAX],
		       config->seg_max, facts);
	/* An unaligned segment touches up to two pages more than it fills. */
	if (facts->counts_pages)
		limit_lower(&of[VIRTSCSI_MAX_SECTORS],
			    (COUNTED_PAGES - 2 * of[VIRTSCSI_SEG_MAX].value) *
			    COUNTED_PAGE_SECTORS, VIRTSCSI_FROM_PAGES);
	of[VIRTSCSI_SEGMENT_SIZE] = limit_from(U32_MAX, VIRTSCSI_FROM_KERNEL);
	if (facts->segment_size < U32_MAX)
		of[VIRTSCSI_SEGMENT_SIZE] =
			limit_from(max_t(u64, facts->page_size,
					 min_t(u64, facts->segment_size, BOUNCED_SEGMENT)),
				   VIRTSCSI_FROM_DMA);

	of[VIRTSCSI_NUM_QUEUES] =
		virtscsi_limits_nr_queues(config, facts->nr_cpus);
	limit_lower(&of[VIRTSCSI_NUM_QUEUES], facts->nr_queues,
		    VIRTSCSI_FROM_RING);
	/*
	 * How many of the smallest data commands fit into the ring. Larger ones
	 * can find it full, but fit into an empty ring, see limit_segments().
	 */
	of[VIRTSCSI_CAN_QUEUE] =
		limit_lower_of(facts->ring_size / entries, VIRTSCSI_FROM_RING,
			       facts->queue_depth, VIRTSCSI_FROM_KERNEL);
	of[VIRTSCSI_CMD_PER_LUN] = limit_within(config->cmd_per_lun, 1,
						CMD_PER_LUN_LAST,
						VIRTSCSI_FROM_KERNEL);
	limit_lower(&of[VIRTSCSI_CMD_PER_LUN], of[VIRTSCSI_CAN_QUEUE].value,
		    of[VIRTSCSI_CAN_QUEUE].source);

	of[VIRTSCSI_CDB_SIZE] = limit_wire_size(config->cdb_size, CDB_SIZE_LAST,
						VIRTIO_SCSI_CDB_DEFAULT_SIZE);
	of[VIRTSCSI_SENSE_SIZE] =
		limit_wire_size(config->sense_size, SENSE_SIZE_LAST,
				VIRTIO_SCSI_SENSE_DEFAULT_SIZE);
	of[VIRTSCSI_EVENT_SIZE] = limit_within(config->event_info_size,
					       sizeof(struct virtio_scsi_event),
					       EVENT_SIZE_LAST,
					       VIRTSCSI_FROM_KERNEL);

	/* The wire format has no field for a channel. */
	of[VIRTSCSI_MAX_CHANNEL] = limit_within(config->max_channel, 0, 0,
						VIRTSCSI_FROM_WIRE);
	of[VIRTSCSI_MAX_TARGET] = limit_within(config->max_target, 0,
					       MAX_TARGET_LAST,
					       VIRTSCSI_FROM_WIRE);
	of[VIRTSCSI_MAX_LUN] = limit_within(config->max_lun, 0, MAX_LUN_LAST,
					    VIRTSCSI_FROM_WIRE);
	return 0;
}

static void lun_max_sectors(struct virtscsi_limit *limit,
			    const struct virtscsi_lun_facts *facts)
{
	u32 block_size = facts->block_size, block_sectors, floor, whole;
	u64 announced;

	/* QEMU scales page B0h by the same; elsewhere it is the safe value. */
	if (block_size < BLOCK_SIZE_FIRST ||
	    block_size > VIRTSCSI_BLOCK_SIZE_LAST)
		block_size = BLOCK_SIZE_FIRST;
	block_sectors = max(DIV_ROUND_UP(block_size, 512),
			    facts->logical_block_size >> 9);
	floor = max(facts->page_size >> 9, block_sectors);

	*limit = limit_lower_of(facts->hba_max_sectors, VIRTSCSI_FROM_HBA,
				facts->core_max_sectors, VIRTSCSI_FROM_KERNEL);
	if (facts->max_blocks) {
		/* Rounded up: a transfer of the LUN's maximum must pass. */
		announced = ((u64)facts->max_blocks * block_size + 511) >> 9;
		limit->asked = min_t(u64, announced, U32_MAX);
		limit_lower(limit, announced, VIRTSCSI_FROM_VPD_B0);
	}
	if (facts->override_max_sectors)
		limit_lower(limit, facts->override_max_sectors,
			    VIRTSCSI_FROM_OVERRIDE);

	limit_raise(limit, floor, VIRTSCSI_FROM_KERNEL);
	/* The block layer needs whole blocks; some sizes do not divide a page. */
	whole = limit->value - limit->value % block_sectors;
	if (whole >= floor)
		limit->value = whole;
}

/* Above the HBA's max_sectors, which is a hint, only if a block needs it. */
void virtscsi_limits_compute_lun(struct virtscsi_lun_limits *limits,
				 const struct virtscsi_lun_facts *facts)
{
	lun_max_sectors(&limits->of[VIRTSCSI_MAX_SECTORS], facts);
	limits->of[VIRTSCSI_SEG_MAX] =
		limit_lower_of(facts->hba_seg_max, VIRTSCSI_FROM_HBA,
			       facts->override_seg_max ?: U32_MAX,
			       VIRTSCSI_FROM_OVERRIDE);
}

u32 virtscsi_limits_min_override(unsigned int id)
{
	return id == VIRTSCSI_MAX_SECTORS ? VIRTSCSI_BLOCK_SIZE_LAST >> 9 : 1;
}
