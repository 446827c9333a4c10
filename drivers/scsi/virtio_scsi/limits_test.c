// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests for limits.c: each limit and its source.
 *
 * The expected values in the tables were derived by hand from the virtio
 * specification and from the types of the SCSI and block layers. The last test
 * combines all facts with each other and checks invariants only.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "limits.h"

/* The block layer's BLK_MQ_MAX_DEPTH and the SCSI core's SG_MAX_SEGMENTS. */
#define QUEUE_DEPTH	10240
#define NR_SEGMENTS	2048

#define DEVICE		VIRTSCSI_FROM_DEVICE
#define DEFAULT		VIRTSCSI_FROM_DEFAULT
#define RING		VIRTSCSI_FROM_RING
#define KERNEL		VIRTSCSI_FROM_KERNEL
#define DMA		VIRTSCSI_FROM_DMA
#define CPUS		VIRTSCSI_FROM_CPUS
#define WIRE		VIRTSCSI_FROM_WIRE
#define PI		VIRTSCSI_FROM_PI

/* The defaults of QEMU's virtio-scsi-pci in a guest with four CPUs. */
static const struct virtscsi_config typical_config = {
	.num_queues = 4,
	.seg_max = 254,
	.max_sectors = 0xffff,
	.cmd_per_lun = 128,
	.event_info_size = 16,
	.sense_size = 96,
	.cdb_size = 32,
	.max_channel = 0,
	.max_target = 255,
	.max_lun = 16383,
};

static const struct virtscsi_facts typical_facts = {
	.ring_size = 256,
	.has_indirect = true,
	.has_pi = false,
	.nr_cpus = 4,
	.nr_queues = U32_MAX,
	.page_size = 4096,
	.nr_segments = NR_SEGMENTS,
	.queue_depth = QUEUE_DEPTH,
	.segment_size = U64_MAX,
};

/* Limits without a field in the configuration space. */
static bool is_of_guest(enum virtscsi_limit_id id)
{
	return id == VIRTSCSI_CAN_QUEUE || id == VIRTSCSI_PROT_SEG_MAX ||
	       id == VIRTSCSI_SEGMENT_SIZE;
}

static void set_field(struct virtscsi_config *config, enum virtscsi_limit_id id,
		      u32 value)
{
	u32 *fields[VIRTSCSI_NR_LIMITS] = {
		[VIRTSCSI_NUM_QUEUES] = &config->num_queues,
		[VIRTSCSI_CMD_PER_LUN] = &config->cmd_per_lun,
		[VIRTSCSI_SEG_MAX] = &config->seg_max,
		[VIRTSCSI_MAX_SECTORS] = &config->max_sectors,
		[VIRTSCSI_CDB_SIZE] = &config->cdb_size,
		[VIRTSCSI_SENSE_SIZE] = &config->sense_size,
		[VIRTSCSI_EVENT_SIZE] = &config->event_info_size,
		[VIRTSCSI_MAX_LUN] = &config->max_lun,
	};

	if (id == VIRTSCSI_MAX_CHANNEL)
		config->max_channel = value;
	else if (id == VIRTSCSI_MAX_TARGET)
		config->max_target = value;
	else if (fields[id])
		*fields[id] = value;
}

static void expect_limit(struct kunit *test, const struct virtscsi_limits *limits,
			 enum virtscsi_limit_id id, u32 value,
			 enum virtscsi_limit_source source)
{
	const struct virtscsi_limit *limit = &limits->of[id];

	KUNIT_EXPECT_EQ_MSG(test, limit->value, value, "%s",
			    virtscsi_limit_names[id]);
	KUNIT_EXPECT_EQ_MSG(test, limit->source, source, "%s is from %s, not %s",
			    virtscsi_limit_names[id],
			    virtscsi_limit_source_names[limit->source],
			    virtscsi_limit_source_names[source]);
	if (is_of_guest(id))
		KUNIT_EXPECT_EQ_MSG(test, limit->asked, value,
				    "%s: asked is the value",
				    virtscsi_limit_names[id]);
}

