// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests for spc.c: what is read from VPD page B0h, that a truncated or wrong
 * page says nothing, and what the driver does about sense codes.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>

#include "spc.h"

#define LIMITS		VIRTSCSI_SENSE_LIMITS
#define RESCAN		VIRTSCSI_SENSE_RESCAN
#define INVENTORY	VIRTSCSI_SENSE_INVENTORY
#define CAPACITY	VIRTSCSI_SENSE_CAPACITY

/* VPD page B0h: valid, truncated and wrong. */
static const struct b0_row {
	const char *name;
	u8 bytes[16];
	u32 len;
	u32 max;
} b0_rows[] = {
	{ "maximum and optimum", { 0, 0xb0, 0, 60, 0, 0, 0, 1,
				   0, 0, 0x20, 0, 0, 0, 1, 0 }, 16, 0x2000 },
	{ "neither", { 0, 0xb0, 0, 60 }, 16, 0 },
	{ "all ones", { 0, 0xb0, 0xff, 0xff, 0, 0, 0, 0,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	  16, U32_MAX },
	{ "page ends after the maximum", { 0, 0xb0, 0, 8, 0, 0, 0, 0,
					   0, 0, 0x20 }, 16, 0x2000 },
	{ "page ends in the maximum", { 0, 0xb0, 0, 7, 0, 0, 0, 0,
					0, 0, 0x20, 1 }, 16, 0 },
	{ "transfer ends after the maximum", { 0, 0xb0, 0, 60, 0, 0, 0, 0,
					       1, 2, 3, 4 }, 12, 0x1020304 },
	{ "transfer ends in the maximum", { 0, 0xb0, 0, 60, 0, 0, 0, 0,
					    0, 0, 0x20 }, 11, 0 },
	{ "another page", { 0, 0xb1, 0, 60, 0, 0, 0, 0, 0, 0, 0x20 }, 16, 0 },
	{ "no header", { 0, 0xb0, 0 }, 3, 0 },
	{ "nothing", { 0 }, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(b0, b0_rows, name);

static void spc_test_b0(struct kunit *test)
{
	const struct b0_row *row = test->param_value;

	KUNIT_EXPECT_EQ(test, virtscsi_spc_max_blocks(row->bytes, row->len),
			row->max);
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
	{ "06/2a/06 access state changed", 6, 0x2a, 6, LIMITS },
	{ "06/2a/09 capacity changed", 6, 0x2a, 9, LIMITS | RESCAN | CAPACITY },
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

/* Only seven codes, all of them unit attentions, mean anything. */
static void spc_test_sense_total(struct kunit *test)
{
	unsigned int nr_known = 0;
	unsigned int code;

	for (code = 0; code < 16 << 16; code++)
		nr_known += !!virtscsi_spc_sense(code >> 16, code >> 8 & 0xff,
						 code & 0xff);
	KUNIT_EXPECT_EQ(test, nr_known, 7);
}

static struct kunit_case spc_test_cases[] = {
	KUNIT_CASE_PARAM(spc_test_b0, b0_gen_params),
	KUNIT_CASE_PARAM(spc_test_sense, sense_gen_params),
	KUNIT_CASE(spc_test_sense_total),
	{}
};

static struct kunit_suite spc_test_suite = {
	.name = "virtio_scsi_spc",
	.test_cases = spc_test_cases,
};

kunit_test_suite(spc_test_suite);
