// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of each SCSI host and of each LUN, see
 * Documentation/ABI/testing/sysfs-driver-virtio-scsi. Names and units of limits
 * are those of limits.h. Numbers are parsed here; their owners check the range.
 */
#include <linux/device.h>
#include <linux/init.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>
#include <scsi/scsi_device.h>

#include "sysfs.h"
#include "virtscsi.h"

enum limit_part { LIMIT_VALUE, LIMIT_SOURCE, LIMIT_ASKED };

struct limit_attribute {
	struct device_attribute attr;
	enum limit_part part;
	unsigned int id;	/* enum virtscsi_limit_id */
};

#define to_limit_attribute(_attr) \
	container_of(_attr, struct limit_attribute, attr)

static void sysfs_query(struct device *dev)
{
	struct scsi_device *sdev;

	if (scsi_is_sdev_device(dev)) {
		virtscsi_lun_schedule(to_scsi_device(dev), VIRTSCSI_LUN_FORCE,
				      false);
		return;
	}
	shost_for_each_device(sdev, class_to_shost(dev))
		virtscsi_lun_schedule(sdev, VIRTSCSI_LUN_FORCE, false);
}

static ssize_t limit_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	const struct limit_attribute *this = to_limit_attribute(attr);
	struct virtscsi_limit limit;

	if (scsi_is_sdev_device(dev))
		limit = virtscsi_lun_limits_show(to_scsi_device(dev), this->id);
	else
		limit = virtscsi_host_limits_show(shost_priv(class_to_shost(dev)),
						  this->id);
	if (this->part == LIMIT_SOURCE)
		return sysfs_emit(buf, "%s\n",
				  virtscsi_limit_source_names[limit.source]);
	return sysfs_emit(buf, "%u\n",
			  this->part == LIMIT_ASKED ? limit.asked : limit.value);
}

static ssize_t limit_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t len)
{
	unsigned int id = to_limit_attribute(attr)->id;
	u32 value;
	int err;

	err = kstrtou32(buf, 10, &value);
	if (err)
		return err;
	if (scsi_is_sdev_device(dev))
		return virtscsi_lun_limits_override(to_scsi_device(dev), id,
						    value) ?: len;
	err = virtscsi_host_limits_override(shost_priv(class_to_shost(dev)), id,
					    value);
	if (err)
		return err;
	sysfs_query(dev);
	return len;
}

static ssize_t renegotiate_store(struct device *dev,
				 struct device_attribute *attr,
				 const char *buf, size_t len)
{
	sysfs_query(dev);
	return len;
}
static DEVICE_ATTR_WO(renegotiate);

/* An attribute for each limit, by id; in limits/ also renegotiate. */
static struct limit_group {
	struct attribute_group group;
	struct limit_attribute limits[VIRTSCSI_NR_LIMITS];
	struct attribute *attrs[VIRTSCSI_NR_LIMITS + 2];
} host_limits, host_sources, host_asked, lun_limits, lun_sources;

const struct attribute_group *virtscsi_sysfs_host_groups[] = {
	&host_limits.group,
	&host_sources.group,
	&host_asked.group,
	&virtscsi_ladder_group,
	NULL
};

const struct attribute_group *virtscsi_sysfs_lun_groups[] = {
	&lun_limits.group,
	&lun_sources.group,
	NULL
};

static void __init sysfs_fill(struct limit_group *group, enum limit_part part,
			      unsigned int nr)
{
	static const char * const part_names[] = {
		[LIMIT_VALUE] = "limits",
		[LIMIT_SOURCE] = "limits_source",
		[LIMIT_ASKED] = "limits_asked",
	};
	unsigned int id;

	group->group.name = part_names[part];
	group->group.attrs = group->attrs;
	for (id = 0; id < nr; id++) {
		struct limit_attribute *limit = &group->limits[id];
		bool is_rw = part == LIMIT_VALUE && id < VIRTSCSI_NR_OVERRIDES;

		limit->attr.attr.name = virtscsi_limit_names[id];
		limit->attr.attr.mode = is_rw ? 0644 : 0444;
		limit->attr.show = limit_show;
		limit->attr.store = is_rw ? limit_store : NULL;
		limit->part = part;
		limit->id = id;
		group->attrs[id] = &limit->attr.attr;
	}
	if (part == LIMIT_VALUE)
		group->attrs[nr] = &dev_attr_renegotiate.attr;
}

void __init virtscsi_sysfs_module_init(void)
{
	sysfs_fill(&host_limits, LIMIT_VALUE, VIRTSCSI_NR_LIMITS);
	sysfs_fill(&host_sources, LIMIT_SOURCE, VIRTSCSI_NR_LIMITS);
	sysfs_fill(&host_asked, LIMIT_ASKED, VIRTSCSI_NR_LIMITS);
	sysfs_fill(&lun_limits, LIMIT_VALUE, VIRTSCSI_NR_OVERRIDES);
	sysfs_fill(&lun_sources, LIMIT_SOURCE, VIRTSCSI_NR_OVERRIDES);
}
