// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests for spc.c: what is read from each reply, that truncated or wrong
 * replies change nothing, and what the driver does about sense codes.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>

#include "limits.h"
#include "spc.h"

#define LIMITS		VIRTSCSI_SENSE_LIMITS
#define RESCAN		VIRTSCSI_SENSE_RESCAN
#define INVENTORY	VIRTSCSI_SENSE_INVENTORY

/* VPD page 00h and how many bytes of it were transferred. */
static const struct list_row {
	const char *name;
	u8 bytes[8];
	u32 len;
	bool is_listed;
} list_rows[] = {
	{ "listed", { 0, 0x00, 0, 3, 0x00, 0x83, 0xb0 }, 7, true },
	{ "listed first", { 0, 0x00, 0, 1, 0xb0 }, 5, true },
	{ "not listed", { 0, 0x00, 0, 3, 0x00, 0x80, 0x83 }, 7, false },
	{ "after the end of the page", { 0, 0x00, 0, 2, 0x00, 0x83, 0xb0 }, 7, false },
	{ "cut off", { 0, 0x00, 0, 3, 0x00, 0x83, 0xb0 }, 6, false },
	{ "length huge", { 0, 0x00, 0xff, 0xff, 0x00, 0x83, 0xb0 }, 7, true },
	{ "header only", { 0, 0x00, 0, 0 }, 4, false },
	{ "less than a header", { 0, 0x00, 0, 9 }, 3, false },
	{ "nothing", { 0 }, 0, false },
	{ "another page", { 0, 0x80, 0, 3, 0x00, 0x83, 0xb0 }, 7, false },
};

KUNIT_ARRAY_PARAM_DESC(list, list_rows, name);

static void spc_test_list(struct kunit *test)
{
	const struct list_row *row = test->param_value;

	KUNIT_EXPECT_EQ(test, row->is_listed,
			virtscsi_spc_lists_page(row->bytes, row->len, 0xb0));
}

