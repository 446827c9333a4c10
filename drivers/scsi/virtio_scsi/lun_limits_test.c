// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests for the limits of a LUN: every device type, every source of a
 * limit, and each source absent, small, equal to the HBA's limit, huge and
 * nonsensical.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <scsi/scsi_proto.h>

#include "limits.h"

#define HBA		VIRTSCSI_FROM_HBA
#define DEFAULT		VIRTSCSI_FROM_DEFAULT
#define KERNEL		VIRTSCSI_FROM_KERNEL
#define VPD_B0		VIRTSCSI_FROM_VPD_B0
#define BLOCK_LIMITS	VIRTSCSI_FROM_BLOCK_LIMITS
#define OVERRIDE	VIRTSCSI_FROM_OVERRIDE

/* Peripheral device types have five bits. */
#define NR_TYPES	32

/* QEMU's defaults: 32 MiB less one block, 254 segments. */
static const struct virtscsi_lun_facts typical_facts = {
	.type = TYPE_DISK,
	.page_size = 4096,
	.hba_max_sectors = 65535,
	.hba_seg_max = 254,
	.core_max_sectors = U32_MAX,
	.logical_block_size = 512,
	.answers = { .block_size = 512 },
};

/* What can bound max_sectors, and the unit of the value in each row. */
enum row_source {
	ROW_B0,			/* blocks of row->unit bytes */
	ROW_TAPE,		/* bytes of a block; does not bound a command */
	ROW_CORE,		/* 512-byte units */
	ROW_OVERRIDE,		/* 512-byte units */
	ROW_QUEUE,		/* bytes of a block, as the upper driver set it */
};

static const struct sectors_row {
	const char *name;
	enum row_source from;
	u32 says;
	u32 unit;
	u32 value;
	enum virtscsi_limit_source source;
} sectors_rows[] = {
	{ "B0h absent", ROW_B0, 0, 512, 65535, HBA },
	{ "B0h small", ROW_B0, 512, 512, 512, VPD_B0 },
	{ "B0h one less than the HBA", ROW_B0, 65534, 512, 65534, VPD_B0 },
	{ "B0h equal", ROW_B0, 65535, 512, 65535, HBA },
	{ "B0h one more than the HBA", ROW_B0, 65536, 512, 65535, HBA },
	{ "B0h huge", ROW_B0, U32_MAX, 512, 65535, HBA },
	{ "B0h huge, large blocks", ROW_B0, U32_MAX, 4096, 65528, HBA },
	{ "B0h of QEMU and an iSCSI disk", ROW_B0, 8192, 512, 8192, VPD_B0 },
	{ "B0h with blocks of 4096", ROW_B0, 64, 4096, 512, VPD_B0 },
	{ "B0h with blocks of 520", ROW_B0, 100, 520, 102, VPD_B0 },
	{ "B0h of one page", ROW_B0, 8, 512, 8, VPD_B0 },
	{ "B0h under a page", ROW_B0, 7, 512, 8, KERNEL },
	{ "B0h of one block", ROW_B0, 1, 512, 8, KERNEL },
	{ "B0h of one block of 1280", ROW_B0, 1, 1280, 8, KERNEL },
	{ "B0h of two blocks of 3584", ROW_B0, 2, 3584, 14, VPD_B0 },
	{ "B0h of one block of 4096", ROW_B0, 1, 4096, 8, VPD_B0 },
	{ "B0h of one block of 64 KiB", ROW_B0, 1, 65536, 128, VPD_B0 },
	{ "B0h, no block size", ROW_B0, 512, 0, 512, VPD_B0 },
	{ "B0h, block size 1", ROW_B0, 512, 1, 512, VPD_B0 },
	{ "B0h, block size 511", ROW_B0, 512, 511, 512, VPD_B0 },
	{ "B0h, block size 128 KiB", ROW_B0, 512, 131072, 512, VPD_B0 },
	{ "B0h, block size huge", ROW_B0, 512, U32_MAX, 512, VPD_B0 },

	{ "block length of a tape", ROW_TAPE, 262144, 0, 65535, HBA },
	{ "block length of a tape tiny", ROW_TAPE, 512, 0, 65535, HBA },

	{ "odd device absent", ROW_CORE, U32_MAX, 0, 65535, HBA },
	{ "odd device small", ROW_CORE, 512, 0, 512, KERNEL },
	{ "odd device equal", ROW_CORE, 65535, 0, 65535, HBA },
	{ "odd device larger", ROW_CORE, 65536, 0, 65535, HBA },
	{ "odd device nonsense", ROW_CORE, 1, 0, 8, KERNEL },

	{ "override absent", ROW_OVERRIDE, 0, 0, 65535, HBA },
	{ "override small", ROW_OVERRIDE, 512, 0, 512, OVERRIDE },
	{ "override equal", ROW_OVERRIDE, 65535, 0, 65535, HBA },
	{ "override upwards", ROW_OVERRIDE, 65536, 0, 65535, HBA },
	{ "override huge", ROW_OVERRIDE, U32_MAX, 0, 65535, HBA },
	{ "override of one page", ROW_OVERRIDE, 8, 0, 8, OVERRIDE },
	{ "override nonsense", ROW_OVERRIDE, 1, 0, 8, KERNEL },

	{ "queue not set up", ROW_QUEUE, 0, 0, 65535, HBA },
	{ "queue with blocks of 512", ROW_QUEUE, 512, 0, 65535, HBA },
	{ "queue with blocks of 2048", ROW_QUEUE, 2048, 0, 65532, HBA },
	{ "queue with blocks of 64 KiB", ROW_QUEUE, 65536, 0, 65408, HBA },
};