/* One field varies, all others are typical. */
static const struct field_row {
	enum virtscsi_limit_id id;
	u32 asked;
	u32 value;
	enum virtscsi_limit_source source;
} field_rows[] = {
	{ VIRTSCSI_NUM_QUEUES, 0, 1, DEFAULT },
	{ VIRTSCSI_NUM_QUEUES, 1, 1, DEVICE },
	{ VIRTSCSI_NUM_QUEUES, 4, 4, DEVICE },
	{ VIRTSCSI_NUM_QUEUES, 5, 4, CPUS },
	{ VIRTSCSI_NUM_QUEUES, U32_MAX, 4, CPUS },

	{ VIRTSCSI_CMD_PER_LUN, 0, 1, DEFAULT },
	{ VIRTSCSI_CMD_PER_LUN, 1, 1, DEVICE },
	{ VIRTSCSI_CMD_PER_LUN, 128, 128, DEVICE },
	{ VIRTSCSI_CMD_PER_LUN, 256, 256, DEVICE },
	{ VIRTSCSI_CMD_PER_LUN, 257, 256, RING },
	{ VIRTSCSI_CMD_PER_LUN, 0x7fff, 256, RING },
	{ VIRTSCSI_CMD_PER_LUN, 0x8000, 256, RING },
	{ VIRTSCSI_CMD_PER_LUN, U32_MAX, 256, RING },

	{ VIRTSCSI_SEG_MAX, 0, 1, DEFAULT },
	{ VIRTSCSI_SEG_MAX, 1, 1, DEVICE },
	{ VIRTSCSI_SEG_MAX, 126, 126, DEVICE },
	{ VIRTSCSI_SEG_MAX, 254, 254, DEVICE },
	{ VIRTSCSI_SEG_MAX, 255, 254, RING },
	{ VIRTSCSI_SEG_MAX, 0xffff, 254, RING },
	{ VIRTSCSI_SEG_MAX, 0x10000, 254, RING },
	{ VIRTSCSI_SEG_MAX, U32_MAX, 254, RING },

	{ VIRTSCSI_MAX_SECTORS, 0, 0xffff, DEFAULT },
	{ VIRTSCSI_MAX_SECTORS, 1, 8, KERNEL },
	{ VIRTSCSI_MAX_SECTORS, 7, 8, KERNEL },
	{ VIRTSCSI_MAX_SECTORS, 8, 8, DEVICE },
	{ VIRTSCSI_MAX_SECTORS, 9, 9, DEVICE },
	{ VIRTSCSI_MAX_SECTORS, 0xffff, 0xffff, DEVICE },
	{ VIRTSCSI_MAX_SECTORS, 0x3fffff, 0x3fffff, DEVICE },
	{ VIRTSCSI_MAX_SECTORS, 0x400000, 0x3fffff, KERNEL },
	{ VIRTSCSI_MAX_SECTORS, U32_MAX, 0x3fffff, KERNEL },

	{ VIRTSCSI_CDB_SIZE, 0, 32, DEFAULT },
	{ VIRTSCSI_CDB_SIZE, 1, 1, DEVICE },
	{ VIRTSCSI_CDB_SIZE, 16, 16, DEVICE },
	{ VIRTSCSI_CDB_SIZE, 32, 32, DEVICE },
	{ VIRTSCSI_CDB_SIZE, 260, 260, DEVICE },
	{ VIRTSCSI_CDB_SIZE, 261, 32, DEFAULT },
	{ VIRTSCSI_CDB_SIZE, U32_MAX, 32, DEFAULT },

	{ VIRTSCSI_SENSE_SIZE, 0, 96, DEFAULT },
	{ VIRTSCSI_SENSE_SIZE, 1, 1, DEVICE },
	{ VIRTSCSI_SENSE_SIZE, 18, 18, DEVICE },
	{ VIRTSCSI_SENSE_SIZE, 96, 96, DEVICE },
	{ VIRTSCSI_SENSE_SIZE, 252, 252, DEVICE },
	{ VIRTSCSI_SENSE_SIZE, 1024, 1024, DEVICE },
	{ VIRTSCSI_SENSE_SIZE, 1025, 96, DEFAULT },
	{ VIRTSCSI_SENSE_SIZE, 0x10000, 96, DEFAULT },
	{ VIRTSCSI_SENSE_SIZE, U32_MAX, 96, DEFAULT },

	{ VIRTSCSI_EVENT_SIZE, 0, 16, DEFAULT },
	{ VIRTSCSI_EVENT_SIZE, 15, 16, DEFAULT },
	{ VIRTSCSI_EVENT_SIZE, 16, 16, DEVICE },
	{ VIRTSCSI_EVENT_SIZE, 17, 17, DEVICE },
	{ VIRTSCSI_EVENT_SIZE, 4096, 4096, DEVICE },
	{ VIRTSCSI_EVENT_SIZE, 4097, 4096, KERNEL },
	{ VIRTSCSI_EVENT_SIZE, U32_MAX, 4096, KERNEL },

	{ VIRTSCSI_MAX_CHANNEL, 0, 0, DEVICE },
	{ VIRTSCSI_MAX_CHANNEL, 1, 0, WIRE },
	{ VIRTSCSI_MAX_CHANNEL, 0xffff, 0, WIRE },

	{ VIRTSCSI_MAX_TARGET, 0, 0, DEVICE },
	{ VIRTSCSI_MAX_TARGET, 255, 255, DEVICE },
	{ VIRTSCSI_MAX_TARGET, 256, 255, WIRE },
	{ VIRTSCSI_MAX_TARGET, 0xffff, 255, WIRE },

	{ VIRTSCSI_MAX_LUN, 0, 0, DEVICE },
	{ VIRTSCSI_MAX_LUN, 255, 255, DEVICE },
	{ VIRTSCSI_MAX_LUN, 16383, 16383, DEVICE },
	{ VIRTSCSI_MAX_LUN, 16384, 16383, WIRE },
	{ VIRTSCSI_MAX_LUN, U32_MAX, 16383, WIRE },
};

