/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes of hosts and LUNs, see sysfs.c.
 */
#ifndef VIRTSCSI_SYSFS_H
#define VIRTSCSI_SYSFS_H

struct attribute_group;

extern const struct attribute_group *virtscsi_sysfs_host_groups[];
extern const struct attribute_group *virtscsi_sysfs_lun_groups[];
void virtscsi_sysfs_module_init(void);

#endif