KUNIT_ARRAY_PARAM_DESC(sectors, sectors_rows, name);

static void say(struct virtscsi_lun_facts *facts, const struct sectors_row *row)
{
	switch (row->from) {
	case ROW_B0:
		facts->answers.max_blocks = row->says;
		facts->answers.block_size = row->unit;
		break;
	case ROW_TAPE:
		facts->answers.max_bytes = row->says;
		break;
	case ROW_CORE:
		facts->core_max_sectors = row->says;
		break;
	case ROW_OVERRIDE:
		facts->override_max_sectors = row->says;
		break;
	case ROW_QUEUE:
		facts->logical_block_size = row->says;
		break;
	}
}

/* Does the row apply to LUNs of this type? */
static bool is_for(const struct sectors_row *row, u8 type)
{
	switch (row->from) {
	case ROW_B0:
		return type == TYPE_DISK || type == TYPE_ZBC;
	case ROW_TAPE:
		return type == TYPE_TAPE;
	default:
		return true;
	}
}

static void lun_test_sectors(struct kunit *test)
{
	const struct sectors_row *row = test->param_value;
	struct virtscsi_lun_facts facts = typical_facts;
	struct virtscsi_lun_limits limits;
	const struct virtscsi_limit *limit =
		&limits.of[VIRTSCSI_LUN_MAX_SECTORS];
	unsigned int type;

	say(&facts, row);
	for (type = 0; type < NR_TYPES; type++) {
		bool is_bound = is_for(row, type);
		/* Types that ignore B0h can have large blocks, too. */
		u32 hba = row->from == ROW_B0 && row->unit == 4096 ? 65528 :
			  row->from == ROW_B0 && row->unit == 65536 ? 65408 :
			  row->from == ROW_B0 && row->unit == 520 ? 65534 :
			  row->from == ROW_B0 && row->unit == 3584 ? 65534 :
			  65535;

		facts.type = type;
		virtscsi_limits_compute_lun(&limits, &facts);
		KUNIT_EXPECT_EQ_MSG(test, limit->value,
				    is_bound ? row->value : hba, "type %u", type);
		KUNIT_EXPECT_EQ_MSG(test, limit->source,
				    is_bound ? row->source : HBA, "type %u", type);
		/* None of these bounds the segments. */
		KUNIT_EXPECT_EQ(test, limits.of[VIRTSCSI_LUN_SEG_MAX].value, 254);
		KUNIT_EXPECT_EQ(test, limits.of[VIRTSCSI_LUN_SEG_MAX].source, HBA);
	}
}

