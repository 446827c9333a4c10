// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device and the driver agree on: the configuration is read, the sizes
 * that are the driver's are written, the limits computed and handed to the SCSI
 * core.
 *
 * That happens at probe and again after each reset, when there are LUNs: then
 * some limits are followed, and others keep the device from coming back.
 *
 * No lock of its own: nobody else knows the instance at probe, and later the
 * caller holds life. What a limit comes to is in limits.c.
 */
#include <linux/blk-mq.h>
#include <linux/dma-mapping.h>
#include <linux/kernel.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <scsi/scsi.h>
#include <scsi/scsi_host.h>

#include "trace.h"
#include "virtscsi.h"

/* A configuration that changes while it is read, over and over, is a fault. */
#define CONFIG_ATTEMPTS	16

static u32 negotiate_generation(struct virtio_device *vdev)
{
	return vdev->config->generation ? vdev->config->generation(vdev) : 0;
}

/**
 * virtscsi_negotiate_read() - read the configuration
 * @vdev: virtio device
 * @config: what it says
 *
 * All fields under one generation of the configuration (virtio 1.3, 2.5.1).
 *
 * Context: process.
 * Return: 0, or -EIO if it changed over and over.
 */
int virtscsi_negotiate_read(struct virtio_device *vdev,
			    struct virtscsi_config *config)
{
	unsigned int attempt;
	u32 generation;

	for (attempt = 0; attempt < CONFIG_ATTEMPTS; attempt++) {
		generation = negotiate_generation(vdev);
		virtio_cread(vdev, struct virtio_scsi_config, num_queues,
			     &config->num_queues);
		virtio_cread(vdev, struct virtio_scsi_config, seg_max,
			     &config->seg_max);
		virtio_cread(vdev, struct virtio_scsi_config, max_sectors,
			     &config->max_sectors);
		virtio_cread(vdev, struct virtio_scsi_config, cmd_per_lun,
			     &config->cmd_per_lun);
		virtio_cread(vdev, struct virtio_scsi_config, event_info_size,
			     &config->event_info_size);
		virtio_cread(vdev, struct virtio_scsi_config, sense_size,
			     &config->sense_size);
		virtio_cread(vdev, struct virtio_scsi_config, cdb_size,
			     &config->cdb_size);
		virtio_cread(vdev, struct virtio_scsi_config, max_channel,
			     &config->max_channel);
		virtio_cread(vdev, struct virtio_scsi_config, max_target,
			     &config->max_target);
		virtio_cread(vdev, struct virtio_scsi_config, max_lun,
			     &config->max_lun);
		if (generation == negotiate_generation(vdev))
			return 0;
	}
	dev_err(&vdev->dev, "the configuration changed %u times while it was read\n",
		CONFIG_ATTEMPTS);
	return -EIO;
}

/*
 * A device may refuse a change, and some break when they are written to for
 * nothing. What counts is what is read afterwards (virtio 1.3, 5.6.4).
 */
static void negotiate_write_sizes(struct virtio_device *vdev,
				  const struct virtscsi_config *config)
{
	u32 cdb_size = VIRTIO_SCSI_CDB_DEFAULT_SIZE;
	u32 sense_size = VIRTIO_SCSI_SENSE_DEFAULT_SIZE;

	if (config->cdb_size != cdb_size)
		virtio_cwrite(vdev, struct virtio_scsi_config, cdb_size,
			      &cdb_size);
	if (config->sense_size != sense_size)
		virtio_cwrite(vdev, struct virtio_scsi_config, sense_size,
			      &sense_size);
}

static void negotiate_report(struct virtscsi *vscsi)
{
	struct device *dev = &vscsi->vdev->dev;
	unsigned int id;

	for (id = 0; id < VIRTSCSI_NR_LIMITS; id++) {
		const struct virtscsi_limit *limit = &vscsi->limits.of[id];

		if (limit->value != limit->asked)
			dev_info(dev, "%s: the device says %u, using %u (%s)\n",
				 virtscsi_limits_name(id), limit->asked,
				 limit->value,
				 virtscsi_limits_source(limit->source));
	}
	dev_info(dev, "%u/0/%u default/read/poll queues, %u commands each, %u segments, %u KiB\n",
		 vscsi->nr_queues - vscsi->nr_poll_queues,
		 vscsi->nr_poll_queues,
		 virtscsi_limit(vscsi, VIRTSCSI_CAN_QUEUE),
		 virtscsi_limit(vscsi, VIRTSCSI_SEG_MAX),
		 virtscsi_limit(vscsi, VIRTSCSI_MAX_SECTORS) / 2);
}

