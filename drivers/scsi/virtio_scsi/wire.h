/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire format of virtio-scsi: structures and codec, see wire.c.
 *
 * The UAPI structures have a CDB and sense data of a fixed size, but the device
 * may change these sizes. The structures here are without them.
 */
#ifndef VIRTSCSI_WIRE_H
#define VIRTSCSI_WIRE_H

#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_scsi.h>

#define VIRTSCSI_WIRE_LUN_LEN	8

/* One byte on the wire names the target. */
#define VIRTSCSI_NR_TARGETS	256

/* The flat space prefix of a LUN of 14 bits (SAM-6). */
#define VIRTSCSI_WIRE_LUN_FLAT	0x4000

/* Written to the response byte beforehand, to see whether the device wrote. */
#define VIRTSCSI_WIRE_UNTOUCHED	0xff

/* Bits of the identifier of a command that are the block layer's tag. */
#define VIRTSCSI_WIRE_TAG_BITS	32

/* Head of a request, followed by cdb[cdb_size] (virtio 1.3, 5.6.6.1). */
struct virtscsi_wire_cmd {
	u8 lun[VIRTSCSI_WIRE_LUN_LEN];
	__virtio64 tag;
	u8 task_attr;
	u8 prio;
	u8 crn;
} __packed;

/* The same with VIRTIO_SCSI_F_T10_PI. */
struct virtscsi_wire_cmd_pi {
	struct virtscsi_wire_cmd head;
	__virtio32 pi_bytesout;
	__virtio32 pi_bytesin;
} __packed;

/* Head of a response, followed by sense[sense_size]. */
struct virtscsi_wire_resp {
	__virtio32 sense_len;
	__virtio32 resid;
	__virtio16 status_qualifier;
	u8 status;
	u8 response;
};

/* Buffer of the event virtqueue (virtio 1.3, 5.6.6.3). */
struct virtscsi_wire_event {
	__virtio32 event;
	u8 lun[VIRTSCSI_WIRE_LUN_LEN];
	__virtio32 reason;
};

/* A command to encode, with a tag that no other one has. */
struct virtscsi_command {
	const u8 *lun;		/* encoded by virtscsi_wire_put_lun() */
	u64 tag;
	u32 pi_bytesout;	/* protection information sent */
	u32 pi_bytesin;		/* protection information received */
	const u8 *cdb;
	unsigned int cdb_len;
};

/* Snapshot of a response, in host order, not checked. */
struct virtscsi_response {
	u32 sense_len;
	u32 resid;
	u16 status_qualifier;
	u8 status;
	u8 response;
};

/* A response as the midlayer wants it. */
struct virtscsi_outcome {
	u32 result;		/* host byte << 16 | SAM status */
	u32 resid;		/* at most the length of the data buffer */
	u32 sense_len;		/* at most the size of the sense field */
	bool is_target_failure;	/* see virtscsi_wire_outcome() */
	bool is_unknown;	/* not in the specification, or not in SAM */
};

/* Snapshot of an event, in host order, not checked. */
struct virtscsi_event {
	u32 event;		/* may have VIRTIO_SCSI_T_EVENTS_MISSED */
	u32 reason;
	u8 lun[VIRTSCSI_WIRE_LUN_LEN];
};

/*
 * The identifier of a command (virtio 1.3, 5.6.6.1, id). @unique_tag is the block
 * layer's. @generation counts submissions: a command that is sent again must not
 * look like the one that the device may still hold.
 */
static inline u64 virtscsi_wire_tag(u32 unique_tag, u32 generation)
{
	return (u64)generation << VIRTSCSI_WIRE_TAG_BITS | unique_tag;
}

static inline u32 virtscsi_wire_tag_unique(u64 tag)
{
	return tag & U32_MAX;
}

static inline u32 virtscsi_wire_tag_generation(u64 tag)
{
	return tag >> VIRTSCSI_WIRE_TAG_BITS;
}

/*
 * Fast path, therefore inline: with constant sizes the compiler makes stores of
 * memset() and memcpy(). task_attr, prio and crn are zero as virtio 1.3,
 * 5.6.6.1.2 requires. Every byte is written, so the device sees nothing of an
 * earlier command. Returns false if the CDB does not fit.
 */
static inline bool
virtscsi_wire_put_cmd(void *request, bool is_le, bool has_pi, u32 cdb_size,
		      const struct virtscsi_command *command)
{
	struct virtscsi_wire_cmd_pi *head_pi = request;
	struct virtscsi_wire_cmd *head = request;
	u8 *cdb = (u8 *)(head + 1);

	if (command->cdb_len > cdb_size)
		return false;

	memcpy(head->lun, command->lun, sizeof(head->lun));
	head->tag = __cpu_to_virtio64(is_le, command->tag);
	head->task_attr = VIRTIO_SCSI_S_SIMPLE;
	head->prio = 0;
	head->crn = 0;
	if (has_pi) {
		head_pi->pi_bytesout = __cpu_to_virtio32(is_le, command->pi_bytesout);
		head_pi->pi_bytesin = __cpu_to_virtio32(is_le, command->pi_bytesin);
		cdb = (u8 *)(head_pi + 1);
	}
	if (cdb_size == VIRTIO_SCSI_CDB_DEFAULT_SIZE)
		memset(cdb, 0, VIRTIO_SCSI_CDB_DEFAULT_SIZE);
	else
		memset(cdb, 0, cdb_size);
	if (command->cdb_len == 10)
		memcpy(cdb, command->cdb, 10);
	else if (command->cdb_len == 16)
		memcpy(cdb, command->cdb, 16);
	else
		memcpy(cdb, command->cdb, command->cdb_len);
	return true;
}

/*
 * Before the device gets the header. Zeros would read as "OK, GOOD". The used
 * length does not tell whether the device wrote: some devices set it to 0.
 */
static inline void virtscsi_wire_arm_resp(struct virtscsi_wire_resp *resp)
{
	*resp = (struct virtscsi_wire_resp){
		.response = VIRTSCSI_WIRE_UNTOUCHED,
	};
}

/*
 * Fast path: OK, GOOD, no residual, no sense data. True is final. After false
 * the caller takes a snapshot, because the device may still write.
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
struct virtscsi_response
virtscsi_wire_get_resp(const struct virtscsi_wire_resp *resp, bool is_le);
struct virtscsi_outcome
virtscsi_wire_outcome(const struct virtscsi_response *response, u32 bufflen,
		      u32 sense_size);
bool virtscsi_wire_put_tmf(struct virtio_scsi_ctrl_tmf_req *request, bool is_le,
			   u32 subtype, unsigned int target, u64 lun, u64 tag);
struct virtscsi_event
virtscsi_wire_get_event(const struct virtscsi_wire_event *event, bool is_le);

#endif