/* VPD page B0h: valid, truncated and wrong. */
static const struct b0_row {
	const char *name;
	u8 bytes[16];
	u32 len;
	u32 max;
	u32 opt;
} b0_rows[] = {
	{ "both", { 0, 0xb0, 0, 60, 0, 0, 0, 1, 0, 0, 0x20, 0, 0, 0, 1, 0 },
	  16, 0x2000, 0x100 },
	{ "neither", { 0, 0xb0, 0, 60 }, 16, 0, 0 },
	{ "all ones", { 0, 0xb0, 0, 60, 0, 0, 0, 0,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	  16, U32_MAX, U32_MAX },
	{ "page ends before the optimum", { 0, 0xb0, 0, 8, 0, 0, 0, 0,
					    0, 0, 0x20, 0, 0, 0, 1, 0 },
	  16, 0x2000, 0 },
	{ "page ends in the maximum", { 0, 0xb0, 0, 7, 0, 0, 0, 0,
					0, 0, 0x20, 0, 0, 0, 1, 0 }, 16, 0, 0 },
	{ "transfer ends before the optimum", { 0, 0xb0, 0, 60, 0, 0, 0, 0,
					      0, 0, 0x20, 0, 0, 0, 1, 0 },
	  15, 0x2000, 0 },
	{ "transfer ends in the maximum", { 0, 0xb0, 0, 60, 0, 0, 0, 0,
					  0, 0, 0x20 }, 11, 0, 0 },
	{ "another page", { 0, 0xb1, 0, 60, 0, 0, 0, 0,
			    0, 0, 0x20, 0, 0, 0, 1, 0 }, 16, 0, 0 },
	{ "no header", { 0, 0xb0, 0 }, 3, 0, 0 },
	{ "nothing", { 0 }, 0, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(b0, b0_rows, name);

static void spc_test_b0(struct kunit *test)
{
	const struct b0_row *row = test->param_value;
	struct virtscsi_answers answers = {};

	virtscsi_spc_read_block_limits(&answers, row->bytes, row->len);
	KUNIT_EXPECT_EQ(test, answers.max_blocks, row->max);
	KUNIT_EXPECT_EQ(test, answers.opt_blocks, row->opt);
}

static void spc_test_capacity(struct kunit *test)
{
	static const u8 ten[8] = { 0, 1, 0xff, 0xff, 0, 0, 0x10, 0 };
	static const u8 sixteen[32] = { 0, 0, 0, 0, 0, 1, 0xff, 0xff,
					0, 0, 0x08, 0 };
	struct virtscsi_answers answers = {};

	virtscsi_spc_read_capacity10(&answers, ten, 7);
	KUNIT_EXPECT_EQ(test, answers.block_size, 0);
	virtscsi_spc_read_capacity10(&answers, ten, 8);
	KUNIT_EXPECT_EQ(test, answers.block_size, 4096);
	answers.block_size = 0;
	virtscsi_spc_read_capacity16(&answers, sixteen, 0);
	virtscsi_spc_read_capacity16(&answers, sixteen, 11);
	KUNIT_EXPECT_EQ(test, answers.block_size, 0);
	virtscsi_spc_read_capacity16(&answers, sixteen, 32);
	KUNIT_EXPECT_EQ(test, answers.block_size, 2048);
}

static void spc_test_tape(struct kunit *test)
{
	static const u8 tgt[6] = { 0, 0x10, 0, 0, 0, 4 };
	struct virtscsi_answers answers = {};

	virtscsi_spc_read_tape_limits(&answers, tgt, 5);
	KUNIT_EXPECT_EQ(test, answers.max_bytes, 0);
	virtscsi_spc_read_tape_limits(&answers, tgt, 6);
	KUNIT_EXPECT_EQ(test, answers.max_bytes, 1048576);
}

/* The codes of SPC-6 as they are printed: key/ASC/ASCQ. */
static const struct sense_row {
	const char *name;
	u8 key;
	u8 asc;
	u8 ascq;
	unsigned int flags;
} sense_rows[] = {
	{ "06/28/00 medium may have changed", 6, 0x28, 0, LIMITS },
	{ "06/2a/00 parameters changed", 6, 0x2a, 0, LIMITS | RESCAN },
	{ "06/2a/01 mode parameters changed", 6, 0x2a, 1, LIMITS | RESCAN },
	{ "06/2a/09 capacity changed", 6, 0x2a, 9, LIMITS | RESCAN },
	{ "06/3f/03 INQUIRY data changed", 6, 0x3f, 3, LIMITS | RESCAN },
	{ "06/3f/0e reported LUNs changed", 6, 0x3f, 0xe, LIMITS | INVENTORY },
	{ "00/00/00 no sense", 0, 0, 0, 0 },
	{ "06/29/00 power on or reset", 6, 0x29, 0, 0 },
	{ "06/2a/02 log parameters changed", 6, 0x2a, 2, 0 },
	{ "06/24/00 wrong key", 6, 0x24, 0, 0 },
	{ "05/2a/00 wrong key", 5, 0x2a, 0, 0 },
	{ "05/20/00 invalid opcode", 5, 0x20, 0, 0 },
	{ "03/11/00 unrecovered read error", 3, 0x11, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(sense, sense_rows, name);

static void spc_test_sense(struct kunit *test)
{
	const struct sense_row *row = test->param_value;

	KUNIT_EXPECT_EQ(test, row->flags,
			virtscsi_spc_sense(row->key, row->asc, row->ascq));
}

/* Only six codes, all of them unit attentions, mean anything. */
static void spc_test_sense_total(struct kunit *test)
{
	unsigned int nr_known = 0;
	unsigned int code;

	for (code = 0; code < 16 << 16; code++)
		nr_known += !!virtscsi_spc_sense(code >> 16, code >> 8 & 0xff,
						 code & 0xff);
	KUNIT_EXPECT_EQ(test, nr_known, 6);
}

static struct kunit_case spc_test_cases[] = {
	KUNIT_CASE_PARAM(spc_test_list, list_gen_params),
	KUNIT_CASE_PARAM(spc_test_b0, b0_gen_params),
	KUNIT_CASE(spc_test_capacity),
	KUNIT_CASE(spc_test_tape),
	KUNIT_CASE_PARAM(spc_test_sense, sense_gen_params),
	KUNIT_CASE(spc_test_sense_total),
	{}
};

static struct kunit_suite spc_test_suite = {
	.name = "virtio_scsi_spc",
	.test_cases = spc_test_cases,
};

kunit_test_suite(spc_test_suite);
