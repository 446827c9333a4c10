// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests for override.c: the grammar of the module parameter.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "override.h"

static const char *const names[] = { "virtio1", "0000:00:04.0" };

/* Entries, and what an HBA and its LUN 3:5 get by them. */
static const struct text_row {
	const char *text;
	u32 hba_sectors, hba_segs, lun_sectors, lun_segs;
} text_rows[] = {
	{ "", 0, 0, 0, 0 },
	{ "\n", 0, 0, 0, 0 },
	{ "max_sectors=512", 512, 0, 0, 0 },
	{ "max_sectors=512\n", 512, 0, 0, 0 },
	{ "seg_max=128", 0, 128, 0, 0 },
	{ "max_sectors=512,seg_max=128", 512, 128, 0, 0 },
	{ "max_sectors=512,max_sectors=256", 256, 0, 0, 0 },
	{ "3:5/max_sectors=512", 0, 0, 512, 0 },
	{ "3:5/seg_max=16,max_sectors=9", 9, 0, 0, 16 },
	{ "3:16389/max_sectors=512", 0, 0, 512, 0 },
	{ "3:6/max_sectors=512,4:5/seg_max=3", 0, 0, 0, 0 },
	{ "virtio1/max_sectors=512", 512, 0, 0, 0 },
	{ "virtio1/3:5/max_sectors=512", 0, 0, 512, 0 },
	{ "0000:00:04.0/max_sectors=512", 512, 0, 0, 0 },
	{ "0000:00:04.0/3:5/seg_max=7", 0, 0, 0, 7 },
	{ "virtio/max_sectors=512", 0, 0, 0, 0 },
	{ "virtio11/max_sectors=512", 0, 0, 0, 0 },
	{ "virtio2/3:5/max_sectors=512,3:5/max_sectors=8", 0, 0, 8, 0 },
	{ "max_sectors=4294967295", U32_MAX, 0, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(text, text_rows, text);

static const char *const bad_texts[] = {
	"max_sectors",
	"max_sectors=",
	"max_sectors=x",
	"max_sectors=5x",
	"max_sectors=0x10",
	"max_sectors=-1",
	"max_sectors= 1",
	"max_sectors=4294967296",
	"max_sectors=99999999999999999999",
	"max_sector=1",
	"max_sectorsx=1",
	"opt_sectors=1",
	"=1",
	",max_sectors=1",
	"max_sectors=1,,seg_max=1",
	"/max_sectors=1",
	"//max_sectors=1",
	"virtio1//max_sectors=1",
	"virtio1/x/max_sectors=1",
	"3:5/virtio1/max_sectors=1",
	"virtio1/3:5/6:7/max_sectors=1",
	"virtio1/3:5",
	"virtio1/256:5/max_sectors=1",
	"virtio1/3:32768/max_sectors=1",
	"virtio1/3:/max_sectors=1",
	"virtio1/:5/max_sectors=1",
};

static bool is_good(const char *text)
{
	struct virtscsi_override override;

	while (text && *text && *text != '\n')
		text = virtscsi_override_parse(text, &override);
	return text;
}

static u32 find(const char *text, bool has_lun, enum virtscsi_lun_limit_id id)
{
	const struct virtscsi_override wanted = {
		.has_lun = has_lun,
		.target = has_lun ? 3 : 0,
		.lun = has_lun ? 5 : 0,
		.id = id,
	};

	return virtscsi_override_find(text, names, ARRAY_SIZE(names), &wanted);
}

static void override_test_text(struct kunit *test)
{
	const struct text_row *row = test->param_value;

	KUNIT_EXPECT_TRUE(test, is_good(row->text));
	KUNIT_EXPECT_EQ(test, row->hba_sectors,
			find(row->text, false, VIRTSCSI_LUN_MAX_SECTORS));
	KUNIT_EXPECT_EQ(test, row->hba_segs,
			find(row->text, false, VIRTSCSI_LUN_SEG_MAX));
	KUNIT_EXPECT_EQ(test, row->lun_sectors,
			find(row->text, true, VIRTSCSI_LUN_MAX_SECTORS));
	KUNIT_EXPECT_EQ(test, row->lun_segs,
			find(row->text, true, VIRTSCSI_LUN_SEG_MAX));
}

static void override_test_bad_text(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_texts); i++)
		KUNIT_EXPECT_TRUE_MSG(test, !is_good(bad_texts[i]), "%s",
				      bad_texts[i]);
}

static const struct range_row {
	enum virtscsi_lun_limit_id id;
	u32 value;
	u32 page_size;
	bool is_valid;
} range_rows[] = {
	{ VIRTSCSI_LUN_MAX_SECTORS, 0, 4096, false },
	{ VIRTSCSI_LUN_MAX_SECTORS, 7, 4096, false },
	{ VIRTSCSI_LUN_MAX_SECTORS, 8, 4096, true },
	{ VIRTSCSI_LUN_MAX_SECTORS, 8, 65536, false },
	{ VIRTSCSI_LUN_MAX_SECTORS, 128, 65536, true },
	{ VIRTSCSI_LUN_MAX_SECTORS, 0x3fffff, 4096, true },
	{ VIRTSCSI_LUN_MAX_SECTORS, 0x400000, 4096, false },
	{ VIRTSCSI_LUN_SEG_MAX, 0, 4096, false },
	{ VIRTSCSI_LUN_SEG_MAX, 1, 4096, true },
	{ VIRTSCSI_LUN_SEG_MAX, 0xffff, 4096, true },
	{ VIRTSCSI_LUN_SEG_MAX, 0x10000, 4096, false },
};

static void range_desc(const struct range_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %u, pages of %u",
		 virtscsi_limits_lun_name(row->id), row->value, row->page_size);
}

KUNIT_ARRAY_PARAM(range, range_rows, range_desc);

static void override_test_range(struct kunit *test)
{
	const struct range_row *row = test->param_value;
	const struct virtscsi_override override = {
		.id = row->id,
		.value = row->value,
	};

	KUNIT_EXPECT_EQ(test, row->is_valid,
			virtscsi_override_is_valid(&override, row->page_size));
}

static struct kunit_case override_test_cases[] = {
	KUNIT_CASE_PARAM(override_test_text, text_gen_params),
	KUNIT_CASE(override_test_bad_text),
	KUNIT_CASE_PARAM(override_test_range, range_gen_params),
	{}
};

static struct kunit_suite override_test_suite = {
	.name = "virtio_scsi_override",
	.test_cases = override_test_cases,
};

kunit_test_suite(override_test_suite);