/* The lowest of several bounds is used, and is the source. */
static const struct both_row {
	u32 b0;
	u32 core;
	u32 override;
	u32 value;
	enum virtscsi_limit_source source;
} both_rows[] = {
	{ 1024, U32_MAX, 512, 512, OVERRIDE },
	{ 1024, U32_MAX, 1024, 1024, VPD_B0 },
	{ 1024, U32_MAX, 2048, 1024, VPD_B0 },
	{ 1024, 512, 2048, 512, KERNEL },
	{ 1024, 512, 256, 256, OVERRIDE },
	{ 1, 512, 256, 8, KERNEL },
};

static void both_desc(const struct both_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "B0h %u, core %u, override %u",
		 row->b0, row->core, row->override);
}

KUNIT_ARRAY_PARAM(both, both_rows, both_desc);

static void lun_test_both(struct kunit *test)
{
	const struct both_row *row = test->param_value;
	struct virtscsi_lun_facts facts = typical_facts;
	struct virtscsi_lun_limits limits;

	facts.answers.max_blocks = row->b0;
	facts.core_max_sectors = row->core;
	facts.override_max_sectors = row->override;
	virtscsi_limits_compute_lun(&limits, &facts);
	KUNIT_EXPECT_EQ(test, limits.of[VIRTSCSI_LUN_MAX_SECTORS].value,
			row->value);
	KUNIT_EXPECT_EQ(test, limits.of[VIRTSCSI_LUN_MAX_SECTORS].source,
			row->source);
}

/* Segments: the limit of the HBA, or a lower override. */
static const struct seg_row {
	u32 override;
	u32 value;
	enum virtscsi_limit_source source;
} seg_rows[] = {
	{ 0, 254, HBA },
	{ 1, 1, OVERRIDE },
	{ 128, 128, OVERRIDE },
	{ 254, 254, HBA },
	{ 255, 254, HBA },
	{ U32_MAX, 254, HBA },
};

static void seg_desc(const struct seg_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "override %u", row->override);
}

KUNIT_ARRAY_PARAM(seg, seg_rows, seg_desc);

static void lun_test_segments(struct kunit *test)
{
	const struct seg_row *row = test->param_value;
	struct virtscsi_lun_facts facts = typical_facts;
	struct virtscsi_lun_limits limits;
	const struct virtscsi_limit *limit = &limits.of[VIRTSCSI_LUN_SEG_MAX];

	facts.override_seg_max = row->override;
	for (facts.type = 0; facts.type < NR_TYPES; facts.type++) {
		virtscsi_limits_compute_lun(&limits, &facts);
		KUNIT_EXPECT_EQ(test, limit->value, row->value);
		KUNIT_EXPECT_EQ(test, limit->source, row->source);
		KUNIT_EXPECT_EQ(test, limit->asked, row->value);
	}
}

/* The optimal length is at most the maximum, and only disks have one. */
static const struct opt_row {
	u8 type;
	u32 opt;
	u32 max;
	u32 block_size;
	u32 value;
	enum virtscsi_limit_source source;
} opt_rows[] = {
	{ TYPE_DISK, 0, 0, 512, 0, DEFAULT },
	{ TYPE_DISK, 128, 0, 512, 128, VPD_B0 },
	{ TYPE_DISK, 128, 0, 4096, 1024, VPD_B0 },
	{ TYPE_ZBC, 128, 1024, 512, 128, VPD_B0 },
	{ TYPE_DISK, 1024, 1024, 512, 1024, VPD_B0 },
	{ TYPE_DISK, 1025, 1024, 512, 1024, VPD_B0 },
	{ TYPE_DISK, U32_MAX, 0, 512, 65535, HBA },
	{ TYPE_DISK, U32_MAX, 1, 512, 8, KERNEL },
	{ TYPE_TAPE, 128, 1024, 512, 0, DEFAULT },
	{ TYPE_ROM, 128, 1024, 2048, 0, DEFAULT },
};

static void opt_desc(const struct opt_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE,
		 "type %u, optimal %u, maximum %u, blocks of %u",
		 row->type, row->opt, row->max, row->block_size);
}