static void field_desc(const struct field_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %u",
		 virtscsi_limit_names[row->id], row->asked);
}

KUNIT_ARRAY_PARAM(field, field_rows, field_desc);

static void limits_test_field(struct kunit *test)
{
	const struct field_row *row = test->param_value;
	struct virtscsi_config config = typical_config;
	struct virtscsi_limits limits;

	set_field(&config, row->id, row->asked);
	KUNIT_ASSERT_EQ(test, 0, virtscsi_limits_compute(&limits, &config,
							 &typical_facts));
	expect_limit(test, &limits, row->id, row->value, row->source);
	KUNIT_EXPECT_EQ(test, limits.of[row->id].asked, row->asked);
}

/*
 * The chain of a command has a request header, a response header, data and
 * protection segments, and is never longer than the ring.
 */
static const struct segments_row {
	u32 ring_size;
	bool has_pi;
	u32 nr_segments;
	u32 asked;
	u32 data;
	u32 prot;
	enum virtscsi_limit_source source;
} segments_rows[] = {
	{     3, false, NR_SEGMENTS, 254,        1,   0, RING },
	{     3, true,  NR_SEGMENTS, 254,        1,   0, RING },
	{     4, false, NR_SEGMENTS, 254,        2,   0, RING },
	{     4, true,  NR_SEGMENTS, 254,        1,   1, PI },
	{     5, true,  NR_SEGMENTS, 254,        1,   1, PI },
	{     6, true,  NR_SEGMENTS, 254,        2,   2, PI },
	{   128, false, NR_SEGMENTS, 126,      126,   0, DEVICE },
	{   128, false, NR_SEGMENTS, 127,      126,   0, RING },
	{   256, false, 128,         254,      128,   0, KERNEL },
	{   256, true,  128,         254,       64,  64, PI },
	{   256, true,  NR_SEGMENTS, U32_MAX,  127, 127, PI },
	{   256, true,  NR_SEGMENTS, 126,       63,  63, PI },
	{   256, true,  NR_SEGMENTS, 3,          1,   1, PI },
	{   256, true,  NR_SEGMENTS, 2,          1,   1, PI },
	{   256, true,  NR_SEGMENTS, 1,          1,   0, DEVICE },
	{   256, true,  NR_SEGMENTS, 0,          1,   0, DEFAULT },
	{   256, false, 1,           254,        1,   0, KERNEL },
	{ 32768, false, NR_SEGMENTS, 0xffff,  2048,   0, KERNEL },
	{ 32768, true,  NR_SEGMENTS, 0xffff,  1024, 1024, PI },
	{ 32768, false, 0xffff,      0x10000, 32766,  0, RING },
};

