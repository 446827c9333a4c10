/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of an HBA, see host_limits.c.
 */
#ifndef VIRTSCSI_HOST_LIMITS_H
#define VIRTSCSI_HOST_LIMITS_H

#include "limits.h"

struct device;
struct virtio_device;
struct virtscsi;

struct virtscsi_host_limits {
	/* With the device; written at probe and while the device is reset. */
	struct virtscsi_limits negotiated;
	/* The administrator's upper bounds, 0 for none; read without a lock. */
	u32 overrides[VIRTSCSI_NR_OVERRIDES];
	/* The most data segments a request may have, of all negotiations. */
	u32 built_segments;
};

int virtscsi_host_limits_read_config(struct virtio_device *vdev,
				     struct virtscsi_config *config);
void virtscsi_host_limits_init(struct virtscsi *vscsi);
int virtscsi_host_limits_negotiate(struct virtscsi *vscsi);
int virtscsi_host_limits_renegotiate(struct virtscsi *vscsi);
struct virtscsi_limit virtscsi_host_limits_show(const struct virtscsi *vscsi,
						enum virtscsi_limit_id id);
/* For @id < VIRTSCSI_NR_OVERRIDES. */
int virtscsi_host_limits_override(struct virtscsi *vscsi,
				  enum virtscsi_limit_id id, u32 value);
int virtscsi_host_limits_check_override(struct device *dev, unsigned int id,
					u32 value, u32 max);

#endif
