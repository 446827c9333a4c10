// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Overrides: what the administrator says of limits that no device can tell.
 *
 * When the module is loaded by its parameter "limits", whose grammar is in
 * override.c, later by sysfs; only downwards, since what the other side cannot
 * do no word of the administrator makes it do. Those of an HBA are kept with the
 * instance and read without a lock, those of a LUN by lun.c.
 */
#include <linux/moduleparam.h>
#include <linux/virtio.h>
#include <scsi/scsi_device.h>

#include "virtscsi.h"

static char admin_text[1024];
static struct kparam_string admin_string = {
	.string = admin_text,
	.maxlen = sizeof(admin_text),
};

static int admin_set(const char *text, const struct kernel_param *param)
{
	struct virtscsi_override override;
	const char *at = text, *next;

	for (; *at && *at != '\n'; at = next) {
		int len = strcspn(at, ",\n");

		next = virtscsi_override_parse(at, &override);
		if (!next) {
			pr_err(KBUILD_MODNAME ": limits: '%.*s' is not [HBA/][TARGET:LUN/]NAME=VALUE with max_sectors or seg_max for NAME\n",
			       len, at);
			return -EINVAL;
		}
		if (!virtscsi_override_is_valid(&override, PAGE_SIZE)) {
			pr_err(KBUILD_MODNAME ": limits: '%.*s': %s is %lu to %u\n", len, at,
			       virtscsi_limits_lun_name(override.id),
			       override.id == VIRTSCSI_LUN_MAX_SECTORS ?
			       PAGE_SIZE >> 9 : 1,
			       virtscsi_override_last(override.id));
			return -EINVAL;
		}
	}
	return param_set_copystring(text, param);
}

static const struct kernel_param_ops admin_ops = {
	.set = admin_set,
	.get = param_get_string,
};

module_param_cb(limits, &admin_ops, &admin_string, 0444);
MODULE_PARM_DESC(limits,
		 "Lower limits: [HBA/][TARGET:LUN/]NAME=VALUE,... with max_sectors or seg_max for NAME");

/**
 * virtscsi_admin_find() - what the module parameter says of a limit
 * @vscsi: instance
 * @wanted: which limit, of which LUN
 *
 * Context: any.
 * Return: its upper bound, or 0 if it says nothing.
 */
u32 virtscsi_admin_find(const struct virtscsi *vscsi,
			const struct virtscsi_override *wanted)
{
	const char *const names[] = {
		dev_name(&vscsi->vdev->dev),
		dev_name(vscsi->vdev->dev.parent),
	};

	return virtscsi_override_find(admin_text, names, ARRAY_SIZE(names),
				      wanted);
}

/**
 * virtscsi_admin_load() - what the module parameter says of an HBA
 * @vscsi: instance
 *
 * Context: process.
 */
void virtscsi_admin_load(struct virtscsi *vscsi)
{
	struct virtscsi_override hba = {};

	for (; hba.id < VIRTSCSI_NR_OVERRIDES; hba.id++)
		vscsi->overrides[hba.id] = virtscsi_admin_find(vscsi, &hba);
}

/* More of it would not say more. */
#define REFUSED_LEN	32

/**
 * virtscsi_admin_read() - read an override that was written to an attribute
 * @dev: HBA or LUN; is told what can be had, if this cannot
 * @id: which limit
 * @text: a decimal number
 * @last: the limit that is in force without an override
 * @value: becomes the override; 0 is none
 *
 * Context: process.
 * Return: 0, or -EINVAL if @text is no number, or one above @last or below what
 *	the block layer accepts.
 */
int virtscsi_admin_read(struct device *dev, enum virtscsi_lun_limit_id id,
			const char *text, u32 last, u32 *value)
{
	u32 first = id == VIRTSCSI_LUN_MAX_SECTORS ? PAGE_SIZE >> 9 : 1;
	int len = min_t(int, strcspn(text, "\n"), REFUSED_LEN);

	if (!kstrtou32(text, 10, value) &&
	    (!*value || (*value >= first && *value <= last)))
		return 0;
	dev_err(dev, "%s: %*pE is not within %u to %u; 0 takes the override away\n",
		virtscsi_limits_lun_name(id), len, text, first, last);
	return -EINVAL;
}

/**
 * virtscsi_admin_hba_limit() - a limit in force on an HBA, override included
 * @vscsi: instance
 * @id: which
 *
 * Context: any.
 * Return: the limit.
 */
struct virtscsi_limit virtscsi_admin_hba_limit(const struct virtscsi *vscsi,
					       enum virtscsi_limit_id id)
{
	struct virtscsi_limit limit = vscsi->limits.of[id];
	u32 override = 0;

	if (id == VIRTSCSI_MAX_SECTORS)
		override = READ_ONCE(vscsi->overrides[VIRTSCSI_LUN_MAX_SECTORS]);
	else if (id == VIRTSCSI_SEG_MAX)
		override = READ_ONCE(vscsi->overrides[VIRTSCSI_LUN_SEG_MAX]);
	if (override && override < limit.value) {
		limit.value = override;
		limit.source = VIRTSCSI_FROM_OVERRIDE;
	}
	return limit;
}

/**
 * virtscsi_admin_override() - the administrator sets an override of an HBA
 * @vscsi: instance
 * @id: which limit
 * @text: its upper bound; 0 takes the override away
 *
 * The LUNs follow before long.
 *
 * Context: process.
 * Return: 0, or -EINVAL as virtscsi_admin_read().
 */
int virtscsi_admin_override(struct virtscsi *vscsi,
			    enum virtscsi_lun_limit_id id, const char *text)
{
	u32 last = virtscsi_limit(vscsi, id == VIRTSCSI_LUN_MAX_SECTORS ?
					 VIRTSCSI_MAX_SECTORS :
					 VIRTSCSI_SEG_MAX);
	struct scsi_device *sdev;
	u32 value;
	int err;

	err = virtscsi_admin_read(&vscsi->vdev->dev, id, text, last, &value);
	if (err)
		return err;
	WRITE_ONCE(vscsi->overrides[id], value);
	shost_for_each_device(sdev, vscsi->shost)
		virtscsi_lun_renegotiate(sdev);
	return 0;
}