static void negotiate_trace(struct virtscsi *vscsi,
			    const struct virtscsi_limits *limits)
{
	unsigned int id;

	for (id = 0; id < VIRTSCSI_NR_LIMITS; id++)
		trace_virtscsi_limits(vscsi, NULL, virtscsi_limits_name(id),
				      &limits->of[id],
				      virtscsi_limits_source(limits->of[id].source));
}

/* Virtqueues are found, DRIVER_OK is not set. */
static int negotiate_limits(struct virtscsi *vscsi,
			    struct virtscsi_limits *limits)
{
	struct virtio_device *vdev = vscsi->vdev;
	struct virtscsi_facts facts = {
		.ring_size = virtscsi_vq_ring_size(vscsi),
		.has_indirect = virtio_has_feature(vdev,
						   VIRTIO_RING_F_INDIRECT_DESC),
		.has_pi = vscsi->has_pi,
		.nr_cpus = blk_mq_num_possible_queues(0),
		.nr_queues = vscsi->nr_queues,
		.page_size = PAGE_SIZE,
		.nr_segments = SG_MAX_SEGMENTS,
		.queue_depth = BLK_MQ_MAX_DEPTH,
		.segment_size = virtio_max_dma_size(vdev),
		.transfer_size = dma_max_mapping_size(vdev->dev.parent),
	};
	struct virtscsi_config config;
	int err;

	err = virtscsi_negotiate_read(vdev, &config);
	if (err)
		return err;
	negotiate_write_sizes(vdev, &config);
	err = virtscsi_negotiate_read(vdev, &config);
	if (err)
		return err;

	err = virtscsi_limits_compute(limits, &config, &facts);
	if (err)
		dev_err(&vdev->dev, "a virtqueue of %u entries cannot carry a command with data\n",
			facts.ring_size);
	else
		negotiate_trace(vscsi, limits);
	return err;
}

static void negotiate_set_host_limits(struct virtscsi *vscsi)
{
	struct Scsi_Host *shost = vscsi->shost;

	shost->nr_hw_queues = vscsi->nr_queues;
	shost->nr_maps = vscsi->nr_poll_queues ? HCTX_TYPE_POLL + 1 : 1;
	shost->can_queue = virtscsi_limit(vscsi, VIRTSCSI_CAN_QUEUE);
	shost->cmd_per_lun = virtscsi_limit(vscsi, VIRTSCSI_CMD_PER_LUN);
	shost->sg_tablesize = virtscsi_limit(vscsi, VIRTSCSI_SEG_MAX);
	vscsi->most_segments = shost->sg_tablesize;
	/*
	 * The SCSI core insists on no fewer than sg_tablesize, whenever a LUN is
	 * found, and that can change under its hands. The bound is set for each
	 * LUN, by lun.c.
	 */
	shost->sg_prot_tablesize = SG_MAX_SEGMENTS;
	shost->max_segment_size = virtscsi_limit(vscsi, VIRTSCSI_SEGMENT_SIZE);
	shost->max_sectors = virtscsi_limit(vscsi, VIRTSCSI_MAX_SECTORS);
	shost->max_cmd_len = virtscsi_limit(vscsi, VIRTSCSI_CDB_SIZE);
	shost->max_channel = virtscsi_limit(vscsi, VIRTSCSI_MAX_CHANNEL);
	shost->max_id = virtscsi_limit(vscsi, VIRTSCSI_MAX_TARGET) + 1;
	/* As far as the REPORT LUNS well-known one; lun.c knows the gaps. */
	shost->max_lun = SCSI_W_LUN_REPORT_LUNS + 1;

	if (!virtscsi_limit(vscsi, VIRTSCSI_PROT_SEG_MAX))
		return;
	scsi_host_set_prot(shost,
			   SHOST_DIF_TYPE1_PROTECTION |
			   SHOST_DIF_TYPE2_PROTECTION |
			   SHOST_DIF_TYPE3_PROTECTION |
			   SHOST_DIX_TYPE1_PROTECTION |
			   SHOST_DIX_TYPE2_PROTECTION |
			   SHOST_DIX_TYPE3_PROTECTION);
	scsi_host_set_guard(shost, SHOST_DIX_GUARD_CRC);
}

/*
 * Can we go on with what the device negotiates after a reset? The sizes on the
 * wire are those of the slab cache, the event buffers have their length, and
 * the block layer holds requests that were built for older limits: the rings
 * must have room for the largest. Protection segments are counted one by one.
 */
