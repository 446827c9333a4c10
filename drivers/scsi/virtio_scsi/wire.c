// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The codec: everything that knows where a byte goes on the wire.
 *
 * Pure functions between host-order values and the structures of virtio 1.3,
 * 5.6.6. Memory that the device can write is read here, each field once, into
 * a snapshot on the caller's stack; only the snapshot is ever looked at again,
 * so a device that changes its mind after the first look gains nothing.
 *
 * Takes no lock, allocates nothing, prints nothing; builds in user space too.
 */
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/virtio_byteorder.h>
#include <scsi/scsi_proto.h>
#include <scsi/scsi_status.h>

#include "wire.h"

static_assert(sizeof(struct virtscsi_wire_cmd) == 19);
static_assert(sizeof(struct virtscsi_wire_cmd) ==
	      offsetof(struct virtio_scsi_cmd_req, cdb));
static_assert(sizeof(struct virtscsi_wire_cmd_pi) == 27);
static_assert(sizeof(struct virtscsi_wire_cmd_pi) ==
	      offsetof(struct virtio_scsi_cmd_req_pi, cdb));
static_assert(sizeof(struct virtscsi_wire_resp) == 12);
static_assert(sizeof(struct virtscsi_wire_resp) ==
	      offsetof(struct virtio_scsi_cmd_resp, sense));
static_assert(offsetof(struct virtscsi_wire_resp, response) ==
	      offsetof(struct virtio_scsi_cmd_resp, response));
static_assert(sizeof(struct virtio_scsi_ctrl_tmf_req) == 24);
static_assert(sizeof(struct virtio_scsi_ctrl_an_req) == 16);
static_assert(sizeof(struct virtio_scsi_ctrl_an_resp) == 5);
static_assert(sizeof(struct virtscsi_wire_event) == 16);
static_assert(sizeof(struct virtscsi_wire_event) ==
	      sizeof(struct virtio_scsi_event));
static_assert(offsetof(struct virtscsi_wire_event, reason) ==
	      offsetof(struct virtio_scsi_event, reason));
static_assert(sizeof(struct virtio_scsi_config) == 36);

/*
 * The REPORT LUNS well-known logical unit: as the midlayer numbers it, and on
 * the wire (virtio 5.6.6.1), where it belongs to no target.
 */
#define REPORT_LUNS_WLUN	0xc101
#define REPORT_LUNS_BYTE_0	0xc1
#define REPORT_LUNS_BYTE_1	0x01

/*
 * Single level LUN structure (SAM-6): the top two bits choose the format, 00
 * peripheral addressing (LUN below 256) or 01 flat space, 14 bits are the LUN.
 */
#define LUN_MASK		0x3fff
#define LUN_FORMATS_END		0x8000
#define LUN_PERIPHERAL_END	256

/* Byte 0 of an address that names a target and a logical unit. */
#define LUN_BYTE_0		1

static inline bool wire_put_lun(u8 wire[VIRTSCSI_WIRE_LUN_LEN],
				unsigned int target, u64 lun)
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

/**
 * virtscsi_wire_put_lun() - address a logical unit
 * @wire: where the eight bytes go
 * @target: target, 0 to 255
 * @lun: the midlayer's LUN: 0 to 16383, the same with the flat space prefix
 *	0x4000 (as REPORT LUNS brings it), or 0xc101, REPORT LUNS
 *
 * Implements virtio 1.3, 5.6.6.1 (lun). Flat space addressing is used for
 * every LUN: each known device takes it, and some compare bytes.
 *
 * Context: any. Pure.
 * Return: false if the wire format cannot express the address.
 */
bool virtscsi_wire_put_lun(u8 wire[VIRTSCSI_WIRE_LUN_LEN], unsigned int target,
			   u64 lun)
{
	return wire_put_lun(wire, target, lun);
}

/**
 * virtscsi_wire_get_lun() - whom an address names
 * @wire: the eight bytes, already a snapshot
 * @target: where the target goes
 * @lun: where the LUN goes, as the midlayer mostly numbers it: below 256 as it
 *	is, from 256 with the flat space prefix 0x4000
 *
 * Implements virtio 1.3, 5.6.6.1 (lun). Devices differ in the prefix of a LUN
 * below 256, so both forms are the same LUN here.
 *
 * Context: any. Pure.
 * Return: false if the bytes name no logical unit of a target.
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

/**
 * virtscsi_wire_cmd_len() - bytes of a request before its data
 * @has_pi: VIRTIO_SCSI_F_T10_PI is negotiated
 * @cdb_size: the negotiated size of the CDB field in bytes
 *
 * Context: any. Pure.
 * Return: the length in bytes.
 */
