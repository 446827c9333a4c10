// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests for wire.c: bytes in, bytes out.
 *
 * The expected bytes are written out as in virtio 1.3, 5.6.6, for modern
 * (little-endian) devices and for legacy devices of big-endian guests. None is
 * computed by the codec itself.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <scsi/scsi_proto.h>
#include <scsi/scsi.h>

#include "wire.h"

/* The contents of memory before the codec writes to it. */
#define STALE	0xa5

static bool is_filled(const u8 *bytes, u8 with, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (bytes[i] != with)
			return false;
	return true;
}

/* Addresses to the device. */
static const struct put_lun_row {
	const char *name;
	unsigned int target;
	u64 lun;
	bool is_ok;
	u8 wire[VIRTSCSI_WIRE_LUN_LEN];
} put_lun_rows[] = {
	{ "first", 0, 0, true, { 1, 0, 0x40, 0 } },
	{ "LUN 1", 0, 1, true, { 1, 0, 0x40, 1 } },
	{ "LUN 255", 3, 255, true, { 1, 3, 0x40, 0xff } },
	{ "LUN 256", 0, 256, true, { 1, 0, 0x41, 0 } },
	{ "LUN 16383", 0, 16383, true, { 1, 0, 0x7f, 0xff } },
	{ "last target", 255, 0x1234, true, { 1, 255, 0x52, 0x34 } },
	{ "flat 0", 0, 0x4000, true, { 1, 0, 0x40, 0 } },
	{ "flat 255", 0, 0x40ff, true, { 1, 0, 0x40, 0xff } },
	{ "flat 256", 0, 0x4100, true, { 1, 0, 0x41, 0 } },
	{ "flat 16383", 0, 0x7fff, true, { 1, 0, 0x7f, 0xff } },
	{ "REPORT LUNS", 7, 0xc101, true, { 0xc1, 0x01 } },
	{ "logical unit format", 0, 0x8000, false, {} },
	{ "logical unit format, last", 0, 0xbfff, false, {} },
	{ "extended format", 0, 0xc000, false, {} },
	{ "ACCESS CONTROLS", 0, 0xc102, false, {} },
	{ "TARGET LOG PAGES", 0, 0xc103, false, {} },
	{ "extended format, last", 0, 0xffff, false, {} },
	{ "second level", 0, 0x10000, false, {} },
	{ "second level of REPORT LUNS", 0, 0x1c101, false, {} },
	{ "bits that fall off an int", 0, 1ULL << 32, false, {} },
	{ "largest", 0, U64_MAX, false, {} },
	{ "target 256", 256, 0, false, {} },
	{ "target beyond", 0x101, 1, false, {} },
	{ "target largest", U32_MAX, 0, false, {} },
};

KUNIT_ARRAY_PARAM_DESC(put_lun, put_lun_rows, name);

static void wire_test_put_lun(struct kunit *test)
{
	const struct put_lun_row *row = test->param_value;
	u8 wire[VIRTSCSI_WIRE_LUN_LEN + 1];

	memset(wire, STALE, sizeof(wire));
	KUNIT_EXPECT_EQ(test, row->is_ok,
			virtscsi_wire_put_lun(wire, row->target, row->lun));
	KUNIT_EXPECT_MEMEQ(test, wire, row->wire, VIRTSCSI_WIRE_LUN_LEN);
	KUNIT_EXPECT_EQ(test, wire[VIRTSCSI_WIRE_LUN_LEN], STALE);
}

