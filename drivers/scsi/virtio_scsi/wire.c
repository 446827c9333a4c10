// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The codec: everything that knows the position of a field on the wire (virtio
 * 1.3, 5.6.6). Pure functions; also builds in user space.
 *
 * Memory that the device can write to is read here, each field once, into a
 * snapshot. Callers use only the snapshot, so a device gains nothing by changing
 * a response after it was read.
 */
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/stddef.h>
#include <scsi/scsi.h>
#include <scsi/scsi_proto.h>

#include "wire.h"

static_assert(sizeof(struct virtscsi_wire_cmd) ==
	      offsetof(struct virtio_scsi_cmd_req, cdb));
static_assert(sizeof(struct virtscsi_wire_cmd_pi) ==
	      offsetof(struct virtio_scsi_cmd_req_pi, cdb));
static_assert(sizeof(struct virtscsi_wire_resp) ==
	      offsetof(struct virtio_scsi_cmd_resp, sense));
static_assert(offsetof(struct virtscsi_wire_resp, response) ==
	      offsetof(struct virtio_scsi_cmd_resp, response));
static_assert(sizeof(struct virtscsi_wire_event) ==
	      sizeof(struct virtio_scsi_event));
static_assert(offsetof(struct virtscsi_wire_event, reason) ==
	      offsetof(struct virtio_scsi_event, reason));

/* The REPORT LUNS well-known logical unit; on the wire it has no target. */
#define REPORT_LUNS_WLUN	0xc101
#define REPORT_LUNS_BYTE_0	0xc1
#define REPORT_LUNS_BYTE_1	0x01

/*
 * Single level LUN structure (SAM-6): two bits for the format, 00 for peripheral
 * addressing (LUN below 256) or 01 for flat space, and 14 bits for the LUN.
 */
#define LUN_MASK		0x3fff
#define LUN_FORMATS_END		0x8000
#define LUN_PERIPHERAL_END	256

/* Byte 0 of an address that names a target and a logical unit. */
#define LUN_BYTE_0		1

/*
 * @lun is the midlayer's: 0 to 16383, the same with the flat space prefix (as in
 * REPORT LUNS data), or 0xc101. Every LUN is sent in flat space format: all known
 * devices accept it, and some compare bytes. Returns false if the wire format
 * cannot express the address.
 */
bool virtscsi_wire_put_lun(u8 wire[VIRTSCSI_WIRE_LUN_LEN], unsigned int target,
			   u64 lun)
{
	memset(wire, 0, VIRTSCSI_WIRE_LUN_LEN);

	if (lun == REPORT_LUNS_WLUN) {
		wire[0] = REPORT_LUNS_BYTE_0;
		wire[1] = REPORT_LUNS_BYTE_1;
		return true;
	}
	if (target > U8_MAX || lun >= LUN_FORMATS_END)
		return false;

	lun |= VIRTSCSI_WIRE_LUN_FLAT;
	wire[0] = LUN_BYTE_0;
	wire[1] = target;
	wire[2] = lun >> 8;
	wire[3] = lun & 0xff;
	return true;
}

/*
 * Devices differ in the format of a LUN below 256, so both formats give the same
 * @lun: below 256 without a prefix, from 256 on with the flat space prefix.
 * Returns false if @wire is not the address of a logical unit of a target.
 */
bool virtscsi_wire_get_lun(const u8 wire[VIRTSCSI_WIRE_LUN_LEN],
			   unsigned int *target, u64 *lun)
{
	unsigned int raw = wire[2] << 8 | wire[3];

	if (wire[0] != LUN_BYTE_0 || raw >= LUN_FORMATS_END)
		return false;

	raw &= LUN_MASK;
	*target = wire[1];
	*lun = raw < LUN_PERIPHERAL_END ? raw : raw | VIRTSCSI_WIRE_LUN_FLAT;
	return true;
}

u32 virtscsi_wire_cmd_len(bool has_pi, u32 cdb_size)
{
	return cdb_size + (has_pi ? sizeof(struct virtscsi_wire_cmd_pi) :
				    sizeof(struct virtscsi_wire_cmd));
}

u32 virtscsi_wire_resp_len(u32 sense_size)
{
	return sizeof(struct virtscsi_wire_resp) + sense_size;
}

/* The device may still write to @resp. */
struct virtscsi_response
virtscsi_wire_get_resp(const struct virtscsi_wire_resp *resp, bool is_le)
{
	return (struct virtscsi_response){
		.sense_len = __virtio32_to_cpu(is_le, READ_ONCE(resp->sense_len)),
		.resid = __virtio32_to_cpu(is_le, READ_ONCE(resp->resid)),
		.status_qualifier = __virtio16_to_cpu(is_le,
				READ_ONCE(resp->status_qualifier)),
		.status = READ_ONCE(resp->status),
		.response = READ_ONCE(resp->response),
	};
}

/*
 * TRANSPORT_FAILURE concerns this path: the command is retried here, then on
 * another path.
 */