static void segments_desc(const struct segments_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "seg_max %u, ring %u, kernel %u%s",
		 row->asked, row->ring_size, row->nr_segments,
		 row->has_pi ? ", with PI" : "");
}

KUNIT_ARRAY_PARAM(segments, segments_rows, segments_desc);

static void limits_test_segments(struct kunit *test)
{
	const struct segments_row *row = test->param_value;
	struct virtscsi_config config = typical_config;
	struct virtscsi_facts facts = typical_facts;
	struct virtscsi_limits limits;
	int has_indirect;

	config.seg_max = row->asked;
	facts.ring_size = row->ring_size;
	facts.has_pi = row->has_pi;
	facts.nr_segments = row->nr_segments;

	/* Indirect descriptors change nothing: the ring bounds both. */
	for (has_indirect = 0; has_indirect <= 1; has_indirect++) {
		facts.has_indirect = has_indirect;
		KUNIT_ASSERT_EQ(test, 0, virtscsi_limits_compute(&limits, &config,
								 &facts));
		expect_limit(test, &limits, VIRTSCSI_SEG_MAX, row->data,
			     row->source);
		expect_limit(test, &limits, VIRTSCSI_PROT_SEG_MAX, row->prot,
			     PI);
	}
}

/* How many commands a queue holds, and cmd_per_lun of a device that sets no bound. */
static const struct depth_row {
	u32 ring_size;
	bool has_indirect;
	u32 queue_depth;
	u32 can_queue;
	enum virtscsi_limit_source source;
	u32 cmd_per_lun;
	enum virtscsi_limit_source lun_source;
} depth_rows[] = {
	{     3, true,  QUEUE_DEPTH,     3, RING,       3, RING },
	{     3, false, QUEUE_DEPTH,     1, RING,       1, RING },
	{     5, false, QUEUE_DEPTH,     1, RING,       1, RING },
	{    64, true,  QUEUE_DEPTH,    64, RING,      64, RING },
	{   256, false, QUEUE_DEPTH,    85, RING,      85, RING },
	{  1024, true,  QUEUE_DEPTH,  1024, RING,    1024, RING },
	{  1024, true,  1024,         1024, RING,    1024, RING },
	{  1024, true,  100,           100, KERNEL,   100, KERNEL },
	{  1024, true,  1,               1, KERNEL,     1, KERNEL },
	{ 32768, false, QUEUE_DEPTH, 10240, KERNEL, 10240, KERNEL },
	{ 32768, true,  QUEUE_DEPTH, 10240, KERNEL, 10240, KERNEL },
	{ 32768, true,  U32_MAX,     32768, RING,   32767, KERNEL },
};

static void depth_desc(const struct depth_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "ring %u, kernel %u%s",
		 row->ring_size, row->queue_depth,
		 row->has_indirect ? "" : ", without INDIRECT");
}

KUNIT_ARRAY_PARAM(depth, depth_rows, depth_desc);

static void limits_test_depth(struct kunit *test)
{
	const struct depth_row *row = test->param_value;
	struct virtscsi_config config = typical_config;
	struct virtscsi_facts facts = typical_facts;
	struct virtscsi_limits limits;

	config.cmd_per_lun = U32_MAX;
	facts.ring_size = row->ring_size;
	facts.has_indirect = row->has_indirect;
	facts.queue_depth = row->queue_depth;

	KUNIT_ASSERT_EQ(test, 0,
			virtscsi_limits_compute(&limits, &config, &facts));
	expect_limit(test, &limits, VIRTSCSI_CAN_QUEUE, row->can_queue,
		     row->source);
	expect_limit(test, &limits, VIRTSCSI_CMD_PER_LUN, row->cmd_per_lun,
		     row->lun_source);
}