/* Addresses from the device. */
static const struct get_lun_row {
	const char *name;
	u8 wire[VIRTSCSI_WIRE_LUN_LEN];
	bool is_ok;
	unsigned int target;
	u64 lun;
} get_lun_rows[] = {
	{ "peripheral 0", { 1, 0, 0, 0 }, true, 0, 0 },
	{ "flat 0", { 1, 0, 0x40, 0 }, true, 0, 0 },
	{ "peripheral 255", { 1, 2, 0, 0xff }, true, 2, 255 },
	{ "flat 255", { 1, 2, 0x40, 0xff }, true, 2, 255 },
	{ "flat 256", { 1, 9, 0x41, 0 }, true, 9, 0x4100 },
	{ "256 without its prefix", { 1, 9, 0x01, 0 }, true, 9, 0x4100 },
	{ "flat 16383", { 1, 255, 0x7f, 0xff }, true, 255, 0x7fff },
	{ "16383 without its prefix", { 1, 0, 0x3f, 0xff }, true, 0, 0x7fff },
	{ "logical unit format", { 1, 0, 0x80, 0 }, false, 0, 0 },
	{ "logical unit format, last", { 1, 0, 0xbf, 0xff }, false, 0, 0 },
	{ "extended format", { 1, 0, 0xc0, 0 }, false, 0, 0 },
	{ "extended format, last", { 1, 0, 0xff, 0xff }, false, 0, 0 },
	{ "REPORT LUNS", { 0xc1, 1 }, false, 0, 0 },
	{ "REPORT LUNS, target form", { 1, 0, 0xc1, 1 }, false, 0, 0 },
	{ "all zero", {}, false, 0, 0 },
	{ "byte 0 of 0", { 0, 3, 0x40, 5 }, false, 0, 0 },
	{ "byte 0 of 2", { 2, 3, 0x40, 5 }, false, 0, 0 },
	{ "byte 0 of 0x81", { 0x81, 3, 0x40, 5 }, false, 0, 0 },
	{ "byte 0 of 0xff", { 0xff, 3, 0x40, 5 }, false, 0, 0 },
};

KUNIT_ARRAY_PARAM_DESC(get_lun, get_lun_rows, name);

static void wire_test_get_lun(struct kunit *test)
{
	const struct get_lun_row *row = test->param_value;
	unsigned int target = 0;
	u64 lun = 0;

	KUNIT_EXPECT_EQ(test, row->is_ok,
			virtscsi_wire_get_lun(row->wire, &target, &lun));
	KUNIT_EXPECT_EQ(test, target, row->target);
	KUNIT_EXPECT_EQ(test, lun, row->lun);
}

/*
 * Encodes and decodes each LUN in both formats: the midlayer has one number for
 * a LUN, whichever format the device or REPORT LUNS uses.
 */
static void wire_test_lun_round_trip(struct kunit *test)
{
	u8 wire[VIRTSCSI_WIRE_LUN_LEN], again[VIRTSCSI_WIRE_LUN_LEN];
	unsigned int raw, form, target;
	u64 lun;

	for (raw = 0; raw < 16384; raw++) {
		u64 name = raw < 256 ? raw : 0x4000 + raw;

		for (form = 0; form <= 0x4000; form += 0x4000) {
			KUNIT_ASSERT_EQ_MSG(test, true,
					    virtscsi_wire_put_lun(wire, raw & 0xff,
								  form + raw),
					    "LUN %#x", form + raw);
			wire[2] = (wire[2] & 0x3f) | form >> 8;
			KUNIT_ASSERT_EQ_MSG(test, true,
					    virtscsi_wire_get_lun(wire, &target,
								  &lun),
					    "LUN %#x", form + raw);
			KUNIT_ASSERT_EQ(test, target, raw & 0xff);
			KUNIT_ASSERT_EQ(test, lun, name);
		}
		/* The last round left the flat format in wire[]. */
		virtscsi_wire_put_lun(again, target, lun);
		KUNIT_ASSERT_EQ_MSG(test, 0, memcmp(wire, again, sizeof(wire)),
				    "LUN %#x", raw);
	}
}

/*
 * A tag consists of its two parameters and nothing else, so it contains no
 * address. Two tags are equal only if both parameters are.
 */