u32 virtscsi_wire_cmd_len(bool has_pi, u32 cdb_size)
{
	return cdb_size + (has_pi ? sizeof(struct virtscsi_wire_cmd_pi) :
				    sizeof(struct virtscsi_wire_cmd));
}

/**
 * virtscsi_wire_resp_len() - bytes of a response before its data
 * @sense_size: the negotiated size of the sense field in bytes
 *
 * Context: any. Pure.
 * Return: the length in bytes.
 */
u32 virtscsi_wire_resp_len(u32 sense_size)
{
	return sizeof(struct virtscsi_wire_resp) + sense_size;
}

/* The usual sizes are known to the compiler: a few moves instead of two calls. */
static void wire_put_cdb(u8 *wire, u32 cdb_size, const u8 *cdb,
			 unsigned int cdb_len)
{
	if (cdb_size == VIRTIO_SCSI_CDB_DEFAULT_SIZE)
		memset(wire, 0, VIRTIO_SCSI_CDB_DEFAULT_SIZE);
	else
		memset(wire, 0, cdb_size);
	if (cdb_len == 10)
		memcpy(wire, cdb, 10);
	else if (cdb_len == 16)
		memcpy(wire, cdb, 16);
	else
		memcpy(wire, cdb, cdb_len);
}

/**
 * virtscsi_wire_put_cmd() - write a request
 * @request: virtscsi_wire_cmd_len() bytes
 * @is_le: the device is little-endian
 * @has_pi: VIRTIO_SCSI_F_T10_PI is negotiated
 * @cdb_size: the negotiated size of the CDB field in bytes
 * @command: what to send
 *
 * Implements virtio 1.3, 5.6.6.1; task_attr, prio and crn are zero as
 * 5.6.6.1.2 asks. Every byte of the request is written: nothing of an earlier
 * command reaches the device.
 *
 * Context: any. Pure.
 * Return: false if the address or the CDB does not fit the wire format.
 */
bool virtscsi_wire_put_cmd(void *request, bool is_le, bool has_pi,
			   u32 cdb_size, const struct virtscsi_command *command)
{
	struct virtscsi_wire_cmd_pi *head_pi = request;
	struct virtscsi_wire_cmd *head = request;
	u8 *cdb;

	if (command->cdb_len > cdb_size ||
	    !wire_put_lun(head->lun, command->target, command->lun))
		return false;

	head->tag = __cpu_to_virtio64(is_le, command->tag);
	head->task_attr = VIRTIO_SCSI_S_SIMPLE;
	head->prio = 0;
	head->crn = 0;
	cdb = (u8 *)(head + 1);
	if (has_pi) {
		head_pi->pi_bytesout = __cpu_to_virtio32(is_le, command->pi_bytesout);
		head_pi->pi_bytesin = __cpu_to_virtio32(is_le, command->pi_bytesin);
		cdb = (u8 *)(head_pi + 1);
	}
	wire_put_cdb(cdb, cdb_size, command->cdb, command->cdb_len);
	return true;
}

/**
 * virtscsi_wire_get_resp() - the snapshot of a response
 * @resp: response header, which the device may still be writing to
 * @is_le: the device is little-endian
 *
 * Implements virtio 1.3, 5.6.6.1. Reads each field once.
 *
 * Context: any. Pure.
 * Return: the fields in host order, nothing checked yet.
 */
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
 * What each response code is to the midlayer. NEXUS_FAILURE and
 * TRANSPORT_FAILURE are about this path: retried here, then elsewhere.
 * TARGET_FAILURE is not in the table: no host byte says "on no path".
 */
static const struct {
	bool is_known;
	u8 host_byte;
} host_byte_of[] = {
	[VIRTIO_SCSI_S_OVERRUN]		  = { true, DID_ERROR },
	[VIRTIO_SCSI_S_ABORTED]		  = { true, DID_ABORT },
	[VIRTIO_SCSI_S_BAD_TARGET]	  = { true, DID_BAD_TARGET },
	[VIRTIO_SCSI_S_RESET]		  = { true, DID_RESET },
	[VIRTIO_SCSI_S_BUSY]		  = { true, DID_BUS_BUSY },
	[VIRTIO_SCSI_S_TRANSPORT_FAILURE] = { true, DID_TRANSPORT_DISRUPTED },
	[VIRTIO_SCSI_S_NEXUS_FAILURE]	  = { true, DID_TRANSPORT_DISRUPTED },
	[VIRTIO_SCSI_S_FAILURE]		  = { true, DID_ERROR },
	[VIRTIO_SCSI_S_INCORRECT_LUN]	  = { true, DID_BAD_TARGET },
};

