// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an administrator sees and sets: below each SCSI host and each of its
 * LUNs two groups of attributes, limits/NAME, the value in force, and
 * limits_source/NAME, the word for what set it; below a host limits_asked/NAME
 * too, what the device asked for. Units are those of enum virtscsi_limit_id and
 * enum virtscsi_lun_limit_id. What can be overridden can be written to;
 * limits/renegotiate has the LUNs asked anew.
 */
#include <linux/device.h>
#include <linux/init.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_proto.h>

#include "virtscsi.h"

/* An attribute of an HBA, whose id is that of enum virtscsi_limit_id, or of a LUN. */
struct limit_attribute {
	struct device_attribute attr;
	unsigned int id;
	struct virtscsi_limit (*get)(struct device *dev, unsigned int id);
	int (*set)(struct device *dev, unsigned int id, const char *text);
};

static struct virtscsi_limit host_get(struct device *dev, unsigned int id)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));

	return virtscsi_admin_hba_limit(vscsi, id);
}

static int host_set(struct device *dev, unsigned int id, const char *text)
{
	struct virtscsi *vscsi = shost_priv(class_to_shost(dev));

	return virtscsi_admin_override(vscsi, id == VIRTSCSI_MAX_SECTORS ?
				       VIRTSCSI_LUN_MAX_SECTORS :
				       VIRTSCSI_LUN_SEG_MAX, text);
}

static struct virtscsi_limit lun_get(struct device *dev, unsigned int id)
{
	return virtscsi_lun_limit(to_scsi_device(dev), id);
}

static int lun_set(struct device *dev, unsigned int id, const char *text)
{
	return virtscsi_lun_override(to_scsi_device(dev), id, text);
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

static ssize_t limit_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t len)
{
	struct limit_attribute *limit =
		container_of(attr, struct limit_attribute, attr);

	return limit->set(dev, limit->id, buf) ?: len;
}

static ssize_t source_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  virtscsi_limits_source(sysfs_limit(dev, attr).source));
}

static ssize_t asked_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%u\n", sysfs_limit(dev, attr).asked);
}

static ssize_t host_renegotiate(struct device *dev,
				struct device_attribute *attr,
				const char *buf, size_t len)
{
	struct scsi_device *sdev;

	shost_for_each_device(sdev, class_to_shost(dev))
		virtscsi_lun_renegotiate_now(sdev);
	return len;
}

static ssize_t lun_renegotiate(struct device *dev,
			       struct device_attribute *attr,
			       const char *buf, size_t len)
{
	virtscsi_lun_renegotiate_now(to_scsi_device(dev));
	return len;
}

static ssize_t refused_sectors_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  virtscsi_learn_refused(to_scsi_device(dev)));
}

static struct device_attribute host_renegotiate_attr =
	__ATTR(renegotiate, 0200, NULL, host_renegotiate);
static struct device_attribute lun_renegotiate_attr =
	__ATTR(renegotiate, 0200, NULL, lun_renegotiate);
static DEVICE_ATTR_RO(refused_sectors);

/* Only tapes have blocks that are not the block layer's. */
static umode_t limit_is_visible(struct kobject *kobj, struct attribute *attr,
				int index)
{
	const char *name = virtscsi_limits_lun_name(VIRTSCSI_LUN_MAX_BLOCK);

	if (strcmp(attr->name, name) ||
	    to_scsi_device(kobj_to_dev(kobj))->type == TYPE_TAPE)
		return attr->mode;
	return 0;
}

/* Behind the limits themselves. */
#define NR_MORE_ATTRS	2

#define LIMIT_GROUPS(_prefix, _nr, ...)					\
static struct limit_attribute _prefix##_limits[_nr];			\
static struct limit_attribute _prefix##_sources[\
	ARRAY_SIZE(_prefix##_limits)];					\
static struct attribute *_prefix##_limits_attrs[\
	ARRAY_SIZE(_prefix##_limits) + NR_MORE_ATTRS + 1];		\
static struct attribute *_prefix##_sources_attrs[\
	ARRAY_SIZE(_prefix##_limits) + 1];				\
									\
static const struct attribute_group _prefix##_limits_group = {		\
	.name = "limits",						\
	.attrs = _prefix##_limits_attrs,				\
	.is_visible = limit_is_visible,					\
};									\
									\
static const struct attribute_group _prefix##_sources_group = {	\
	.name = "limits_source",					\
	.attrs = _prefix##_sources_attrs,				\
	.is_visible = limit_is_visible,					\
};									\
									\
const struct attribute_group *virtscsi_sysfs_##_prefix##_groups[] = {	\
	&_prefix##_limits_group,					\
	&_prefix##_sources_group, ##__VA_ARGS__,			\
	NULL								\
}

static struct limit_attribute host_asked[VIRTSCSI_NR_LIMITS];
static struct attribute *host_asked_attrs[VIRTSCSI_NR_LIMITS + 1];

static const struct attribute_group host_asked_group = {
	.name = "limits_asked",
	.attrs = host_asked_attrs,
};

LIMIT_GROUPS(host, VIRTSCSI_NR_LIMITS, &host_asked_group,
	     &virtscsi_recovery_group);
LIMIT_GROUPS(lun, VIRTSCSI_NR_LUN_LIMITS);

static void sysfs_fill(struct limit_attribute *of, struct attribute **attrs,
		       const char *name, unsigned int id,
		       struct virtscsi_limit (*get)(struct device *dev,
						    unsigned int id))
{
	of[id].id = id;
	of[id].get = get;
	of[id].attr.attr.name = name;
	of[id].attr.attr.mode = 0444;
	attrs[id] = &of[id].attr.attr;
}

static void sysfs_allow(struct limit_attribute *limit,
			int (*set)(struct device *dev, unsigned int id,
				   const char *text))
{
	limit->attr.attr.mode = 0644;
	limit->attr.store = limit_store;
	limit->set = set;
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
		const char *name = virtscsi_limits_name(id);

		sysfs_fill(host_limits, host_limits_attrs, name, id, host_get);
		sysfs_fill(host_sources, host_sources_attrs, name, id, host_get);
		sysfs_fill(host_asked, host_asked_attrs, name, id, host_get);
		host_limits[id].attr.show = limit_show;
		host_asked[id].attr.show = asked_show;
		host_sources[id].attr.show = source_show;
	}
	host_limits_attrs[id] = &host_renegotiate_attr.attr;
	sysfs_allow(&host_limits[VIRTSCSI_MAX_SECTORS], host_set);
	sysfs_allow(&host_limits[VIRTSCSI_SEG_MAX], host_set);

	for (id = 0; id < VIRTSCSI_NR_LUN_LIMITS; id++) {
		const char *name = virtscsi_limits_lun_name(id);

		sysfs_fill(lun_limits, lun_limits_attrs, name, id, lun_get);
		sysfs_fill(lun_sources, lun_sources_attrs, name, id, lun_get);
		lun_limits[id].attr.show = limit_show;
		lun_sources[id].attr.show = source_show;
	}
	lun_limits_attrs[id] = &lun_renegotiate_attr.attr;
	lun_limits_attrs[id + 1] = &dev_attr_refused_sectors.attr;
	for (id = 0; id < VIRTSCSI_NR_OVERRIDES; id++)
		sysfs_allow(&lun_limits[id], lun_set);
}