static void wire_test_tag(struct kunit *test)
{
	static const u32 some[] = { 0, 1, 0xffff, 0x10000, 0x80000000, U32_MAX };
	const size_t nr = ARRAY_SIZE(some) * ARRAY_SIZE(some);
	size_t i, j;

	KUNIT_EXPECT_EQ(test, virtscsi_wire_tag(0, 0), 0ULL);
	KUNIT_EXPECT_EQ(test, virtscsi_wire_tag(0x00020003, 1),
			0x0000000100020003ULL);

	for (i = 0; i < nr; i++) {
		u64 tag = virtscsi_wire_tag(some[i % ARRAY_SIZE(some)],
					    some[i / ARRAY_SIZE(some)]);

		KUNIT_EXPECT_EQ(test, (u32)tag, some[i % ARRAY_SIZE(some)]);
		KUNIT_EXPECT_EQ(test, (u32)(tag >> 32),
				some[i / ARRAY_SIZE(some)]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_TRUE(test, tag !=
					  virtscsi_wire_tag(some[j % ARRAY_SIZE(some)],
							    some[j / ARRAY_SIZE(some)]));
	}
}

/* READ(16) of 8 blocks at 0x0102030405060708, and a CDB of each other length. */
static const u8 read_16[260] = {
	0x88, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x00, 0x00,
	0x00, 0x08, 0x00, 0x5a,
	/* the rest of a variable-length CDB */
	[31] = 0x31, [32] = 0x32, [259] = 0x59,
};

static const u8 some_lun_bytes[] = { 1, 5, 0x41, 0x23, 0, 0, 0, 0 };

/* A command, and its fields on the wire; the index of two says "is_le". */
static const struct virtscsi_command some_command = {
	.lun = some_lun_bytes,
	.tag = 0x0123456789abcdefULL,
	.pi_bytesout = 0x10203040,
	.pi_bytesin = 0x50607080,
	.cdb = read_16,
	.cdb_len = 16,
};

static const u8 some_tag_bytes[2][8] = {
	{ 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef },
	{ 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 },
};

static const u8 some_pi_bytes[2][8] = {
	{ 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80 },
	{ 0x40, 0x30, 0x20, 0x10, 0x80, 0x70, 0x60, 0x50 },
};

/* Request bytes before the CDB: LUN, tag, three zeros, protection lengths. */
#define TAG_AT		8
#define ATTR_AT		16
#define PI_AT		19
#define PI_END		27

static const struct put_cmd_row {
	const char *name;
	bool is_le;
	bool has_pi;
	u32 cdb_size;
	unsigned int cdb_len;
} put_cmd_rows[] = {
	{ "plain", true, false, 32, 16 },
	{ "plain, big-endian", false, false, 32, 16 },
	{ "protected", true, true, 32, 16 },
	{ "protected, big-endian", false, true, 32, 16 },
	{ "no CDB", true, false, 32, 0 },
	{ "short CDB", true, false, 32, 6 },
	{ "full CDB", true, false, 32, 32 },
	{ "small CDB field, full", true, false, 16, 16 },
	{ "small CDB field, protected", true, true, 16, 10 },
	{ "large CDB field", true, false, 260, 16 },
	{ "large CDB field, full", true, false, 260, 260 },
	{ "large CDB field, full, protected", false, true, 260, 260 },
};

KUNIT_ARRAY_PARAM_DESC(put_cmd, put_cmd_rows, name);

static void wire_test_put_cmd(struct kunit *test)
{
	const struct put_cmd_row *row = test->param_value;
	u32 cdb_at = row->has_pi ? PI_END : PI_AT;
	struct virtscsi_command command = some_command;
	u8 request[PI_END + 260 + 1];
	u32 len;

	command.cdb_len = row->cdb_len;
	memset(request, STALE, sizeof(request));
	len = virtscsi_wire_cmd_len(row->has_pi, row->cdb_size);
	KUNIT_ASSERT_EQ(test, len, cdb_at + row->cdb_size);
	KUNIT_ASSERT_EQ(test, true,
			virtscsi_wire_put_cmd(request, row->is_le, row->has_pi,
					      row->cdb_size, &command));

	KUNIT_EXPECT_MEMEQ(test, request, some_lun_bytes, 8);
	KUNIT_EXPECT_MEMEQ(test, request + TAG_AT, some_tag_bytes[row->is_le], 8);
	KUNIT_EXPECT_TRUE(test, is_filled(request + ATTR_AT, 0, 3));
	if (row->has_pi)
		KUNIT_EXPECT_MEMEQ(test, request + PI_AT,
				   some_pi_bytes[row->is_le], 8);
	KUNIT_EXPECT_MEMEQ(test, request + cdb_at, read_16, row->cdb_len);
	KUNIT_EXPECT_TRUE_MSG(test, is_filled(request + cdb_at + row->cdb_len, 0,
					      row->cdb_size - row->cdb_len),
			      "the tail of the CDB field is zero");
	KUNIT_EXPECT_EQ_MSG(test, request[len], STALE,
			    "nothing is written behind the request");
}

/* The UAPI's structures, laid over a request, find each field in its place. */
static void wire_test_put_cmd_under_uapi(struct kunit *test)
{
	struct virtio_scsi_cmd_req_pi protected;
	struct virtio_scsi_cmd_req plain;

	KUNIT_ASSERT_EQ(test, sizeof(plain), virtscsi_wire_cmd_len(false, 32));
	KUNIT_ASSERT_EQ(test, true,
			virtscsi_wire_put_cmd(&plain, true, false, 32,
					      &some_command));
	KUNIT_EXPECT_EQ(test, plain.lun[1], 5);
	KUNIT_EXPECT_MEMEQ(test, &plain.tag, some_tag_bytes[true], 8);
	KUNIT_EXPECT_EQ(test, plain.task_attr, VIRTIO_SCSI_S_SIMPLE);
	KUNIT_EXPECT_EQ(test, plain.prio, 0);
	KUNIT_EXPECT_EQ(test, plain.crn, 0);
	KUNIT_EXPECT_MEMEQ(test, plain.cdb, read_16, 16);

	KUNIT_ASSERT_EQ(test, sizeof(protected),
			virtscsi_wire_cmd_len(true, 32));
	KUNIT_ASSERT_EQ(test, true,
			virtscsi_wire_put_cmd(&protected, false, true, 32,
					      &some_command));
	KUNIT_EXPECT_MEMEQ(test, &protected.tag, some_tag_bytes[false], 8);
	KUNIT_EXPECT_MEMEQ(test, &protected.pi_bytesout, some_pi_bytes[false], 8);
	KUNIT_EXPECT_MEMEQ(test, protected.cdb, read_16, 16);
}

/* A command that does not fit the wire format is refused; nothing is written. */
static const struct refuse_row {
	const char *name;
	bool has_pi;
	u32 cdb_size;
	unsigned int cdb_len;
} refuse_rows[] = {
	{ "CDB one too long", false, 32, 33 },
	{ "CDB one too long, protected", true, 32, 33 },
	{ "CDB too long for a small field", false, 16, 17 },
	{ "CDB too long for a tiny field", false, 1, 6 },
	{ "CDB longer than any", false, 260, U32_MAX },
};

KUNIT_ARRAY_PARAM_DESC(refuse, refuse_rows, name);

static void wire_test_refuse_cmd(struct kunit *test)
{
	const struct refuse_row *row = test->param_value;
	struct virtscsi_command command = some_command;
	u8 request[PI_END + 260];

	command.cdb_len = row->cdb_len;
	memset(request, STALE, sizeof(request));
	KUNIT_EXPECT_FALSE(test, virtscsi_wire_put_cmd(request, true, row->has_pi,
						       row->cdb_size, &command));
	KUNIT_EXPECT_TRUE(test, is_filled(request, STALE, sizeof(request)));
}

/* Responses: twelve bytes, each of them distinct. */
static void wire_test_get_resp(struct kunit *test)
{
	static const u8 bytes[12] __aligned(8) = {
		0x11, 0x12, 0x13, 0x14,		/* sense_len */
		0x21, 0x22, 0x23, 0x24,		/* resid */
		0x31, 0x32,			/* status_qualifier */
		0x02,				/* status */
		0x09,				/* response */
	};
	const struct virtscsi_wire_resp *wire = (const void *)bytes;
	struct virtscsi_response resp;

	resp = virtscsi_wire_get_resp(wire, true);
	KUNIT_EXPECT_EQ(test, resp.sense_len, 0x14131211U);
	KUNIT_EXPECT_EQ(test, resp.resid, 0x24232221U);
	KUNIT_EXPECT_EQ(test, resp.status_qualifier, 0x3231);
	KUNIT_EXPECT_EQ(test, resp.status, SAM_STAT_CHECK_CONDITION);
	KUNIT_EXPECT_EQ(test, resp.response, VIRTIO_SCSI_S_FAILURE);

	resp = virtscsi_wire_get_resp(wire, false);
	KUNIT_EXPECT_EQ(test, resp.sense_len, 0x11121314U);
	KUNIT_EXPECT_EQ(test, resp.resid, 0x21222324U);
	KUNIT_EXPECT_EQ(test, resp.status_qualifier, 0x3132);
	KUNIT_EXPECT_EQ(test, resp.status, SAM_STAT_CHECK_CONDITION);
	KUNIT_EXPECT_EQ(test, resp.response, VIRTIO_SCSI_S_FAILURE);

	KUNIT_EXPECT_EQ(test, virtscsi_wire_resp_len(0), 12U);
	KUNIT_EXPECT_EQ(test, virtscsi_wire_resp_len(96),
			(u32)sizeof(struct virtio_scsi_cmd_resp));
	KUNIT_EXPECT_EQ(test, virtscsi_wire_resp_len(1024), 1036U);
}

/* A response that the device did not write is no success. */
static void wire_test_untouched(struct kunit *test)
{
	static const u8 armed[12] = { [11] = 0xff };
	struct virtscsi_wire_resp wire;
	struct virtscsi_response resp;
	struct virtscsi_outcome outcome;

	memset(&wire, STALE, sizeof(wire));
	virtscsi_wire_arm_resp(&wire);
	KUNIT_EXPECT_MEMEQ(test, &wire, armed, sizeof(armed));

	resp = virtscsi_wire_get_resp(&wire, true);
	outcome = virtscsi_wire_outcome(&resp, 4096, 96);
	KUNIT_EXPECT_EQ(test, resp.response, VIRTSCSI_WIRE_UNTOUCHED);
	KUNIT_EXPECT_EQ(test, outcome.result, DID_ERROR << 16);
	KUNIT_EXPECT_TRUE(test, outcome.is_unknown);
	KUNIT_EXPECT_EQ(test, outcome.sense_len, 0U);
}

/*
 * The response codes of a command. A transport failure is retried on another
 * path, a target failure is not; a nexus failure is a reservation conflict.
 */
static const struct code_row {
	const char *name;
	u8 host_byte;
	u8 status;
} codes[] = {
	[0] = { "OK", DID_OK, SAM_STAT_BUSY },
	[1] = { "OVERRUN", DID_ERROR, 0 },
	[2] = { "ABORTED", DID_ABORT, 0 },
	[3] = { "BAD_TARGET", DID_BAD_TARGET, 0 },
	[4] = { "RESET", DID_RESET, 0 },
	[5] = { "BUSY", DID_BUS_BUSY, 0 },
	[6] = { "TRANSPORT_FAILURE", DID_TRANSPORT_DISRUPTED, 0 },
	[7] = { "TARGET_FAILURE", DID_OK, SAM_STAT_CHECK_CONDITION },
	[8] = { "NEXUS_FAILURE", DID_OK, SAM_STAT_RESERVATION_CONFLICT },
	[9] = { "FAILURE", DID_ERROR, 0 },
};

/* All 256 codes, each with status BUSY and sense data. */
static void wire_test_codes(struct kunit *test)
{
	static const struct code_row unknown = { "unknown", DID_ERROR, 0 };
	unsigned int code;

	for (code = 0; code < 256; code++) {
		bool is_known = code < ARRAY_SIZE(codes) && codes[code].name;
		const struct code_row *row = is_known ? &codes[code] : &unknown;
		struct virtscsi_response response = {
			.sense_len = 18,
			.resid = 512,
			.status_qualifier = 0xffff,
			.status = SAM_STAT_BUSY,
			.response = code,
		};
		struct virtscsi_outcome outcome;

		outcome = virtscsi_wire_outcome(&response, 4096, 96);
		KUNIT_EXPECT_EQ_MSG(test, outcome.result,
				    (u32)row->host_byte << 16 | row->status,
				    "%s (%u)", row->name, code);
		KUNIT_EXPECT_EQ_MSG(test, outcome.is_unknown, !is_known,
				    "%s (%u)", row->name, code);
		KUNIT_EXPECT_EQ_MSG(test, outcome.is_target_failure, code == 7,
				    "%s (%u)", row->name, code);
		KUNIT_EXPECT_EQ_MSG(test, outcome.sense_len, code ? 0U : 18U,
				    "%s (%u)", row->name, code);
		KUNIT_EXPECT_EQ_MSG(test, outcome.resid, 512U, "%s (%u)",
				    row->name, code);
	}
}

/* VirtualBox: the sense data of a CHECK CONDITION are kept with these responses. */
static void wire_test_sense_with_a_failure(struct kunit *test)
{
	unsigned int code;

	for (code = 1; code < 256; code++) {
		bool is_kept = code == VIRTIO_SCSI_S_ABORTED ||
			       code == VIRTIO_SCSI_S_TARGET_FAILURE ||
			       code == VIRTIO_SCSI_S_FAILURE;
		struct virtscsi_response response = {
			.sense_len = 18,
			.status = SAM_STAT_CHECK_CONDITION,
			.response = code,
		};
		struct virtscsi_outcome outcome;

		outcome = virtscsi_wire_outcome(&response, 4096, 96);
		KUNIT_EXPECT_EQ_MSG(test, outcome.sense_len, is_kept ? 18U : 0U,
				    "%u", code);
		if (!is_kept)
			continue;
		KUNIT_EXPECT_EQ(test, host_byte(outcome.result),
				code == VIRTIO_SCSI_S_FAILURE ? DID_ERROR : DID_OK);
		KUNIT_EXPECT_EQ(test, outcome.result & 0xff, SAM_STAT_CHECK_CONDITION);
		KUNIT_EXPECT_FALSE(test, outcome.is_target_failure);
		response.sense_len = 0;
		outcome = virtscsi_wire_outcome(&response, 4096, 96);
		KUNIT_EXPECT_TRUE(test, outcome.result != SAM_STAT_CHECK_CONDITION ||
				  outcome.is_target_failure);
	}
}

/*
 * A status of SAM goes to the midlayer with its sense data. Any other status is
 * an error of the transport, with nothing of the device in it.
 */
static void wire_test_status(struct kunit *test)
{
	static const bool is_sam[256] = {
		[0x00] = true,	/* GOOD */
		[0x02] = true,	/* CHECK CONDITION */
		[0x04] = true,	/* CONDITION MET */
		[0x08] = true,	/* BUSY */
		[0x10] = true,	/* INTERMEDIATE */
		[0x14] = true,	/* INTERMEDIATE-CONDITION MET */
		[0x18] = true,	/* RESERVATION CONFLICT */
		[0x28] = true,	/* TASK SET FULL */
		[0x30] = true,	/* ACA ACTIVE */
		[0x40] = true,	/* TASK ABORTED */
	};
	struct virtscsi_response response = {
		.sense_len = 18,
		.resid = 512,
		.response = VIRTIO_SCSI_S_OK,
	};
	unsigned int status;

	for (status = 0; status < 256; status++) {
		struct virtscsi_outcome outcome;

		response.status = status;
		outcome = virtscsi_wire_outcome(&response, 4096, 96);
		KUNIT_EXPECT_EQ_MSG(test, outcome.result,
				    is_sam[status] ? status : DID_ERROR << 16,
				    "status %#x", status);
		KUNIT_EXPECT_EQ_MSG(test, outcome.is_unknown, !is_sam[status],
				    "status %#x", status);
		KUNIT_EXPECT_EQ_MSG(test, outcome.sense_len,
				    is_sam[status] ? 18U : 0U,
				    "status %#x", status);
		KUNIT_EXPECT_EQ_MSG(test, outcome.resid, 512U, "status %#x",
				    status);
		KUNIT_EXPECT_FALSE(test, outcome.is_target_failure);
	}
}

/* Lengths in a response are clamped to the bound. */
static const struct clamp_row {
	u32 said;
	u32 bound;
	u32 believed;
} clamp_rows[] = {
	{ 0, 0, 0 },
	{ 0, 96, 0 },
	{ 1, 0, 0 },
	{ 95, 96, 95 },
	{ 96, 96, 96 },
	{ 97, 96, 96 },
	{ 252, 1024, 252 },
	{ 0x80000000, 96, 96 },
	{ U32_MAX, 96, 96 },
	{ U32_MAX, U32_MAX, U32_MAX },
};

static void clamp_desc(const struct clamp_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u of %u", row->said, row->bound);
}

KUNIT_ARRAY_PARAM(clamp, clamp_rows, clamp_desc);

static void wire_test_clamp(struct kunit *test)
{
	const struct clamp_row *row = test->param_value;
	struct virtscsi_response response = {
		.response = VIRTIO_SCSI_S_OK,
		.status = SAM_STAT_CHECK_CONDITION,
	};
	struct virtscsi_outcome outcome;

	response.sense_len = row->said;
	response.resid = 5;
	outcome = virtscsi_wire_outcome(&response, 10, row->bound);
	KUNIT_EXPECT_EQ(test, outcome.sense_len, row->believed);
	KUNIT_EXPECT_EQ(test, outcome.resid, 5U);

	response.sense_len = 5;
	response.resid = row->said;
	outcome = virtscsi_wire_outcome(&response, row->bound, 10);
	KUNIT_EXPECT_EQ(test, outcome.resid, row->believed);
	KUNIT_EXPECT_EQ(test, outcome.sense_len, 5U);
}

/* Task management: type, subtype, LUN, tag. */
static const struct tmf_row {
	const char *name;
	u32 subtype;
	u8 byte;
} tmf_rows[] = {
	{ "ABORT TASK", VIRTIO_SCSI_T_TMF_ABORT_TASK, 0 },
	{ "ABORT TASK SET", VIRTIO_SCSI_T_TMF_ABORT_TASK_SET, 1 },
	{ "CLEAR ACA", VIRTIO_SCSI_T_TMF_CLEAR_ACA, 2 },
	{ "CLEAR TASK SET", VIRTIO_SCSI_T_TMF_CLEAR_TASK_SET, 3 },
	{ "I_T NEXUS RESET", VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET, 4 },
	{ "LOGICAL UNIT RESET", VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, 5 },
	{ "QUERY TASK", VIRTIO_SCSI_T_TMF_QUERY_TASK, 6 },
	{ "QUERY TASK SET", VIRTIO_SCSI_T_TMF_QUERY_TASK_SET, 7 },
};

KUNIT_ARRAY_PARAM_DESC(tmf, tmf_rows, name);

static void wire_test_put_tmf(struct kunit *test)
{
	const struct tmf_row *row = test->param_value;
	const u8 le[24] = {
		0, 0, 0, 0, row->byte, 0, 0, 0, 1, 5, 0x41, 0x23, 0, 0, 0, 0,
		0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,
	};
	const u8 be[24] = {
		0, 0, 0, 0, 0, 0, 0, row->byte, 1, 5, 0x41, 0x23, 0, 0, 0, 0,
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
	};
	struct virtio_scsi_ctrl_tmf_req request;

	memset(&request, STALE, sizeof(request));
	KUNIT_EXPECT_TRUE(test, virtscsi_wire_put_tmf(&request, true, row->subtype,
						      5, 0x4123,
						      some_command.tag));
	KUNIT_EXPECT_MEMEQ(test, &request, le, sizeof(le));

	memset(&request, STALE, sizeof(request));
	KUNIT_EXPECT_TRUE(test, virtscsi_wire_put_tmf(&request, false,
						      row->subtype, 5, 0x4123,
						      some_command.tag));
	KUNIT_EXPECT_MEMEQ(test, &request, be, sizeof(be));

	KUNIT_EXPECT_FALSE(test, virtscsi_wire_put_tmf(&request, true,
						       row->subtype, 5, 0x8000,
						       0));
	KUNIT_EXPECT_FALSE(test, virtscsi_wire_put_tmf(&request, true,
						       row->subtype, 256, 0, 0));
}

/* Events are read once: a later write of the device changes nothing. */
static const struct event_row {
	const char *name;
	bool is_le;
	u8 wire[16];
	u32 event;
	u32 reason;
} event_rows[] = {
	{ "none", true, {}, VIRTIO_SCSI_T_NO_EVENT, 0 },
	{ "missed", true, { 0, 0, 0, 0x80 }, VIRTIO_SCSI_T_EVENTS_MISSED, 0 },
	{ "missed, big-endian", false, { 0x80 },
	  VIRTIO_SCSI_T_EVENTS_MISSED, 0 },
	{ "rescan and missed", true,
	  { 1, 0, 0, 0x80, 1, 5, 0x41, 0x23, 0, 0, 0, 0, 1, 0, 0, 0 },
	  VIRTIO_SCSI_T_EVENTS_MISSED | VIRTIO_SCSI_T_TRANSPORT_RESET,
	  VIRTIO_SCSI_EVT_RESET_RESCAN },
	{ "removed", true, { 1, 0, 0, 0, 1, 5, 0x41, 0x23, 0, 0, 0, 0, 2, 0, 0, 0 },
	  VIRTIO_SCSI_T_TRANSPORT_RESET, VIRTIO_SCSI_EVT_RESET_REMOVED },
	{ "removed, big-endian", false,
	  { 0, 0, 0, 1, 1, 5, 0x41, 0x23, 0, 0, 0, 0, 0, 0, 0, 2 },
	  VIRTIO_SCSI_T_TRANSPORT_RESET, VIRTIO_SCSI_EVT_RESET_REMOVED },
	{ "capacity changed", true, { 3, 0, 0, 0, 1, 5, 0x41, 0x23, 0, 0, 0, 0, 0x2a, 0x09, 0, 0 },
	  VIRTIO_SCSI_T_PARAM_CHANGE, 0x092a },
	{ "capacity changed, big-endian", false,
	  { 0, 0, 0, 3, 1, 5, 0x41, 0x23, 0, 0, 0, 0, 0, 0, 0x09, 0x2a },
	  VIRTIO_SCSI_T_PARAM_CHANGE, 0x092a },
};

KUNIT_ARRAY_PARAM_DESC(event, event_rows, name);

static void wire_test_get_event(struct kunit *test)
{
	const struct event_row *row = test->param_value;
	struct virtscsi_wire_event wire;
	struct virtscsi_event event;

	KUNIT_ASSERT_EQ(test, sizeof(wire), sizeof(row->wire));
	memcpy(&wire, row->wire, sizeof(wire));
	event = virtscsi_wire_get_event(&wire, row->is_le);
	memset(&wire, STALE, sizeof(wire));
	KUNIT_EXPECT_EQ(test, event.event, row->event);
	KUNIT_EXPECT_EQ(test, event.reason, row->reason);
	KUNIT_EXPECT_MEMEQ(test, event.lun, row->wire + 4, sizeof(event.lun));
}

static struct kunit_case wire_test_cases[] = {
	KUNIT_CASE_PARAM(wire_test_put_lun, put_lun_gen_params),
	KUNIT_CASE_PARAM(wire_test_get_lun, get_lun_gen_params),
	KUNIT_CASE(wire_test_lun_round_trip),
	KUNIT_CASE(wire_test_tag),
	KUNIT_CASE_PARAM(wire_test_put_cmd, put_cmd_gen_params),
	KUNIT_CASE(wire_test_put_cmd_under_uapi),
	KUNIT_CASE_PARAM(wire_test_refuse_cmd, refuse_gen_params),
	KUNIT_CASE(wire_test_get_resp),
	KUNIT_CASE(wire_test_untouched),
	KUNIT_CASE(wire_test_codes),
	KUNIT_CASE(wire_test_sense_with_a_failure),
	KUNIT_CASE(wire_test_status),
	KUNIT_CASE_PARAM(wire_test_clamp, clamp_gen_params),
	KUNIT_CASE_PARAM(wire_test_put_tmf, tmf_gen_params),
	KUNIT_CASE_PARAM(wire_test_get_event, event_gen_params),
	{}
};

static struct kunit_suite wire_test_suite = {
	.name = "virtio_scsi_wire",
	.test_cases = wire_test_cases,
};

kunit_test_suite(wire_test_suite);
