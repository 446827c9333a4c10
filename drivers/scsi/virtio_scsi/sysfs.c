// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an administrator sees of an HBA: two groups of attributes below the
 * SCSI host, limits/NAME, the value in force, and limits_source/NAME, the word
 * for what set it. Units are those of enum virtscsi_limit_id.
 */
#include <linux/device.h>
#include <linux/stddef.h>
#include <linux/sysfs.h>

#include "virtscsi.h"

struct limit_attribute {
	struct device_attribute attr;
	enum virtscsi_limit_id id;
};

static const struct virtscsi_limit *sysfs_limit(struct device *dev,
						struct device_attribute *attr)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));

	return &vscsi->limits.of[container_of(attr, struct limit_attribute,
					      attr)->id];
}

static ssize_t limit_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%u\n", sysfs_limit(dev, attr)->value);
}

static ssize_t source_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  virtscsi_limits_source(sysfs_limit(dev, attr)->source));
}

#define LIMIT(_name, _id)						\
	static struct limit_attribute limit_##_name = {			\
		.attr = __ATTR(_name, 0444, limit_show, NULL),		\
		.id = _id,						\
	};								\
	static struct limit_attribute source_##_name = {		\
		.attr = __ATTR(_name, 0444, source_show, NULL),		\
		.id = _id,						\
	}

LIMIT(num_queues, VIRTSCSI_NUM_QUEUES);
LIMIT(can_queue, VIRTSCSI_CAN_QUEUE);
LIMIT(cmd_per_lun, VIRTSCSI_CMD_PER_LUN);
LIMIT(seg_max, VIRTSCSI_SEG_MAX);
LIMIT(prot_seg_max, VIRTSCSI_PROT_SEG_MAX);
LIMIT(max_segment_size, VIRTSCSI_SEGMENT_SIZE);
LIMIT(max_sectors, VIRTSCSI_MAX_SECTORS);
LIMIT(cdb_size, VIRTSCSI_CDB_SIZE);
LIMIT(sense_size, VIRTSCSI_SENSE_SIZE);
LIMIT(event_info_size, VIRTSCSI_EVENT_SIZE);
LIMIT(max_channel, VIRTSCSI_MAX_CHANNEL);
LIMIT(max_target, VIRTSCSI_MAX_TARGET);
LIMIT(max_lun, VIRTSCSI_MAX_LUN);

#define LIMIT_ATTRS(_kind)						\
	static struct attribute *_kind##_attrs[] = {			\
		&_kind##_num_queues.attr.attr,				\
		&_kind##_can_queue.attr.attr,				\
		&_kind##_cmd_per_lun.attr.attr,				\
		&_kind##_seg_max.attr.attr,				\
		&_kind##_prot_seg_max.attr.attr,			\
		&_kind##_max_segment_size.attr.attr,			\
		&_kind##_max_sectors.attr.attr,				\
		&_kind##_cdb_size.attr.attr,				\
		&_kind##_sense_size.attr.attr,				\
		&_kind##_event_info_size.attr.attr,			\
		&_kind##_max_channel.attr.attr,				\
		&_kind##_max_target.attr.attr,				\
		&_kind##_max_lun.attr.attr,				\
		NULL							\
	}

LIMIT_ATTRS(limit);
LIMIT_ATTRS(source);

static const struct attribute_group limits_group = {
	.name = "limits",
	.attrs = limit_attrs,
};

static const struct attribute_group sources_group = {
	.name = "limits_source",
	.attrs = source_attrs,
};

const struct attribute_group *virtscsi_sysfs_host_groups[] = {
	&limits_group,
	&sources_group,
	NULL
};