static const char *negotiate_obstacle(struct virtscsi *vscsi,
				      const struct virtscsi_limits *new)
{
	const struct virtscsi_limits *old = &vscsi->limits;

	if (new->of[VIRTSCSI_CDB_SIZE].value != old->of[VIRTSCSI_CDB_SIZE].value)
		return "another CDB size";
	if (new->of[VIRTSCSI_SENSE_SIZE].value != old->of[VIRTSCSI_SENSE_SIZE].value)
		return "another sense size";
	if (new->of[VIRTSCSI_EVENT_SIZE].value > old->of[VIRTSCSI_EVENT_SIZE].value)
		return "longer events";
	if (new->of[VIRTSCSI_PROT_SEG_MAX].value < old->of[VIRTSCSI_PROT_SEG_MAX].value)
		return "fewer segments for protection information";
	if (virtscsi_vq_ring_size(vscsi) < vscsi->most_segments +
	    old->of[VIRTSCSI_PROT_SEG_MAX].value + VIRTSCSI_NR_HEADERS)
		return "smaller virtqueues";
	return NULL;
}

/*
 * The limits that can change while there are LUNs. Those of each LUN follow
 * when the host is scanned after the reset; until then, what was built for the
 * old limits is sent as it is.
 */
static void negotiate_follow(struct virtscsi *vscsi,
			     const struct virtscsi_limits *new)
{
	static const enum virtscsi_limit_id ids[] = {
		VIRTSCSI_CMD_PER_LUN, VIRTSCSI_SEG_MAX, VIRTSCSI_PROT_SEG_MAX,
		VIRTSCSI_MAX_SECTORS,
	};
	struct Scsi_Host *shost = vscsi->shost;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		struct virtscsi_limit *limit = &vscsi->limits.of[ids[i]];

		/*
		 * The SCSI core was told that there is no room for any, or has
		 * set up its commands for a single segment.
		 */
		if ((ids[i] == VIRTSCSI_PROT_SEG_MAX && !limit->value) ||
		    (ids[i] == VIRTSCSI_SEG_MAX && limit->value < 2))
			continue;
		if (limit->value != new->of[ids[i]].value)
			dev_notice(&vscsi->vdev->dev, "%s: was %u before the reset, now %u\n",
				   virtscsi_limits_name(ids[i]), limit->value,
				   new->of[ids[i]].value);
		*limit = new->of[ids[i]];
	}
	vscsi->most_segments = max(vscsi->most_segments,
				   virtscsi_limit(vscsi, VIRTSCSI_SEG_MAX));
	shost->cmd_per_lun = min_t(int, shost->can_queue,
				   virtscsi_limit(vscsi, VIRTSCSI_CMD_PER_LUN));
	shost->sg_tablesize = virtscsi_limit(vscsi, VIRTSCSI_SEG_MAX);
	shost->max_sectors = virtscsi_limit(vscsi, VIRTSCSI_MAX_SECTORS);
}

/**
 * virtscsi_negotiate_first() - agree with a device that nobody has used yet
 * @vscsi: instance, not added to the SCSI core; its virtqueues are found,
 *	DRIVER_OK is not set
 *
 * Implements virtio 1.3, 5.6.4 and 5.6.5.
 *
 * Context: process.
 * Return: 0, -EIO if the configuration cannot be read, -EINVAL if the
 *	virtqueues are too short for a command with data.
 */
int virtscsi_negotiate_first(struct virtscsi *vscsi)
{
	int err = negotiate_limits(vscsi, &vscsi->limits);

	if (err)
		return err;
	negotiate_report(vscsi);
	negotiate_set_host_limits(vscsi);
	return 0;
}

/**
 * virtscsi_negotiate_again() - agree with a device that was reset
 * @vscsi: instance, added to the SCSI core; its virtqueues are found, DRIVER_OK
 *	is not set
 *
 * Context: process; life is held.
 * Return: as virtscsi_negotiate_first(), or -EINVAL if the device came back with
 *	sizes that cannot be followed.
 */
int virtscsi_negotiate_again(struct virtscsi *vscsi)
{
	struct virtscsi_limits limits;
	const char *obstacle;
	int err;

	err = negotiate_limits(vscsi, &limits);
	if (err)
		return err;
	obstacle = negotiate_obstacle(vscsi, &limits);
	if (obstacle) {
		dev_err(&vscsi->vdev->dev, "the device came back with %s\n",
			obstacle);
		return -EINVAL;
	}
	negotiate_follow(vscsi, &limits);
	return 0;
}