/**
 * virtscsi_wire_outcome() - what a response means
 * @response: snapshot of the response
 * @bufflen: bytes of data that the command asked for
 * @sense_size: the negotiated size of the sense field in bytes
 *
 * Implements virtio 1.3, 5.6.6.1.1 (response, status, residual, sense_len).
 * The SAM status counts only under VIRTIO_SCSI_S_OK; residual and sense length
 * are bounded by what the driver asked for.
 *
 * Context: any. Pure.
 * Return: the outcome.
 */
struct virtscsi_outcome
virtscsi_wire_outcome(const struct virtscsi_response *response, u32 bufflen,
		      u32 sense_size)
{
	struct virtscsi_outcome outcome = {
		.resid = min(response->resid, bufflen),
	};
	u8 code = response->response;

	if (code == VIRTIO_SCSI_S_OK) {
		outcome.result = DID_OK << 16 | response->status;
		outcome.sense_len = min(response->sense_len, sense_size);
	} else if (code == VIRTIO_SCSI_S_TARGET_FAILURE) {
		outcome.result = DID_OK << 16 | SAM_STAT_CHECK_CONDITION;
		outcome.is_target_failure = true;
	} else if (code < ARRAY_SIZE(host_byte_of) &&
		   host_byte_of[code].is_known) {
		outcome.result = host_byte_of[code].host_byte << 16;
	} else {
		outcome.result = DID_ERROR << 16;
		outcome.is_unknown = true;
	}
	return outcome;
}

/**
 * virtscsi_wire_put_tmf() - write a task management request
 * @request: where it goes
 * @is_le: the device is little-endian
 * @subtype: one of VIRTIO_SCSI_T_TMF_*
 * @target: target
 * @lun: the midlayer's LUN
 * @tag: the command that is meant, where @subtype means one
 *
 * Implements virtio 1.3, 5.6.6.2.
 *
 * Context: any. Pure.
 * Return: false if the address does not fit the wire format.
 */
bool virtscsi_wire_put_tmf(struct virtio_scsi_ctrl_tmf_req *request, bool is_le,
			   u32 subtype, unsigned int target, u64 lun, u64 tag)
{
	request->type = __cpu_to_virtio32(is_le, VIRTIO_SCSI_T_TMF);
	request->subtype = __cpu_to_virtio32(is_le, subtype);
	request->tag = __cpu_to_virtio64(is_le, tag);
	return virtscsi_wire_put_lun(request->lun, target, lun);
}

/**
 * virtscsi_wire_put_an() - ask which asynchronous notifications there are
 * @request: where it goes
 * @is_le: the device is little-endian
 * @target: target
 * @lun: the midlayer's LUN
 * @events: those that are wanted
 *
 * Implements virtio 1.3, 5.6.6.2 (asynchronous notification query).
 *
 * Context: any. Pure.
 * Return: false if the address does not fit the wire format.
 */
bool virtscsi_wire_put_an(struct virtio_scsi_ctrl_an_req *request, bool is_le,
			  unsigned int target, u64 lun, u32 events)
{
	request->type = __cpu_to_virtio32(is_le, VIRTIO_SCSI_T_AN_QUERY);
	request->event_requested = __cpu_to_virtio32(is_le, events);
	return virtscsi_wire_put_lun(request->lun, target, lun);
}

/**
 * virtscsi_wire_subscribe() - make a query the subscription to what it offers
 * @request: the query
 * @resp: its answer, which the device may still be writing to
 * @is_le: the device is little-endian
 *
 * Implements virtio 1.3, 5.6.6.2 (asynchronous notification subscription).
 *
 * Context: any. Pure.
 * Return: false, and nothing is changed, if @request is no query or the device
 *	offers nothing of what it asks for.
 */
bool virtscsi_wire_subscribe(struct virtio_scsi_ctrl_an_req *request,
			     const struct virtio_scsi_ctrl_an_resp *resp,
			     bool is_le)
{
	__virtio32 offered = READ_ONCE(resp->event_actual) &
			     request->event_requested;

	if (request->type != __cpu_to_virtio32(is_le, VIRTIO_SCSI_T_AN_QUERY) ||
	    READ_ONCE(resp->response) != VIRTIO_SCSI_S_OK || !offered)
		return false;
	request->type = __cpu_to_virtio32(is_le, VIRTIO_SCSI_T_AN_SUBSCRIBE);
	request->event_requested = offered;
	return true;
}

/**
 * virtscsi_wire_get_event() - the snapshot of an event
 * @event: event buffer, which the device may still be writing to
 * @is_le: the device is little-endian
 *
 * Implements virtio 1.3, 5.6.6.3. Reads each field once.
 *
 * Context: any. Pure.
 * Return: the fields in host order, nothing checked yet.
 */
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