KUNIT_ARRAY_PARAM(opt, opt_rows, opt_desc);

static void lun_test_optimal(struct kunit *test)
{
	const struct opt_row *row = test->param_value;
	struct virtscsi_lun_facts facts = typical_facts;
	struct virtscsi_lun_limits limits;
	const struct virtscsi_limit *limit =
		&limits.of[VIRTSCSI_LUN_OPT_SECTORS];

	facts.type = row->type;
	facts.answers.opt_blocks = row->opt;
	facts.answers.max_blocks = row->max;
	facts.answers.block_size = row->block_size;
	virtscsi_limits_compute_lun(&limits, &facts);
	KUNIT_EXPECT_EQ(test, limit->value, row->value);
	KUNIT_EXPECT_EQ(test, limit->source, row->source);
}

/* The longest block: the drive's limit, or what fits into a command. */
static const struct block_row {
	u8 type;
	u32 says;
	u32 override;
	u32 value;
	enum virtscsi_limit_source source;
} block_rows[] = {
	{ TYPE_TAPE, 0, 0, 65535 << 9, HBA },
	{ TYPE_TAPE, 0, 512, 262144, OVERRIDE },
	{ TYPE_TAPE, 1, 0, 1, BLOCK_LIMITS },
	{ TYPE_TAPE, 262144, 0, 262144, BLOCK_LIMITS },
	{ TYPE_TAPE, 262144, 512, 262144, BLOCK_LIMITS },
	{ TYPE_TAPE, 262145, 512, 262144, OVERRIDE },
	{ TYPE_TAPE, 0xffffff, 0, 0xffffff, BLOCK_LIMITS },
	{ TYPE_DISK, 512, 0, 65535 << 9, HBA },
};

static void block_desc(const struct block_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "type %u, block %u, override %u",
		 row->type, row->says, row->override);
}

KUNIT_ARRAY_PARAM(block, block_rows, block_desc);

static void lun_test_block(struct kunit *test)
{
	const struct block_row *row = test->param_value;
	struct virtscsi_lun_facts facts = typical_facts;
	struct virtscsi_lun_limits limits;
	const struct virtscsi_limit *limit = &limits.of[VIRTSCSI_LUN_MAX_BLOCK];

	facts.type = row->type;
	facts.answers.max_bytes = row->says;
	facts.override_max_sectors = row->override;
	virtscsi_limits_compute_lun(&limits, &facts);
	KUNIT_EXPECT_EQ(test, limit->value, row->value);
	KUNIT_EXPECT_EQ(test, limit->source, row->source);
}

static const u32 some[] = {
	0, 1, 2, 7, 8, 9, 127, 128, 511, 512, 520, 1280, 2560, 3584, 4096, 65535,
	65536, 131072, 0x3fffff, 0x7fffffff, U32_MAX,
};

static const u32 some_pages[] = { 4096, 65536 };
static const u32 some_hbas[] = { 8, 9, 128, 255, 65535, 0x3fffff };

/* One choice of @nr; leaves in @number what chooses the rest. */
static size_t pick(size_t *number, size_t nr)
{
	size_t choice = *number % nr;

	*number /= nr;
	return choice;
}

#define NR_COMBINATIONS						\
	(ARRAY_SIZE(some_pages) * ARRAY_SIZE(some_hbas) *	\
	 ARRAY_SIZE(some) * ARRAY_SIZE(some) * ARRAY_SIZE(some) * 3)

