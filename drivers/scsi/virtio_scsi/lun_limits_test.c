// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests for the limits of a LUN: every source of a limit, and each source
 * absent, small, equal to the HBA's limit, huge and nonsensical.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>

#include "limits.h"

#define HBA		VIRTSCSI_FROM_HBA
#define KERNEL		VIRTSCSI_FROM_KERNEL
#define VPD_B0		VIRTSCSI_FROM_VPD_B0
#define OVERRIDE	VIRTSCSI_FROM_OVERRIDE

/* QEMU's defaults: 32 MiB less one block, 254 segments. */
static const struct virtscsi_lun_facts typical_facts = {
	.page_size = 4096,
	.hba_max_sectors = 65535,
	.hba_seg_max = 254,
	.core_max_sectors = U32_MAX,
	.logical_block_size = 512,
	.block_size = 512,
};

/* What can bound max_sectors, and the unit of the value in each row. */
enum row_source {
	ROW_B0,			/* blocks of row->unit bytes */
	ROW_CORE,		/* 512-byte units */
	ROW_OVERRIDE,		/* 512-byte units; the unit is that of the LUN's blocks */
	ROW_HBA,		/* the same */
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
	{ "override under a block of 32 KiB", ROW_OVERRIDE, 63, 32768, 64, KERNEL },
	{ "override of a block of 64 KiB", ROW_OVERRIDE, 128, 65536, 128, OVERRIDE },

	{ "HBA of a page", ROW_HBA, 8, 4096, 8, HBA },
	{ "HBA under a block of 32 KiB", ROW_HBA, 8, 32768, 64, KERNEL },
	{ "HBA of a block of 64 KiB and a bit", ROW_HBA, 130, 65536, 128, HBA },

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
		facts->max_blocks = row->says;
		facts->block_size = row->unit;
		break;
	case ROW_CORE:
		facts->core_max_sectors = row->says;
		break;
	case ROW_OVERRIDE:
		facts->override_max_sectors = row->says;
		facts->block_size = row->unit;
		break;
	case ROW_HBA:
		facts->hba_max_sectors = row->says;
		facts->block_size = row->unit;
		break;
	case ROW_QUEUE:
		facts->logical_block_size = row->says;
		break;
	}
}

static void lun_test_sectors(struct kunit *test)
{
	const struct sectors_row *row = test->param_value;
	struct virtscsi_lun_facts facts = typical_facts;
	struct virtscsi_lun_limits limits;
	const struct virtscsi_limit *limit = &limits.of[VIRTSCSI_MAX_SECTORS];

	say(&facts, row);
	virtscsi_limits_compute_lun(&limits, &facts);
	KUNIT_EXPECT_EQ(test, limit->value, row->value);
	KUNIT_EXPECT_EQ(test, limit->source, row->source);
	/* None of these bounds the segments. */
	KUNIT_EXPECT_EQ(test, limits.of[VIRTSCSI_SEG_MAX].value, 254);
	KUNIT_EXPECT_EQ(test, limits.of[VIRTSCSI_SEG_MAX].source, HBA);
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

	facts.max_blocks = row->b0;
	facts.core_max_sectors = row->core;
	facts.override_max_sectors = row->override;
	virtscsi_limits_compute_lun(&limits, &facts);
	KUNIT_EXPECT_EQ(test, limits.of[VIRTSCSI_MAX_SECTORS].value,
			row->value);
	KUNIT_EXPECT_EQ(test, limits.of[VIRTSCSI_MAX_SECTORS].source,
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
	const struct virtscsi_limit *limit = &limits.of[VIRTSCSI_SEG_MAX];

	facts.override_seg_max = row->override;
	virtscsi_limits_compute_lun(&limits, &facts);
	KUNIT_EXPECT_EQ(test, limit->value, row->value);
	KUNIT_EXPECT_EQ(test, limit->source, row->source);
	KUNIT_EXPECT_EQ(test, limit->asked, row->value);
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
	 ARRAY_SIZE(some) * ARRAY_SIZE(some) * ARRAY_SIZE(some))

/* The block layer accepts every result, and none is needlessly above the HBA's. */
static const char *broken(const struct virtscsi_lun_limits *limits,
			  const struct virtscsi_lun_facts *facts)
{
	const struct virtscsi_limit *max = &limits->of[VIRTSCSI_MAX_SECTORS];
	u32 block_size = facts->block_size;

	if (max->value > facts->hba_max_sectors && max->value > 128)
		return "not above the HBA, but for a block";
	if (max->value < facts->page_size >> 9)
		return "not below a page";
	if (block_size >= 512 && block_size <= 65536 &&
	    max->value < block_size >> 9)
		return "not below a logical block";
	if (facts->override_max_sectors > facts->page_size >> 9 &&
	    facts->override_max_sectors >= 129 &&
	    max->value > facts->override_max_sectors)
		return "not above a valid override";
	if (max->source >= VIRTSCSI_NR_SOURCES)
		return "each limit has a source";
	if (max->source == HBA && max->value + 128 <= facts->hba_max_sectors)
		return "the HBA is the source of its own limit only";
	return NULL;
}

static void lun_test_every_combination(struct kunit *test)
{
	struct virtscsi_lun_facts facts = typical_facts;
	struct virtscsi_lun_limits limits;
	const char *what;
	size_t number;

	for (number = 0; number < NR_COMBINATIONS; number++) {
		size_t rest = number;

		facts.page_size = some_pages[pick(&rest, ARRAY_SIZE(some_pages))];
		/* limits.c leaves no HBA below a page. */
		facts.hba_max_sectors =
			max(some_hbas[pick(&rest, ARRAY_SIZE(some_hbas))],
			    facts.page_size >> 9);
		facts.block_size = some[pick(&rest, ARRAY_SIZE(some))];
		facts.override_max_sectors = some[pick(&rest, ARRAY_SIZE(some))];
		facts.max_blocks = some[rest];
		virtscsi_limits_compute_lun(&limits, &facts);
		what = broken(&limits, &facts);
		if (what)
			KUNIT_FAIL_AND_ABORT(test,
					     "combination %zu violates: %s (page %u, HBA %u, blocks of %u, override %u, says %u: %u)",
					     number, what, facts.page_size,
					     facts.hba_max_sectors,
					     facts.block_size,
					     facts.override_max_sectors,
					     facts.max_blocks,
					     limits.of[VIRTSCSI_MAX_SECTORS].value);
	}
}

static void lun_test_min_override(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 128,
			virtscsi_limits_min_override(VIRTSCSI_MAX_SECTORS));
	KUNIT_EXPECT_EQ(test, 1, virtscsi_limits_min_override(VIRTSCSI_SEG_MAX));
}

static struct kunit_case lun_test_cases[] = {
	KUNIT_CASE_PARAM(lun_test_sectors, sectors_gen_params),
	KUNIT_CASE_PARAM(lun_test_both, both_gen_params),
	KUNIT_CASE_PARAM(lun_test_segments, seg_gen_params),
	KUNIT_CASE(lun_test_every_combination),
	KUNIT_CASE(lun_test_min_override),
	{}
};

static struct kunit_suite lun_test_suite = {
	.name = "virtio_scsi_lun_limits",
	.test_cases = lun_test_cases,
};

kunit_test_suite(lun_test_suite);
