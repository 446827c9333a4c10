/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of a virtio-scsi HBA and of its LUNs: what each is, and who set it.
 *
 * limits.c turns facts into limits and does nothing else; see there.
 */
#ifndef VIRTSCSI_LIMITS_H
#define VIRTSCSI_LIMITS_H

#include <linux/types.h>

/**
 * enum virtscsi_limit_id - the limits an HBA has
 * @VIRTSCSI_NUM_QUEUES: request virtqueues in use, polled ones included
 * @VIRTSCSI_CAN_QUEUE: commands outstanding on one request virtqueue
 * @VIRTSCSI_CMD_PER_LUN: commands outstanding on one LUN
 * @VIRTSCSI_SEG_MAX: data segments in one command
 * @VIRTSCSI_PROT_SEG_MAX: protection information segments in one command
 * @VIRTSCSI_SEGMENT_SIZE: bytes in one segment
 * @VIRTSCSI_MAX_SECTORS: 512-byte units in one command
 * @VIRTSCSI_CDB_SIZE: bytes of the CDB field on the wire
 * @VIRTSCSI_SENSE_SIZE: bytes of the sense field on the wire
 * @VIRTSCSI_EVENT_SIZE: bytes of an event buffer
 * @VIRTSCSI_MAX_CHANNEL: highest channel scanned
 * @VIRTSCSI_MAX_TARGET: highest target scanned
 * @VIRTSCSI_MAX_LUN: highest LUN scanned, as the specification counts them
 * @VIRTSCSI_NR_LIMITS: how many limits there are
 */
enum virtscsi_limit_id {
	VIRTSCSI_NUM_QUEUES,
	VIRTSCSI_CAN_QUEUE,
	VIRTSCSI_CMD_PER_LUN,
	VIRTSCSI_SEG_MAX,
	VIRTSCSI_PROT_SEG_MAX,
	VIRTSCSI_SEGMENT_SIZE,
	VIRTSCSI_MAX_SECTORS,
	VIRTSCSI_CDB_SIZE,
	VIRTSCSI_SENSE_SIZE,
	VIRTSCSI_EVENT_SIZE,
	VIRTSCSI_MAX_CHANNEL,
	VIRTSCSI_MAX_TARGET,
	VIRTSCSI_MAX_LUN,
	VIRTSCSI_NR_LIMITS
};

/**
 * enum virtscsi_limit_source - what set a limit
 * @VIRTSCSI_FROM_DEVICE: the device's configuration space, taken as it stands
 * @VIRTSCSI_FROM_DEFAULT: the device gave no usable value; ours was taken
 * @VIRTSCSI_FROM_RING: the virtqueues: how many there are, what they hold
 * @VIRTSCSI_FROM_KERNEL: a type or a constant of the kernel's SCSI and block layers
 * @VIRTSCSI_FROM_DMA: the DMA layer (bounce buffers, IOMMU)
 * @VIRTSCSI_FROM_CPUS: the number of CPUs
 * @VIRTSCSI_FROM_WIRE: the width of a field in the wire format
 * @VIRTSCSI_FROM_PI: protection information takes its share of the segments
 * @VIRTSCSI_FROM_HBA: the HBA's limit, which bounds that of the LUN
 * @VIRTSCSI_FROM_VPD_B0: the LUN's VPD page B0h (Block Limits)
 * @VIRTSCSI_FROM_BLOCK_LIMITS: the tape drive's answer to READ BLOCK LIMITS
 * @VIRTSCSI_FROM_OVERRIDE: the administrator
 * @VIRTSCSI_NR_SOURCES: how many sources there are
 */
enum virtscsi_limit_source {
	VIRTSCSI_FROM_DEVICE,
	VIRTSCSI_FROM_DEFAULT,
	VIRTSCSI_FROM_RING,
	VIRTSCSI_FROM_KERNEL,
	VIRTSCSI_FROM_DMA,
	VIRTSCSI_FROM_CPUS,
	VIRTSCSI_FROM_WIRE,
	VIRTSCSI_FROM_PI,
	VIRTSCSI_FROM_HBA,
	VIRTSCSI_FROM_VPD_B0,
	VIRTSCSI_FROM_BLOCK_LIMITS,
	VIRTSCSI_FROM_OVERRIDE,
	VIRTSCSI_NR_SOURCES
};

/**
 * struct virtscsi_config - a snapshot of the configuration space, host order
 * @num_queues: request virtqueues
 * @seg_max: data segments in one command
 * @max_sectors: 512-byte units in one command
 * @cmd_per_lun: commands outstanding on one LUN
 * @event_info_size: bytes of an event
 * @sense_size: bytes of sense data
 * @cdb_size: bytes of a CDB
 * @max_channel: highest channel
 * @max_target: highest target
 * @max_lun: highest LUN
 *
 * The fields of struct virtio_scsi_config (virtio 1.3, 5.6.4), each as the
 * device gave it. None is trusted.
 */
struct virtscsi_config {
	u32 num_queues;
	u32 seg_max;
	u32 max_sectors;
	u32 cmd_per_lun;
	u32 event_info_size;
	u32 sense_size;
	u32 cdb_size;
	u16 max_channel;
	u16 max_target;
	u32 max_lun;
};