static const u8 wire_host_bytes[] = {
	[VIRTIO_SCSI_S_OVERRUN]		  = DID_ERROR,
	[VIRTIO_SCSI_S_ABORTED]		  = DID_ABORT,
	[VIRTIO_SCSI_S_BAD_TARGET]	  = DID_BAD_TARGET,
	[VIRTIO_SCSI_S_RESET]		  = DID_RESET,
	[VIRTIO_SCSI_S_BUSY]		  = DID_BUS_BUSY,
	[VIRTIO_SCSI_S_TRANSPORT_FAILURE] = DID_TRANSPORT_DISRUPTED,
	[VIRTIO_SCSI_S_FAILURE]		  = DID_ERROR,
};

/*
 * The midlayer starts its error handler for any other status, which stops all
 * LUNs of the host. COMMAND TERMINATED, which is obsolete, would be a success.
 */
static bool wire_is_sam_status(u8 status)
{
	switch (status) {
	case SAM_STAT_GOOD:
	case SAM_STAT_CHECK_CONDITION:
	case SAM_STAT_CONDITION_MET:
	case SAM_STAT_BUSY:
	case SAM_STAT_INTERMEDIATE:
	case SAM_STAT_INTERMEDIATE_CONDITION_MET:
	case SAM_STAT_RESERVATION_CONFLICT:
	case SAM_STAT_TASK_SET_FULL:
	case SAM_STAT_ACA_ACTIVE:
	case SAM_STAT_TASK_ABORTED:
		return true;
	}
	return false;
}

/* VirtualBox gives these responses with a CHECK CONDITION, by its sense key. */
static bool wire_has_sense(const struct virtscsi_response *response)
{
	u8 code = response->response;

	return response->status == SAM_STAT_CHECK_CONDITION &&
	       response->sense_len &&
	       (code == VIRTIO_SCSI_S_ABORTED || code == VIRTIO_SCSI_S_FAILURE ||
		code == VIRTIO_SCSI_S_TARGET_FAILURE);
}

/*
 * Otherwise status and sense data are valid only with VIRTIO_SCSI_S_OK (virtio 1.3,
 * 5.6.6.1.1). No host byte forbids a retry on another path after TARGET_FAILURE;
 * the caller makes sense data that does.
 */
struct virtscsi_outcome
virtscsi_wire_outcome(const struct virtscsi_response *response, u32 bufflen,
		      u32 sense_size)
{
	struct virtscsi_outcome outcome = {
		.resid = min(response->resid, bufflen),
	};
	u8 code = response->response;

	if ((code == VIRTIO_SCSI_S_OK && wire_is_sam_status(response->status)) ||
	    wire_has_sense(response)) {
		/* After a failure the midlayer retries, whatever the sense key. */
		outcome.result = (code == VIRTIO_SCSI_S_FAILURE ? DID_ERROR : DID_OK) << 16 |
				 response->status;
		outcome.sense_len = min(response->sense_len, sense_size);
	} else if (code == VIRTIO_SCSI_S_TARGET_FAILURE) {
		outcome.result = DID_OK << 16 | SAM_STAT_CHECK_CONDITION;
		outcome.is_target_failure = true;
	} else if (code == VIRTIO_SCSI_S_NEXUS_FAILURE) {
		/* QEMU means a reservation conflict by it. */
		outcome.result = DID_OK << 16 | SAM_STAT_RESERVATION_CONFLICT;
	} else if (code < ARRAY_SIZE(wire_host_bytes) &&
		   wire_host_bytes[code] != DID_OK) {
		outcome.result = wire_host_bytes[code] << 16;
	} else {
		outcome.result = DID_ERROR << 16;
		outcome.is_unknown = true;
	}
	return outcome;
}

/* @tag: the command that @subtype refers to, if it refers to one. */
bool virtscsi_wire_put_tmf(struct virtio_scsi_ctrl_tmf_req *request, bool is_le,
			   u32 subtype, unsigned int target, u64 lun, u64 tag)
{
	request->type = __cpu_to_virtio32(is_le, VIRTIO_SCSI_T_TMF);
	request->subtype = __cpu_to_virtio32(is_le, subtype);
	request->tag = __cpu_to_virtio64(is_le, tag);
	return virtscsi_wire_put_lun(request->lun, target, lun);
}

/* The device may still write to @event. */
struct virtscsi_event
virtscsi_wire_get_event(const struct virtscsi_wire_event *event, bool is_le)
{
	struct virtscsi_event snapshot = {
		.event = __virtio32_to_cpu(is_le, READ_ONCE(event->event)),
		.reason = __virtio32_to_cpu(is_le, READ_ONCE(event->reason)),
	};
	unsigned int i;

	for (i = 0; i < VIRTSCSI_WIRE_LUN_LEN; i++)
		snapshot.lun[i] = READ_ONCE(event->lun[i]);
	return snapshot;
}
