// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limits of an HBA: reads the configuration space, writes the sizes that the
 * driver chooses, computes the limits and passes them to the SCSI core. Also
 * holds the administrator's overrides, which can only lower a limit.
 *
 * The limits are negotiated at probe, and again after each reset. There are LUNs
 * then: some limits can change, for others the device cannot be used further.
 *
 * No lock: at probe nobody else knows the instance, later the caller serializes
 * resets. Overrides are single words, read without a lock.
 */
#include <linux/blk-mq.h>
#include <linux/crash_dump.h>
#include <linux/dma-mapping.h>
#include <linux/moduleparam.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_scsi.h>
#include <scsi/scsi.h>
#include <scsi/scsi_host.h>

#include "virtscsi.h"

/* A device whose configuration changes during so many reads is broken. */
#define CONFIG_ATTEMPTS	16

static unsigned int host_limits_params[VIRTSCSI_NR_OVERRIDES];

module_param_named(max_sectors, host_limits_params[VIRTSCSI_MAX_SECTORS], uint,
		   0644);
MODULE_PARM_DESC(max_sectors,
		 "Upper bound for 512-byte sectors in one command, for devices bound from now on (default 0: none)");
module_param_named(seg_max, host_limits_params[VIRTSCSI_SEG_MAX], uint, 0644);
MODULE_PARM_DESC(seg_max,
		 "Upper bound for data segments in one command, for devices bound from now on (default 0: none)");

static u32 host_limits_generation(struct virtio_device *vdev)
{
	return vdev->config->generation ? vdev->config->generation(vdev) : 0;
}

#define FIELD(name)	offsetof(struct virtio_scsi_config, name)

/* Reads all fields under one generation (virtio 1.3, 2.5.1), or returns -EIO. */
int virtscsi_host_limits_read_config(struct virtio_device *vdev,
				     struct virtscsi_config *to)
{
	unsigned int attempt;
	u32 generation;

	for (attempt = 0; attempt < CONFIG_ATTEMPTS; attempt++) {
		generation = host_limits_generation(vdev);
		to->num_queues = virtio_cread32(vdev, FIELD(num_queues));
		to->seg_max = virtio_cread32(vdev, FIELD(seg_max));
		to->max_sectors = virtio_cread32(vdev, FIELD(max_sectors));
		to->cmd_per_lun = virtio_cread32(vdev, FIELD(cmd_per_lun));
		to->event_info_size = virtio_cread32(vdev, FIELD(event_info_size));
		to->sense_size = virtio_cread32(vdev, FIELD(sense_size));
		to->cdb_size = virtio_cread32(vdev, FIELD(cdb_size));
		to->max_channel = virtio_cread16(vdev, FIELD(max_channel));
		to->max_target = virtio_cread16(vdev, FIELD(max_target));
		to->max_lun = virtio_cread32(vdev, FIELD(max_lun));
		if (generation == host_limits_generation(vdev))
			return 0;
	}
	dev_err(&vdev->dev, "configuration changed during each of %u reads\n",
		CONFIG_ATTEMPTS);
	return -EIO;
}

/*
 * A device may refuse a change, and some break when a size is written that they
 * have already. What is read afterwards counts (virtio 1.3, 5.6.4).
 */
static void host_limits_write_sizes(struct virtio_device *vdev,
				    const struct virtscsi_config *config)
{
	if (config->cdb_size != VIRTIO_SCSI_CDB_DEFAULT_SIZE)
		virtio_cwrite32(vdev, FIELD(cdb_size),
				VIRTIO_SCSI_CDB_DEFAULT_SIZE);
	if (config->sense_size != VIRTIO_SCSI_SENSE_DEFAULT_SIZE)
		virtio_cwrite32(vdev, FIELD(sense_size),
				VIRTIO_SCSI_SENSE_DEFAULT_SIZE);
}

static int host_limits_compute(struct virtscsi *vscsi,
			       struct virtscsi_limits *limits)
{
	struct virtio_device *vdev = vscsi->vdev;
	struct virtscsi_facts facts = {
		.ring_size = virtscsi_vq_ring_size(vscsi),
		.has_indirect = virtio_has_feature(vdev,
						   VIRTIO_RING_F_INDIRECT_DESC),
		.has_pi = vscsi->has_pi,
		/* vhost-scsi never offers it; QEMU's own device and SPDK do. */
		.counts_pages = !virtio_has_feature(vdev, VIRTIO_SCSI_F_CHANGE),
		.nr_cpus = blk_mq_num_possible_queues(0),
		.nr_queues = virtscsi_vq_nr_requests(vscsi),
		.page_size = PAGE_SIZE,
		.nr_segments = SG_MAX_SEGMENTS,
		/* The block layer does not use more in a crash kernel. */
		.queue_depth = is_kdump_kernel() ? 64 : BLK_MQ_MAX_DEPTH,
		.segment_size = virtio_max_dma_size(vdev),
	};
	struct virtscsi_config config;
	int err;

