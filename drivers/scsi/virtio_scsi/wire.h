/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire format of virtio-scsi: the structures, and their codec.
 *
 * Structures are laid out here and not taken from the UAPI header because
 * there the CDB and the sense data have a fixed size, and here the device has
 * a say in it; wire.c asserts that they agree where both exist.
 */
#ifndef VIRTSCSI_WIRE_H
#define VIRTSCSI_WIRE_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/virtio_scsi.h>

#define VIRTSCSI_WIRE_LUN_LEN	8

/* The flat space prefix of a LUN of 14 bits (SAM-6). */
#define VIRTSCSI_WIRE_LUN_FLAT	0x4000

/* An asynchronous notification: the medium of a removable LUN has changed. */
#define VIRTSCSI_WIRE_ASYNC_MEDIA_CHANGE	16

/* Written to the response byte beforehand: the device never wrote anything. */
#define VIRTSCSI_WIRE_UNTOUCHED	0xff

/**
 * struct virtscsi_wire_cmd - head of a request, followed by cdb[cdb_size]
 * @lun: address of the logical unit
 * @tag: identifier for task management
 * @task_attr: task attribute
 * @prio: command priority
 * @crn: command reference number
 */
struct virtscsi_wire_cmd {
	u8 lun[VIRTSCSI_WIRE_LUN_LEN];
	__virtio64 tag;
	u8 task_attr;
	u8 prio;
	u8 crn;
} __packed;

/**
 * struct virtscsi_wire_cmd_pi - the same with VIRTIO_SCSI_F_T10_PI
 * @head: as without
 * @pi_bytesout: bytes of protection information that follow, device-readable
 * @pi_bytesin: bytes of protection information wanted, device-writable
 */
struct virtscsi_wire_cmd_pi {
	struct virtscsi_wire_cmd head;
	__virtio32 pi_bytesout;
	__virtio32 pi_bytesin;
} __packed;

/**
 * struct virtscsi_wire_resp - head of a response, then sense[sense_size]
 * @sense_len: bytes of sense data written
 * @resid: bytes of data not transferred
 * @status_qualifier: SAM status qualifier
 * @status: SAM status
 * @response: one of VIRTIO_SCSI_S_*
 */
struct virtscsi_wire_resp {
	__virtio32 sense_len;
	__virtio32 resid;
	__virtio16 status_qualifier;
	u8 status;
	u8 response;
};

/**
 * struct virtscsi_wire_event - a buffer of the event queue
 * @event: one of VIRTIO_SCSI_T_*, and VIRTIO_SCSI_T_EVENTS_MISSED
 * @lun: address of the logical unit
 * @reason: depends on @event
 */
struct virtscsi_wire_event {
	__virtio32 event;
	u8 lun[VIRTSCSI_WIRE_LUN_LEN];
	__virtio32 reason;
};

/**
 * struct virtscsi_command - what goes into a command's request
 * @lun: LUN of the midlayer
 * @target: target
 * @tag: identifier for task management, unique among outstanding commands
 * @pi_bytesout: bytes of protection information sent
 * @pi_bytesin: bytes of protection information received
 * @cdb: the CDB
 * @cdb_len: its length in bytes, at most the negotiated cdb_size
 */
struct virtscsi_command {
	u64 lun;
	unsigned int target;
	u64 tag;
	u32 pi_bytesout;
	u32 pi_bytesin;
	const u8 *cdb;
	unsigned int cdb_len;
};

/**
 * struct virtscsi_response - a response, read once, host order
 * @sense_len: bytes of sense data, as the device claims
 * @resid: bytes of data not transferred, as the device claims
 * @status_qualifier: SAM status qualifier
 * @status: SAM status
 * @response: one of VIRTIO_SCSI_S_*, or whatever the device wrote
 */
struct virtscsi_response {
	u32 sense_len;
	u32 resid;
	u16 status_qualifier;
	u8 status;
	u8 response;
};

/**
 * struct virtscsi_outcome - what a response means to the midlayer
 * @result: host byte in bits 16-23, SAM status in bits 0-7
 * @resid: bytes not transferred, at most what was asked for
 * @sense_len: bytes of the device's sense data to take; 0 if none
 * @is_target_failure: report HARDWARE ERROR, INTERNAL TARGET FAILURE: no other
 *	path would do better
 * @is_unknown: the response code is none of the specification's
 */
