// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding and releasing the virtqueues of a device, at probe and with each reset.
 */
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "virtscsi.h"

static void vq_attach(struct virtscsi_vq *vq, struct virtqueue *virtqueue)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	vq->seen = 0;
	WRITE_ONCE(vq->vq, virtqueue);
	spin_unlock_irqrestore(&vq->lock, flags);
}

static int vq_find(struct virtscsi *vscsi)
{
	struct irq_affinity affinity = { .pre_vectors = VIRTSCSI_VQ_REQUEST };
	struct virtscsi_vqs *vqs = &vscsi->vqs;
	struct virtqueue_info *info;
	struct virtqueue **found;
	int err = -ENOMEM;
	u32 i;

	found = kzalloc_objs(*found, virtscsi_vq_count(vqs));
	info = kzalloc_objs(*info, virtscsi_vq_count(vqs));
	if (!found || !info)
		goto out;

	for (i = 0; i < virtscsi_vq_count(vqs); i++) {
		info[i].name = "request";
		info[i].callback = virtscsi_vq_interrupt;
	}
	info[VIRTSCSI_VQ_CONTROL].name = "control";
	info[VIRTSCSI_VQ_EVENT].name = "event";
	for (i = virtscsi_vq_count(vqs) - vqs->setup.nr_polled; i < virtscsi_vq_count(vqs); i++) {
		info[i].name = "request_poll";
		info[i].callback = NULL;
	}

	err = virtio_find_vqs(vscsi->vdev, virtscsi_vq_count(vqs), found, info, &affinity);
	for (i = 0; !err && i < virtscsi_vq_count(vqs); i++)
		vq_attach(&vqs->of[i], found[i]);
out:
	kfree(info);
	kfree(found);
	return err;
}

/*
 * Implements virtio 1.3, 5.6.2 and 5.6.5. The device is not yet DRIVER_OK. With
 * use_fewer, a device that lacks some of the request virtqueues gets one. Returns
 * 0, -ENOMEM, or the error of the transport.
 */
int virtscsi_vq_find(struct virtscsi *vscsi, bool use_fewer)
{
	struct virtscsi_vqs *vqs = &vscsi->vqs;
	int err = vq_find(vscsi);

	/* Transports differ in the error for a virtqueue that does not exist. */
	if (!err || err == -ENOMEM || vqs->setup.nr_requests == 1 || !use_fewer)
		return err;

	dev_warn(&vscsi->vdev->dev, "device lacks some of the %u request queues it announces, using 1\n",
		 vqs->setup.nr_requests);
	vqs->setup.nr_requests = 1;
	vqs->setup.nr_polled = 0;
	return vq_find(vscsi);
}

/*
 * The device is reset or not yet DRIVER_OK, and the virtqueues, if there are any,
 * are stopped and empty.
 */
void virtscsi_vq_release(struct virtscsi *vscsi)
{
	u32 i;

	if (!vscsi->vqs.of[VIRTSCSI_VQ_CONTROL].vq)
		return;
	for (i = 0; i < virtscsi_vq_count(&vscsi->vqs); i++)
		vq_attach(&vscsi->vqs.of[i], NULL);
	/* See virtscsi_vq_poll(). */
	synchronize_rcu();
	vscsi->vdev->config->del_vqs(vscsi->vdev);
}

/* Entries of the smallest request virtqueue. */
u32 virtscsi_vq_ring_size(struct virtscsi *vscsi)
{
	u32 i, size = U32_MAX;

	for (i = 0; i < vscsi->vqs.setup.nr_requests; i++)
		size = min(size, virtqueue_get_vring_size(virtscsi_vq_request(vscsi, i)->vq));
	return size;
}