/* What the DMA layer can map in one piece, also less than the block layer needs. */
static const struct dma_row {
	const char *name;
	u32 page_size;
	u64 mapped;
	u32 segment_size;
	enum virtscsi_limit_source segment_source;
} dma_rows[] = {
	{ "no bound", 4096, U64_MAX, U32_MAX, KERNEL },
	{ "4 GiB", 4096, 1ULL << 32, U32_MAX, KERNEL },
	{ "bounce buffers of 256 KiB", 4096, 262144, 65536, DMA },
	{ "64 KiB", 4096, 65536, 65536, DMA },
	{ "odd size", 4096, 5000, 5000, DMA },
	{ "one page", 4096, 4096, 4096, DMA },
	{ "less than a page", 4096, 512, 4096, DMA },
	{ "one byte", 4096, 1, 4096, DMA },
	{ "large pages, no bound", 65536, U64_MAX, U32_MAX, KERNEL },
	{ "large pages, bounce buffers", 65536, 262144, 65536, DMA },
	{ "large pages, less than a page", 65536, 4096, 65536, DMA },
	{ "huge pages, bounce buffers", 262144, 262144, 262144, DMA },
};

KUNIT_ARRAY_PARAM_DESC(dma, dma_rows, name);

static void limits_test_dma(struct kunit *test)
{
	const struct dma_row *row = test->param_value;
	struct virtscsi_facts facts = typical_facts;
	struct virtscsi_limits limits;

	facts.page_size = row->page_size;
	facts.segment_size = row->mapped;

	KUNIT_ASSERT_EQ(test, 0,
			virtscsi_limits_compute(&limits, &typical_config,
						&facts));
	expect_limit(test, &limits, VIRTSCSI_SEGMENT_SIZE, row->segment_size,
		     row->segment_source);
	expect_limit(test, &limits, VIRTSCSI_MAX_SECTORS, 0xffff, DEVICE);
}

/* With less than three entries no command fits: an error, and no output. */
static void limits_test_ring_too_small(struct kunit *test)
{
	struct virtscsi_facts facts = typical_facts;
	struct virtscsi_limits limits, before;

	memset(&limits, 0xa5, sizeof(limits));
	before = limits;
	for (facts.ring_size = 0; facts.ring_size < 3; facts.ring_size++) {
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL,
				    virtscsi_limits_compute(&limits,
							    &typical_config,
							    &facts),
				    "ring of %u", facts.ring_size);
		KUNIT_EXPECT_MEMEQ(test, &limits, &before, sizeof(limits));
	}
}

/* One queue for each CPU, if the device has that many. */
static const struct queues_row {
	u32 asked;
	u32 nr_cpus;
	u32 found;
	u32 value;
	enum virtscsi_limit_source source;
} queues_rows[] = {
	{ 0, 1, 1, 1, DEFAULT },
	{ 0, 64, 1, 1, DEFAULT },
	{ 1, 64, 1, 1, DEVICE },
	{ 8, 64, 8, 8, DEVICE },
	{ 8, 64, 7, 7, RING },
	{ 8, 4, 4, 4, CPUS },
	{ 8, 4, 3, 3, RING },
	{ 0xffff, 256, 1, 1, RING },
	{ U32_MAX, 1, 1, 1, CPUS },
	{ U32_MAX, U32_MAX, U32_MAX, U32_MAX, DEVICE },
};

static void queues_desc(const struct queues_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "num_queues %u, %u CPUs, %u found",
		 row->asked, row->nr_cpus, row->found);
}

KUNIT_ARRAY_PARAM(queues, queues_rows, queues_desc);

static void limits_test_queues(struct kunit *test)
{
	const struct queues_row *row = test->param_value;
	struct virtscsi_config config = typical_config;
	struct virtscsi_facts facts = typical_facts;
	struct virtscsi_limits limits;
	struct virtscsi_limit wanted;

	config.num_queues = row->asked;
	facts.nr_cpus = row->nr_cpus;
	facts.nr_queues = row->found;
	KUNIT_ASSERT_EQ(test, 0,
			virtscsi_limits_compute(&limits, &config, &facts));
	expect_limit(test, &limits, VIRTSCSI_NUM_QUEUES, row->value,
		     row->source);

	/* Before the virtqueues are found. */
	wanted = virtscsi_limits_nr_queues(&config, row->nr_cpus);
	KUNIT_EXPECT_EQ(test, wanted.asked, row->asked);
	KUNIT_EXPECT_EQ(test, wanted.value,
			row->asked ? min(row->asked, row->nr_cpus) : 1);
}

