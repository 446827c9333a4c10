/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of a virtio-scsi HBA and of its LUNs, and what set each of them,
 * see limits.c.
 */
#ifndef VIRTSCSI_LIMITS_H
#define VIRTSCSI_LIMITS_H

#include <linux/types.h>

/* The limits of an HBA. A LUN has the first, too. */
enum virtscsi_limit_id {
	VIRTSCSI_MAX_SECTORS,	/* 512-byte units in one command */
	VIRTSCSI_SEG_MAX,	/* data segments in one command */
	VIRTSCSI_NR_OVERRIDES,	/* the administrator can lower those above */
	VIRTSCSI_PROT_SEG_MAX = VIRTSCSI_NR_OVERRIDES,	/* segments of PI */
	VIRTSCSI_SEGMENT_SIZE,	/* bytes in one segment */
	VIRTSCSI_NUM_QUEUES,	/* request virtqueues, polled ones included */
	VIRTSCSI_CAN_QUEUE,	/* commands outstanding on one virtqueue */
	VIRTSCSI_CMD_PER_LUN,	/* commands outstanding on one LUN */
	VIRTSCSI_CDB_SIZE,	/* bytes of the CDB field on the wire */
	VIRTSCSI_SENSE_SIZE,	/* bytes of the sense field on the wire */
	VIRTSCSI_EVENT_SIZE,	/* bytes of an event buffer */
	VIRTSCSI_MAX_CHANNEL,	/* highest channel scanned */
	VIRTSCSI_MAX_TARGET,	/* highest target scanned */
	VIRTSCSI_MAX_LUN,	/* highest LUN, as the specification counts */
	VIRTSCSI_NR_LIMITS
};

/* What set a limit. */
enum virtscsi_limit_source {
	VIRTSCSI_FROM_DEVICE,	/* the configuration space */
	VIRTSCSI_FROM_DEFAULT,	/* the device gave no usable value */
	VIRTSCSI_FROM_RING,	/* the number and the size of the virtqueues */
	VIRTSCSI_FROM_KERNEL,	/* a type or a constant of SCSI or block layer */
	VIRTSCSI_FROM_DMA,	/* the DMA layer (bounce buffers, IOMMU) */
	VIRTSCSI_FROM_CPUS,	/* the number of CPUs */
	VIRTSCSI_FROM_WIRE,	/* the width of a field in the wire format */
	VIRTSCSI_FROM_PI,	/* protection information takes segments */
	VIRTSCSI_FROM_PAGES,	/* the host may bound the pages of a command */
	VIRTSCSI_FROM_HBA,	/* the HBA's limit */
	VIRTSCSI_FROM_VPD_B0,	/* the LUN's VPD page B0h (Block Limits) */
	VIRTSCSI_FROM_OVERRIDE,	/* the administrator */
	VIRTSCSI_NR_SOURCES
};

/* The names that sysfs, the log and the documentation use. */
extern const char * const virtscsi_limit_names[VIRTSCSI_NR_LIMITS];
extern const char * const virtscsi_limit_source_names[VIRTSCSI_NR_SOURCES];

/* struct virtio_scsi_config (virtio 1.3, 5.6.4) in host order. Not trusted. */
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

/* What bounds the limits of an HBA on the guest's side. */
struct virtscsi_facts {
	u32 ring_size;		/* entries of the smallest request virtqueue */
	bool has_indirect;	/* a command takes one ring entry */
	bool has_pi;		/* VIRTIO_SCSI_F_T10_PI is negotiated */
	bool counts_pages;	/* the host may be vhost-scsi, see limits.c */
	u32 nr_cpus;		/* CPUs that can submit commands */
	u32 nr_queues;		/* request virtqueues that were found */
	u32 page_size;		/* the block layer accepts no smaller transfer or segment */
	u32 nr_segments;	/* the SCSI core's bound for a command */
	u32 queue_depth;	/* the block layer's bound for a queue */
	u64 segment_size;	/* bytes that the DMA layer maps in one piece */
};

/* One limit in force, in the unit that its id names. */
struct virtscsi_limit {
	u32 value;
	u32 asked;	/* by the device or the LUN; @value if it has no say */
	enum virtscsi_limit_source source;	/* of @value */
};

struct virtscsi_limits {
	struct virtscsi_limit of[VIRTSCSI_NR_LIMITS];
};

/* What bounds the limits of a LUN. */
struct virtscsi_lun_facts {
	u32 page_size;		/* the block layer accepts no smaller transfer */
	u32 hba_max_sectors;
	u32 hba_seg_max;
	u32 core_max_sectors;	/* by the SCSI core's device list, or U32_MAX */
	u32 logical_block_size;	/* set by the upper driver when it binds */
	u32 block_size;		/* the LUN's answers, not trusted; 0 for none */
	u32 max_blocks;
	u32 override_max_sectors;	/* the administrator's, 0 for none */
	u32 override_seg_max;
};

struct virtscsi_lun_limits {
	struct virtscsi_limit of[VIRTSCSI_NR_OVERRIDES];
};

/* Media have no larger logical blocks. */
#define VIRTSCSI_BLOCK_SIZE_LAST	65536

/* A ring must hold request header, response header and one data segment. */
#define VIRTSCSI_MIN_RING_SIZE	3
#define VIRTSCSI_NR_HEADERS	2

struct virtscsi_limit
virtscsi_limits_nr_queues(const struct virtscsi_config *config, u32 nr_cpus);
int virtscsi_limits_compute(struct virtscsi_limits *limits,
			    const struct virtscsi_config *config,
			    const struct virtscsi_facts *facts);
void virtscsi_limits_compute_lun(struct virtscsi_lun_limits *limits,
				 const struct virtscsi_lun_facts *facts);
/* The lowest override; the largest block and page, and REPORT LUNS data, fit in. */
u32 virtscsi_limits_min_override(unsigned int id);

#endif
