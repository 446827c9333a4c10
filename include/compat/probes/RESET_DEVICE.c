// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio_reset_device() calls the transport (5.17). */
#include <linux/virtio.h>
#include <linux/virtio_config.h>
void probe(struct virtio_device *vdev);
void probe(struct virtio_device *vdev)
{
	virtio_reset_device(vdev);
}