/* Every limit and every source has a name, and no two are the same. */
static void limits_test_names(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < VIRTSCSI_NR_LIMITS; i++) {
		KUNIT_EXPECT_NOT_NULL(test, virtscsi_limit_names[i]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_TRUE(test, strcmp(virtscsi_limit_names[i],
						       virtscsi_limit_names[j]));
	}
	for (i = 0; i < VIRTSCSI_NR_SOURCES; i++) {
		KUNIT_EXPECT_NOT_NULL(test, virtscsi_limit_source_names[i]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_TRUE(test, strcmp(virtscsi_limit_source_names[i],
						       virtscsi_limit_source_names[j]));
	}
}

/* Value, asked and source of a limit are consistent. */
static const char *broken_report(const struct virtscsi_limits *limits)
{
	enum virtscsi_limit_id id;

	for (id = 0; id < VIRTSCSI_NR_LIMITS; id++) {
		const struct virtscsi_limit *limit = &limits->of[id];
		bool is_from_device = limit->source == DEVICE;
		bool is_as_asked = limit->asked == limit->value;

		if (limit->source > VIRTSCSI_FROM_PI)
			return "each limit has a source";
		if (is_of_guest(id) && !is_as_asked)
			return "a limit of the guest has no asked value";
		if (is_of_guest(id) && is_from_device)
			return "a limit of the guest is not from the device";
		if (!is_of_guest(id) && is_from_device != is_as_asked)
			return "the source is the device iff its value is used";
		if (limit->value > limit->asked && limit->source != DEFAULT &&
		    id != VIRTSCSI_MAX_SECTORS)
			return "a limit is raised to a default only";
	}
	return NULL;
}

static const char *broken_queue(const struct virtscsi_limits *limits,
				const struct virtscsi_facts *facts)
{
	u32 nr_queues = limits->of[VIRTSCSI_NUM_QUEUES].value;
	u32 can_queue = limits->of[VIRTSCSI_CAN_QUEUE].value;
	u32 cmd_per_lun = limits->of[VIRTSCSI_CMD_PER_LUN].value;
	u32 entries = facts->has_indirect ? 1 : 3;

	if (nr_queues < 1 || nr_queues > facts->nr_cpus)
		return "1 <= num_queues <= CPUs";
	if (nr_queues > facts->nr_queues)
		return "num_queues <= queues found";
	if (can_queue < 1 || can_queue > facts->queue_depth)
		return "1 <= can_queue <= tags";
	if (can_queue * entries > facts->ring_size)
		return "can_queue commands fit the ring";
	if (cmd_per_lun < 1 || cmd_per_lun > can_queue)
		return "1 <= cmd_per_lun <= can_queue";
	if (cmd_per_lun > S16_MAX)
		return "cmd_per_lun fits the midlayer's short";
	return NULL;
}

static const char *broken_command(const struct virtscsi_limits *limits,
				  const struct virtscsi_facts *facts)
{
	const struct virtscsi_limit *sectors = &limits->of[VIRTSCSI_MAX_SECTORS];
	u32 asked = limits->of[VIRTSCSI_SEG_MAX].asked;
	u32 data = limits->of[VIRTSCSI_SEG_MAX].value;
	u32 prot = limits->of[VIRTSCSI_PROT_SEG_MAX].value;
	u32 segment_size = limits->of[VIRTSCSI_SEGMENT_SIZE].value;
	u64 bytes = (u64)sectors->value << 9;
	u64 page_size = facts->page_size;

	if (data < 1 || data > U16_MAX)
		return "seg_max fits the midlayer's unsigned short";
	if (data + prot + 2 > facts->ring_size)
		return "a command is no longer than the ring";
	if (data + prot > facts->nr_segments)
		return "a command has no more segments than the kernel hands over";
	if (data + prot > max(asked, 1U))
		return "a command has no more segments than the device takes";
	if (!facts->has_pi && prot)
		return "no protection segments without protection information";
	if (facts->has_pi && prot != data && (prot || data > 1))
		return "as many protection as data segments";
	if (segment_size < page_size)
		return "a segment carries a page";
	if (segment_size > max(facts->segment_size, page_size))
		return "the DMA layer maps a segment";
	if (bytes < page_size)
		return "a command carries a page";
	if (bytes > INT_MAX)
		return "a command's bytes fit an int";
	if (sectors->asked && bytes > max_t(u64, (u64)sectors->asked << 9, page_size))
		return "a command carries no more than the device takes";
	return NULL;
}

static const char *broken_wire(const struct virtscsi_limits *limits)
{
	u32 cdb_size = limits->of[VIRTSCSI_CDB_SIZE].value;
	u32 sense_size = limits->of[VIRTSCSI_SENSE_SIZE].value;
	u32 event_size = limits->of[VIRTSCSI_EVENT_SIZE].value;

	if (cdb_size < 1 || cdb_size > 260)
		return "1 <= cdb_size <= 260";
	if (sense_size < 1 || sense_size > 1024)
		return "1 <= sense_size <= 1024";
	if (event_size < 16 || event_size > 4096)
		return "16 <= event_info_size <= 4096";
	if (limits->of[VIRTSCSI_MAX_CHANNEL].value > 0)
		return "max_channel is 0";
	if (limits->of[VIRTSCSI_MAX_TARGET].value > 255)
		return "max_target <= 255";
	if (limits->of[VIRTSCSI_MAX_LUN].value > 16383)
		return "max_lun <= 16383";
	return NULL;
}

static const char *broken(const struct virtscsi_limits *limits,
			  const struct virtscsi_facts *facts)
{
	const char *what = broken_report(limits);

	what = what ?: broken_queue(limits, facts);
	what = what ?: broken_command(limits, facts);
	return what ?: broken_wire(limits);
}

/* One choice of @nr; leaves in @number what chooses the rest. */
static size_t pick(size_t *number, size_t nr)
{
	size_t choice = *number % nr;

	*number /= nr;
	return choice;
}

static const u32 some_rings[] = { 3, 4, 5, 64, 128, 256, 1000, 4096, 32768 };
static const bool some_bools[] = { false, true };
static const u32 some_cpus[] = { 1, 64 };
static const u32 some_nr_queues[] = { 1, 8, U32_MAX };
static const u32 some_pages[] = { 4096, 65536 };
static const u32 some_nr_segments[] = { 128, 2048 };
static const u32 some_depths[] = { 1, QUEUE_DEPTH, U32_MAX };
static const u64 some_segment_sizes[] = { 512, 262144, U64_MAX };

/* 0, 1, and values around the ends of types and limits. */
static const u32 some_asked[] = {
	0, 1, 2, 7, 8, 128, 254, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7fffffff, U32_MAX,
};

/* Distance of neighbouring fields in some_asked[]; 0: all the same. */
static const u32 some_strides[] = { 0, 4, 7 };

#define NR_COMBINATIONS							\
	(ARRAY_SIZE(some_rings) * ARRAY_SIZE(some_bools) *		\
	 ARRAY_SIZE(some_bools) * ARRAY_SIZE(some_cpus) *		\
	 ARRAY_SIZE(some_nr_queues) *					\
	 ARRAY_SIZE(some_pages) * ARRAY_SIZE(some_nr_segments) *	\
	 ARRAY_SIZE(some_depths) * ARRAY_SIZE(some_segment_sizes) *	\
	 ARRAY_SIZE(some_asked) * ARRAY_SIZE(some_strides))

static void combine(size_t number, struct virtscsi_config *config,
		    struct virtscsi_facts *facts)
{
	enum virtscsi_limit_id id;
	u32 stride;

	facts->ring_size = some_rings[pick(&number, ARRAY_SIZE(some_rings))];
	facts->has_indirect = some_bools[pick(&number, ARRAY_SIZE(some_bools))];
	facts->has_pi = some_bools[pick(&number, ARRAY_SIZE(some_bools))];
	facts->nr_cpus = some_cpus[pick(&number, ARRAY_SIZE(some_cpus))];
	facts->nr_queues = some_nr_queues[pick(&number, ARRAY_SIZE(some_nr_queues))];
	facts->page_size = some_pages[pick(&number, ARRAY_SIZE(some_pages))];
	facts->nr_segments = some_nr_segments[pick(&number, ARRAY_SIZE(some_nr_segments))];
	facts->queue_depth = some_depths[pick(&number, ARRAY_SIZE(some_depths))];
	facts->segment_size = some_segment_sizes[pick(&number, ARRAY_SIZE(some_segment_sizes))];
	stride = some_strides[pick(&number, ARRAY_SIZE(some_strides))];
	for (id = 0; id < VIRTSCSI_NR_LIMITS; id++)
		set_field(config, id,
			  some_asked[(number + id * stride) % ARRAY_SIZE(some_asked)]);
}

static void limits_test_every_combination(struct kunit *test)
{
	struct virtscsi_config config = {};
	struct virtscsi_facts facts = {};
	struct virtscsi_limits limits;
	const char *what;
	size_t number;

	for (number = 0; number < NR_COMBINATIONS; number++) {
		combine(number, &config, &facts);
		KUNIT_ASSERT_EQ_MSG(test, 0,
				    virtscsi_limits_compute(&limits, &config,
							    &facts),
				    "combination %zu", number);
		what = broken(&limits, &facts);
		if (what)
			KUNIT_FAIL_AND_ABORT(test,
					     "combination %zu violates: %s (ring %u, seg_max %u, max_sectors %u)",
					     number, what, facts.ring_size,
					     config.seg_max, config.max_sectors);
	}
}

/* No layout of the segments touches more than the 2048 pages of vhost-scsi. */
static void limits_test_pages(struct kunit *test)
{
	static const struct {
		u32 ring_size, seg_max, sectors;
		bool has_pi;
	} rows[] = {
		{ 128, 126, 14368, false }, { 128, 63, 15376, true },
		{ 256, 254, 12320, false }, { 1024, 512, 8192, false },
		{ 1024, 256, 12288, true },
	};
	struct virtscsi_config config = typical_config;
	struct virtscsi_facts facts = typical_facts;
	struct virtscsi_limits limits;
	unsigned int i;

	config.seg_max = 1022;
	facts.counts_pages = true;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		facts.ring_size = rows[i].ring_size;
		facts.has_pi = rows[i].has_pi;
		KUNIT_ASSERT_EQ(test, 0, virtscsi_limits_compute(&limits, &config,
								 &facts));
		expect_limit(test, &limits, VIRTSCSI_MAX_SECTORS,
			     rows[i].sectors, VIRTSCSI_FROM_PAGES);
		KUNIT_EXPECT_EQ(test, limits.of[VIRTSCSI_SEG_MAX].value,
				rows[i].seg_max);
	}
	config.max_sectors = 2048;
	KUNIT_ASSERT_EQ(test, 0, virtscsi_limits_compute(&limits, &config, &facts));
	expect_limit(test, &limits, VIRTSCSI_MAX_SECTORS, 2048,
		     VIRTSCSI_FROM_DEVICE);
}

static struct kunit_case limits_test_cases[] = {
	KUNIT_CASE_PARAM(limits_test_field, field_gen_params),
	KUNIT_CASE_PARAM(limits_test_segments, segments_gen_params),
	KUNIT_CASE_PARAM(limits_test_depth, depth_gen_params),
	KUNIT_CASE_PARAM(limits_test_dma, dma_gen_params),
	KUNIT_CASE(limits_test_pages),
	KUNIT_CASE(limits_test_ring_too_small),
	KUNIT_CASE_PARAM(limits_test_queues, queues_gen_params),
	KUNIT_CASE(limits_test_names),
	KUNIT_CASE(limits_test_every_combination),
	{}
};

static struct kunit_suite limits_test_suite = {
	.name = "virtio_scsi_limits",
	.test_cases = limits_test_cases,
};

kunit_test_suite(limits_test_suite);