	err = virtscsi_host_limits_read_config(vdev, &config);
	if (err)
		return err;
	host_limits_write_sizes(vdev, &config);
	err = virtscsi_host_limits_read_config(vdev, &config);
	if (err)
		return err;

	err = virtscsi_limits_compute(limits, &config, &facts);
	if (err)
		dev_err(&vdev->dev, "virtqueue of %u entries is too small for a command with data\n",
			facts.ring_size);
	return err;
}

static void host_limits_set_host(struct virtscsi *vscsi)
{
	const struct virtscsi_limit *of = vscsi->limits.negotiated.of;
	struct Scsi_Host *shost = vscsi->shost;

	shost->nr_hw_queues = virtscsi_vq_nr_requests(vscsi);
	shost->nr_maps = virtscsi_vq_nr_polled(vscsi) ? HCTX_TYPE_POLL + 1 : 1;
	shost->can_queue = of[VIRTSCSI_CAN_QUEUE].value;
	shost->cmd_per_lun = of[VIRTSCSI_CMD_PER_LUN].value;
	shost->sg_tablesize = of[VIRTSCSI_SEG_MAX].value;
	/*
	 * The SCSI core has a BUG_ON() that this is not less than sg_tablesize,
	 * which a reset can raise. lun_limits.c sets the bound of each LUN.
	 */
	shost->sg_prot_tablesize = SG_MAX_SEGMENTS;
	shost->max_segment_size = of[VIRTSCSI_SEGMENT_SIZE].value;
	shost->max_sectors = of[VIRTSCSI_MAX_SECTORS].value;
	shost->max_cmd_len = of[VIRTSCSI_CDB_SIZE].value;
	shost->max_channel = of[VIRTSCSI_MAX_CHANNEL].value;
	shost->max_id = of[VIRTSCSI_MAX_TARGET].value + 1;
	/* Up to the REPORT LUNS well-known LUN; lun.c refuses those between. */
	shost->max_lun = SCSI_W_LUN_REPORT_LUNS + 1;

	if (!of[VIRTSCSI_PROT_SEG_MAX].value)
		return;
	scsi_host_set_prot(shost, SHOST_DIF_TYPE1_PROTECTION |
				  SHOST_DIF_TYPE2_PROTECTION |
				  SHOST_DIF_TYPE3_PROTECTION |
				  SHOST_DIX_TYPE1_PROTECTION |
				  SHOST_DIX_TYPE2_PROTECTION |
				  SHOST_DIX_TYPE3_PROTECTION);
	scsi_host_set_guard(shost, SHOST_DIX_GUARD_CRC);
}

/*
 * Buffers were made for the old sizes, and the block layer holds requests that
 * were built for the old limits. The largest of these must fit into a ring; their
 * protection segments are counted one by one.
 */
static bool host_limits_can_follow(struct virtscsi *vscsi,
				   const struct virtscsi_limit *new)
{
	static const enum virtscsi_limit_id fixed[] = {
		VIRTSCSI_CDB_SIZE, VIRTSCSI_SENSE_SIZE,
		VIRTSCSI_EVENT_SIZE,	/* may shrink */
		VIRTSCSI_PROT_SEG_MAX,	/* may grow */
	};
	const struct virtscsi_limit *old = vscsi->limits.negotiated.of;
	struct device *dev = &vscsi->vdev->dev;
	u32 ring_size = virtscsi_vq_ring_size(vscsi);
	u32 needed = vscsi->limits.built_segments + VIRTSCSI_NR_HEADERS +
		     old[VIRTSCSI_PROT_SEG_MAX].value;
	unsigned int i, id;

	for (i = 0; i < ARRAY_SIZE(fixed); i++) {
		id = fixed[i];
		if (new[id].value == old[id].value ||
		    (id == VIRTSCSI_EVENT_SIZE && new[id].value < old[id].value) ||
		    (id == VIRTSCSI_PROT_SEG_MAX && new[id].value > old[id].value))
			continue;
		dev_err(dev, "%s: was %u before the reset, now %u, cannot change while in use\n",
			virtscsi_limit_names[id], old[id].value, new[id].value);
		return false;
	}
	if (ring_size < needed)
		dev_err(dev, "virtqueue of %u entries after the reset is too small, requests need %u\n",
			ring_size, needed);
	return ring_size >= needed;
}

/*
 * Takes the limits that can change while there are LUNs, whose own limits follow
 * when the host is scanned. Requests built before that are sent as they are.
 */