/* The block layer accepts every result, and none exceeds the HBA's limit. */
static const char *broken(const struct virtscsi_lun_limits *limits,
			  const struct virtscsi_lun_facts *facts)
{
	const struct virtscsi_limit *max = &limits->of[VIRTSCSI_LUN_MAX_SECTORS];
	const struct virtscsi_limit *opt = &limits->of[VIRTSCSI_LUN_OPT_SECTORS];
	u32 block_size = facts->answers.block_size;

	if (max->value > facts->hba_max_sectors)
		return "not above the HBA";
	if (max->value < facts->page_size >> 9)
		return "not below a page";
	if (block_size >= 512 && block_size <= 65536 &&
	    block_size <= facts->hba_max_sectors << 9 &&
	    max->value < block_size >> 9)
		return "not below a logical block";
	if (facts->override_max_sectors > facts->page_size >> 9 &&
	    facts->override_max_sectors >= 129 &&
	    max->value > facts->override_max_sectors)
		return "not above a valid override";
	if (opt->value > max->value)
		return "optimum not above the maximum";
	if (max->source >= VIRTSCSI_NR_SOURCES)
		return "each limit has a source";
	if (max->source == HBA && max->value + 128 <= facts->hba_max_sectors)
		return "the HBA is the source of its own limit only";
	return NULL;
}

static void lun_test_every_combination(struct kunit *test)
{
	static const u8 types[] = { TYPE_DISK, TYPE_TAPE, TYPE_ROM };
	struct virtscsi_lun_facts facts = typical_facts;
	struct virtscsi_lun_limits limits;
	const char *what;
	size_t number;

	for (number = 0; number < NR_COMBINATIONS; number++) {
		size_t rest = number;
		u32 say;

		facts.page_size = some_pages[pick(&rest, ARRAY_SIZE(some_pages))];
		/* limits.c leaves no HBA below a page. */
		facts.hba_max_sectors =
			max(some_hbas[pick(&rest, ARRAY_SIZE(some_hbas))],
			    facts.page_size >> 9);
		facts.answers.block_size = some[pick(&rest, ARRAY_SIZE(some))];
		facts.override_max_sectors = some[pick(&rest, ARRAY_SIZE(some))];
		say = some[pick(&rest, ARRAY_SIZE(some))];
		facts.type = types[rest];
		facts.answers.max_blocks = say;
		facts.answers.opt_blocks = say ^ 1;
		facts.answers.max_bytes = say;
		virtscsi_limits_compute_lun(&limits, &facts);
		what = broken(&limits, &facts);
		if (what)
			KUNIT_FAIL_AND_ABORT(test,
					     "combination %zu violates: %s (page %u, HBA %u, blocks of %u, override %u, says %u, type %u: %u)",
					     number, what, facts.page_size,
					     facts.hba_max_sectors,
					     facts.answers.block_size,
					     facts.override_max_sectors, say,
					     facts.type,
					     limits.of[VIRTSCSI_LUN_MAX_SECTORS].value);
	}
}

static void lun_test_names(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < VIRTSCSI_NR_LUN_LIMITS; i++) {
		KUNIT_EXPECT_NOT_NULL(test, virtscsi_lun_limit_names[i]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_TRUE(test,
					  strcmp(virtscsi_lun_limit_names[i],
						 virtscsi_lun_limit_names[j]));
	}
}

static void lun_test_min_override(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 8,
			virtscsi_limits_min_override(VIRTSCSI_LUN_MAX_SECTORS,
						     4096));
	KUNIT_EXPECT_EQ(test, 128,
			virtscsi_limits_min_override(VIRTSCSI_LUN_MAX_SECTORS,
						     65536));
	KUNIT_EXPECT_EQ(test, 1,
			virtscsi_limits_min_override(VIRTSCSI_LUN_SEG_MAX,
						     4096));
}

static struct kunit_case lun_test_cases[] = {
	KUNIT_CASE_PARAM(lun_test_sectors, sectors_gen_params),
	KUNIT_CASE_PARAM(lun_test_both, both_gen_params),
	KUNIT_CASE_PARAM(lun_test_segments, seg_gen_params),
	KUNIT_CASE_PARAM(lun_test_optimal, opt_gen_params),
	KUNIT_CASE_PARAM(lun_test_block, block_gen_params),
	KUNIT_CASE(lun_test_every_combination),
	KUNIT_CASE(lun_test_names),
	KUNIT_CASE(lun_test_min_override),
	{}
};

static struct kunit_suite lun_test_suite = {
	.name = "virtio_scsi_lun_limits",
	.test_cases = lun_test_cases,
};

kunit_test_suite(lun_test_suite);
