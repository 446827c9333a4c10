// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an administrator sees: below each SCSI host and each of its LUNs two
 * groups of attributes, limits/NAME, the value in force, and
 * limits_source/NAME, the word for what set it. Units are those of enum
 * virtscsi_limit_id and enum virtscsi_lun_limit_id.
 */
#include <linux/device.h>
#include <linux/init.h>
#include <linux/stddef.h>
#include <linux/sysfs.h>
#include <scsi/scsi_device.h>

#include "virtscsi.h"

/* An attribute of an HBA, whose id is that of enum virtscsi_limit_id, or of a LUN. */
struct limit_attribute {
	struct device_attribute attr;
	unsigned int id;
	struct virtscsi_limit (*get)(struct device *dev, unsigned int id);
};

static struct virtscsi_limit host_get(struct device *dev, unsigned int id)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));

	return vscsi->limits.of[id];
}

static struct virtscsi_limit lun_get(struct device *dev, unsigned int id)
{
	return virtscsi_lun_limit(to_scsi_device(dev), id);
}

static struct virtscsi_limit sysfs_limit(struct device *dev,
					 struct device_attribute *attr)
{
	struct limit_attribute *limit =
		container_of(attr, struct limit_attribute, attr);

	return limit->get(dev, limit->id);
}

static ssize_t limit_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%u\n", sysfs_limit(dev, attr).value);
}

static ssize_t source_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  virtscsi_limits_source(sysfs_limit(dev, attr).source));
}

#define LIMIT_GROUPS(_prefix, _nr, ...)					\
static struct limit_attribute _prefix##_limits[_nr];			\
static struct limit_attribute _prefix##_sources[\
	ARRAY_SIZE(_prefix##_limits)];					\
static struct attribute *_prefix##_limits_attrs[\
	ARRAY_SIZE(_prefix##_limits) + 1];				\
static struct attribute *_prefix##_sources_attrs[\
	ARRAY_SIZE(_prefix##_limits) + 1];				\
									\
static const struct attribute_group _prefix##_limits_group = {		\
	.name = "limits",						\
	.attrs = _prefix##_limits_attrs,				\
};									\
									\
static const struct attribute_group _prefix##_sources_group = {	\
	.name = "limits_source",					\
	.attrs = _prefix##_sources_attrs,				\
};									\
									\
const struct attribute_group *virtscsi_sysfs_##_prefix##_groups[] = {	\
	&_prefix##_limits_group,					\
	&_prefix##_sources_group, ##__VA_ARGS__,			\
	NULL								\
}

LIMIT_GROUPS(host, VIRTSCSI_NR_LIMITS, &virtscsi_recovery_group);
LIMIT_GROUPS(lun, VIRTSCSI_NR_LUN_LIMITS);

static void sysfs_fill(struct limit_attribute *of, struct attribute **attrs,
		       const char *name,
		       struct virtscsi_limit (*get)(struct device *dev,
						    unsigned int id),
		       ssize_t (*show)(struct device *dev,
				       struct device_attribute *attr, char *buf),
		       unsigned int id)
{
	of[id].id = id;
	of[id].get = get;
	of[id].attr.attr.name = name;
	of[id].attr.attr.mode = 0444;
	of[id].attr.show = show;
	attrs[id] = &of[id].attr.attr;
}

/**
 * virtscsi_sysfs_init() - make an attribute of each limit that limits.c names
 *
 * Context: process, before the first host.
 */
void __init virtscsi_sysfs_init(void)
{
	unsigned int id;

	for (id = 0; id < VIRTSCSI_NR_LIMITS; id++) {
		sysfs_fill(host_limits, host_limits_attrs,
			   virtscsi_limits_name(id), host_get, limit_show, id);
		sysfs_fill(host_sources, host_sources_attrs,
			   virtscsi_limits_name(id), host_get, source_show, id);
	}
	for (id = 0; id < VIRTSCSI_NR_LUN_LIMITS; id++) {
		sysfs_fill(lun_limits, lun_limits_attrs,
			   virtscsi_limits_lun_name(id), lun_get, limit_show, id);
		sysfs_fill(lun_sources, lun_sources_attrs,
			   virtscsi_limits_lun_name(id), lun_get, source_show, id);
	}
}