static void host_limits_follow(struct virtscsi *vscsi,
			       const struct virtscsi_limit *new)
{
	static const enum virtscsi_limit_id ids[] = {
		VIRTSCSI_CMD_PER_LUN, VIRTSCSI_SEG_MAX, VIRTSCSI_PROT_SEG_MAX,
		VIRTSCSI_MAX_SECTORS,
	};
	struct virtscsi_limit *of = vscsi->limits.negotiated.of;
	struct Scsi_Host *shost = vscsi->shost;
	unsigned int i, id;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		id = ids[i];
		/*
		 * Without protection segments the SCSI core does not use them;
		 * with one segment its commands have no room for more.
		 */
		if ((id == VIRTSCSI_PROT_SEG_MAX && !of[id].value) ||
		    (id == VIRTSCSI_SEG_MAX && of[id].value < 2))
			continue;
		if (of[id].value != new[id].value)
			dev_notice(&vscsi->vdev->dev, "%s: was %u before the reset, now %u\n",
				   virtscsi_limit_names[id], of[id].value,
				   new[id].value);
		of[id] = new[id];
	}
	vscsi->limits.built_segments = max(vscsi->limits.built_segments,
					   of[VIRTSCSI_SEG_MAX].value);
	shost->cmd_per_lun = min_t(int, shost->can_queue,
				   of[VIRTSCSI_CMD_PER_LUN].value);
	shost->sg_tablesize = of[VIRTSCSI_SEG_MAX].value;
	shost->max_sectors = of[VIRTSCSI_MAX_SECTORS].value;
}

void virtscsi_host_limits_init(struct virtscsi *vscsi)
{
	unsigned int id, value;

	for (id = 0; id < VIRTSCSI_NR_OVERRIDES; id++) {
		value = READ_ONCE(host_limits_params[id]);
		vscsi->limits.overrides[id] =
			value ? max(value, virtscsi_limits_min_override(id)) : 0;
	}
}

/*
 * Negotiates with a device that nobody uses yet (virtio 1.3, 5.6.4 and 5.6.5):
 * the virtqueues are found, DRIVER_OK is not set, the host is not added.
 */
int virtscsi_host_limits_negotiate(struct virtscsi *vscsi)
{
	const struct virtscsi_limit *of = vscsi->limits.negotiated.of;
	u32 nr_polled = virtscsi_vq_nr_polled(vscsi);
	struct device *dev = &vscsi->vdev->dev;
	unsigned int id;
	int err;

	err = host_limits_compute(vscsi, &vscsi->limits.negotiated);
	if (err)
		return err;
	vscsi->limits.built_segments = of[VIRTSCSI_SEG_MAX].value;
	host_limits_set_host(vscsi);

	for (id = 0; id < VIRTSCSI_NR_LIMITS; id++)
		if (of[id].value != of[id].asked)
			dev_info(dev, "%s: device says %u, using %u (%s)\n",
				 virtscsi_limit_names[id], of[id].asked,
				 of[id].value,
				 virtscsi_limit_source_names[of[id].source]);
	dev_info(dev, "%u/0/%u default/read/poll queues\n",
		 virtscsi_vq_nr_requests(vscsi) - nr_polled, nr_polled);
	return 0;
}

/*
 * Negotiates with a device that was reset: the virtqueues are found, DRIVER_OK is
 * not set, the host is added. Returns -EINVAL if a limit changed that cannot.
 */
int virtscsi_host_limits_renegotiate(struct virtscsi *vscsi)
{
	struct virtscsi_limits limits;
	int err;

	err = host_limits_compute(vscsi, &limits);
	if (err)
		return err;
	if (!host_limits_can_follow(vscsi, limits.of))
		return -EINVAL;
	host_limits_follow(vscsi, limits.of);
	return 0;
}

/* The limit in force, override included. */
struct virtscsi_limit virtscsi_host_limits_show(const struct virtscsi *vscsi,
						enum virtscsi_limit_id id)
{
	struct virtscsi_limit limit = vscsi->limits.negotiated.of[id];
	u32 override = id < VIRTSCSI_NR_OVERRIDES ?
		       READ_ONCE(vscsi->limits.overrides[id]) : 0;

	if (override && override < limit.value) {
		limit.value = override;
		limit.source = VIRTSCSI_FROM_OVERRIDE;
	}
	return limit;
}

/* Is @value a valid override where the limit is @max without one? */
int virtscsi_host_limits_check_override(struct device *dev, unsigned int id,
					u32 value, u32 max)
{
	u32 min = virtscsi_limits_min_override(id);

	if (!value || (value >= min && value <= max))
		return 0;
	dev_err(dev, "%s: %u is out of range, valid are %u to %u, or 0 to remove the override\n",
		virtscsi_limit_names[id], value, min, max);
	return -EINVAL;
}

/* The caller lets the LUNs follow. */
int virtscsi_host_limits_override(struct virtscsi *vscsi,
				  enum virtscsi_limit_id id, u32 value)
{
	int err = virtscsi_host_limits_check_override(&vscsi->vdev->dev, id,
						      value,
						      virtscsi_limit(vscsi, id));

	if (!err)
		WRITE_ONCE(vscsi->limits.overrides[id], value);
	return err;
}