struct virtscsi_outcome {
	u32 result;
	u32 resid;
	u32 sense_len;
	bool is_target_failure;
	bool is_unknown;
};

/**
 * struct virtscsi_event - an event, read once, host order
 * @event: one of VIRTIO_SCSI_T_*, and VIRTIO_SCSI_T_EVENTS_MISSED
 * @reason: depends on @event
 * @lun: address of the logical unit
 */
struct virtscsi_event {
	u32 event;
	u32 reason;
	u8 lun[VIRTSCSI_WIRE_LUN_LEN];
};

/**
 * virtscsi_wire_tag() - the identifier of a command
 * @unique_tag: block layer's tag, unique among the requests of the host
 * @generation: how often this request was submitted
 *
 * Implements virtio 1.3, 5.6.6.1 (id). A command that the error handler sends
 * anew must not look like the one that the device may still hold, hence the
 * generation. No kernel address goes to the device.
 *
 * Context: any. Pure.
 * Return: the tag.
 */
static inline u64 virtscsi_wire_tag(u32 unique_tag, u32 generation)
{
	return (u64)generation << 32 | unique_tag;
}

/**
 * virtscsi_wire_arm_resp() - make it visible whether the device will write
 * @resp: response header, not yet given to the device
 *
 * Zero would read as "OK, GOOD". The used length does not serve: devices
 * exist that complete commands with a used length of 0.
 *
 * Context: any. Pure.
 */
static inline void virtscsi_wire_arm_resp(struct virtscsi_wire_resp *resp)
{
	resp->sense_len = 0;
	resp->resid = 0;
	resp->status_qualifier = 0;
	resp->status = 0;
	resp->response = VIRTSCSI_WIRE_UNTOUCHED;
}

/**
 * virtscsi_wire_is_plain() - did a command just succeed
 * @resp: response header, which the device may still be writing to
 *
 * Two reads settle what nearly every response says: OK, GOOD, all data
 * transferred, no sense data. True is final. Whoever gets false takes
 * a snapshot and forgets what was seen here.
 *
 * Context: any. Pure.
 * Return: true for such a response.
 */
static inline bool virtscsi_wire_is_plain(const struct virtscsi_wire_resp *resp)
{
	return !READ_ONCE(*(const u32 *)&resp->status_qualifier) &&
	       !READ_ONCE(*(const u64 *)&resp->sense_len);
}

bool virtscsi_wire_put_lun(u8 wire[VIRTSCSI_WIRE_LUN_LEN], unsigned int target,
			   u64 lun);
bool virtscsi_wire_get_lun(const u8 wire[VIRTSCSI_WIRE_LUN_LEN],
			   unsigned int *target, u64 *lun);
u32 virtscsi_wire_cmd_len(bool has_pi, u32 cdb_size);
u32 virtscsi_wire_resp_len(u32 sense_size);
bool virtscsi_wire_put_cmd(void *request, bool is_le, bool has_pi,
			   u32 cdb_size, const struct virtscsi_command *command);
struct virtscsi_response
virtscsi_wire_get_resp(const struct virtscsi_wire_resp *resp, bool is_le);
struct virtscsi_outcome
virtscsi_wire_outcome(const struct virtscsi_response *response, u32 bufflen,
		      u32 sense_size);
bool virtscsi_wire_put_tmf(struct virtio_scsi_ctrl_tmf_req *request, bool is_le,
			   u32 subtype, unsigned int target, u64 lun, u64 tag);
bool virtscsi_wire_put_an(struct virtio_scsi_ctrl_an_req *request, bool is_le,
			  unsigned int target, u64 lun, u32 events);
bool virtscsi_wire_subscribe(struct virtio_scsi_ctrl_an_req *request,
			     const struct virtio_scsi_ctrl_an_resp *resp,
			     bool is_le);
struct virtscsi_event
virtscsi_wire_get_event(const struct virtscsi_wire_event *event, bool is_le);

#endif