/**
 * struct virtscsi_facts - what bounds the limits on the guest's side
 * @ring_size: entries of the smallest request virtqueue
 * @has_indirect: a command takes one ring entry, whatever its segments
 * @has_pi: VIRTIO_SCSI_F_T10_PI is negotiated
 * @nr_cpus: CPUs that can submit commands
 * @nr_queues: request virtqueues that were found
 * @page_size: bytes; the block layer accepts no smaller transfer or segment
 * @nr_segments: the most segments that the SCSI core will hand over
 * @queue_depth: the most tags that the block layer gives one queue
 * @segment_size: bytes the DMA layer maps in one piece
 * @transfer_size: bytes the DMA layer maps for one command, 0 if it does not say
 */
struct virtscsi_facts {
	u32 ring_size;
	bool has_indirect;
	bool has_pi;
	u32 nr_cpus;
	u32 nr_queues;
	u32 page_size;
	u32 nr_segments;
	u32 queue_depth;
	u64 segment_size;
	u64 transfer_size;
};

/**
 * struct virtscsi_limit - one limit in force
 * @value: the limit, in the unit that enum virtscsi_limit_id names
 * @asked: what the device asked for, in the same unit; equals @value when the
 *	device has no say in it
 * @source: what set @value
 */
struct virtscsi_limit {
	u32 value;
	u32 asked;
	enum virtscsi_limit_source source;
};

/**
 * struct virtscsi_limits - all the limits in force on one HBA
 * @of: indexed by enum virtscsi_limit_id
 */
struct virtscsi_limits {
	struct virtscsi_limit of[VIRTSCSI_NR_LIMITS];
};

/**
 * enum virtscsi_lun_limit_id - the limits a LUN has of its own
 * @VIRTSCSI_LUN_MAX_SECTORS: 512-byte units in one command
 * @VIRTSCSI_LUN_SEG_MAX: data segments in one command
 * @VIRTSCSI_LUN_OPT_SECTORS: 512-byte units that the LUN likes best, or 0
 * @VIRTSCSI_LUN_MAX_BLOCK: bytes in one block of a tape
 * @VIRTSCSI_NR_LUN_LIMITS: how many limits there are
 */
enum virtscsi_lun_limit_id {
	VIRTSCSI_LUN_MAX_SECTORS,
	VIRTSCSI_LUN_SEG_MAX,
	VIRTSCSI_LUN_OPT_SECTORS,
	VIRTSCSI_LUN_MAX_BLOCK,
	VIRTSCSI_NR_LUN_LIMITS
};

/**
 * struct virtscsi_answers - what a LUN said of itself, host order
 * @block_size: bytes of a logical block (READ CAPACITY), 0 if it did not say
 * @max_blocks: MAXIMUM TRANSFER LENGTH of VPD page B0h, in logical blocks; 0 if
 *	it names none
 * @opt_blocks: OPTIMAL TRANSFER LENGTH of the same, likewise
 * @max_bytes: MAXIMUM BLOCK LENGTH LIMIT of a tape drive, 0 if it names none
 *
 * All zero is a LUN that was not asked or did not answer. None is trusted.
 */
struct virtscsi_answers {
	u32 block_size;
	u32 max_blocks;
	u32 opt_blocks;
	u32 max_bytes;
};

/**
 * struct virtscsi_lun_facts - what bounds the limits of a LUN
 * @type: peripheral device type
 * @page_size: bytes; the block layer accepts no smaller transfer
 * @hba_max_sectors: 512-byte units in one command of the HBA
 * @hba_seg_max: data segments in one command of the HBA
 * @core_max_sectors: what the SCSI core's list of odd devices says, U32_MAX if
 *	the LUN is not in it
 * @logical_block_size: bytes; the unit in which the block layer counts, which an
 *	upper driver sets after the LUN was found
 * @answers: what the LUN said
 * @override_max_sectors: the administrator's bound, 0 if there is none
 * @override_seg_max: likewise
 */
struct virtscsi_lun_facts {
	u8 type;
	u32 page_size;
	u32 hba_max_sectors;
	u32 hba_seg_max;
	u32 core_max_sectors;
	u32 logical_block_size;
	struct virtscsi_answers answers;
	u32 override_max_sectors;
	u32 override_seg_max;
};

/**
 * struct virtscsi_lun_limits - the limits in force on one LUN
 * @of: indexed by enum virtscsi_lun_limit_id; asked is what the LUN asked for,
 *	and equals value where it has no say or said nothing
 */
struct virtscsi_lun_limits {
	struct virtscsi_limit of[VIRTSCSI_NR_LUN_LIMITS];
};

/* A ring must hold request header, response header and one data segment. */
#define VIRTSCSI_MIN_RING_SIZE	3
#define VIRTSCSI_NR_HEADERS	2

struct virtscsi_limit
virtscsi_limits_nr_queues(const struct virtscsi_config *config, u32 nr_cpus);
bool virtscsi_limits_can_carry_pi(u32 seg_max);
int virtscsi_limits_compute(struct virtscsi_limits *limits,
			    const struct virtscsi_config *config,
			    const struct virtscsi_facts *facts);
void virtscsi_limits_compute_lun(struct virtscsi_lun_limits *limits,
				 const struct virtscsi_lun_facts *facts);
const char *virtscsi_limits_lun_name(enum virtscsi_lun_limit_id id);
const char *virtscsi_limits_name(enum virtscsi_limit_id id);
const char *virtscsi_limits_source(enum virtscsi_limit_source source);

#endif
