// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an administrator sees of an HBA: two groups of attributes below the
 * SCSI host, limits/NAME, the value in force, and limits_source/NAME, the word
 * for what set it. Units are those of enum virtscsi_limit_id.
 */
#include <linux/device.h>
#include <linux/init.h>
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

static struct limit_attribute limits[VIRTSCSI_NR_LIMITS];
static struct limit_attribute sources[VIRTSCSI_NR_LIMITS];
static struct attribute *limits_attrs[VIRTSCSI_NR_LIMITS + 1];
static struct attribute *sources_attrs[VIRTSCSI_NR_LIMITS + 1];

static const struct attribute_group limits_group = {
	.name = "limits",
	.attrs = limits_attrs,
};

static const struct attribute_group sources_group = {
	.name = "limits_source",
	.attrs = sources_attrs,
};

const struct attribute_group *virtscsi_sysfs_host_groups[] = {
	&limits_group,
	&sources_group,
	NULL
};

static void sysfs_fill(struct limit_attribute of[], struct attribute *attrs[],
		       ssize_t (*show)(struct device *dev,
				       struct device_attribute *attr, char *buf))
{
	unsigned int id;

	for (id = 0; id < VIRTSCSI_NR_LIMITS; id++) {
		of[id].id = id;
		of[id].attr.attr.name = virtscsi_limits_name(id);
		of[id].attr.attr.mode = 0444;
		of[id].attr.show = show;
		attrs[id] = &of[id].attr.attr;
	}
}

/**
 * virtscsi_sysfs_init() - make an attribute of each limit that limits.c names
 *
 * Context: process, before the first host.
 */
void __init virtscsi_sysfs_init(void)
{
	sysfs_fill(limits, limits_attrs, limit_show);
	sysfs_fill(sources, sources_attrs, source_show);
}
