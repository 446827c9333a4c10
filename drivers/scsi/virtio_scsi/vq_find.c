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

static void vq_control_interrupt(struct virtqueue *vq)
{
	struct virtscsi *vscsi = vq->vdev->priv;

	virtscsi_vq_interrupt(vscsi, &vscsi->vqs.control);
}

static void vq_event_interrupt(struct virtqueue *vq)
{
	struct virtscsi *vscsi = vq->vdev->priv;

	virtscsi_vq_interrupt(vscsi, &vscsi->vqs.event);
}

static void vq_request_interrupt(struct virtqueue *vq)
{
	struct virtscsi *vscsi = vq->vdev->priv;

	virtscsi_vq_interrupt(vscsi, &vscsi->vqs.request[vq->index - VIRTSCSI_VQ_REQUEST]);
}

static void vq_attach(struct virtscsi_vq *vq, struct virtqueue *virtqueue)
{
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	vq->vq = virtqueue;
	spin_unlock_irqrestore(&vq->lock, flags);
}

static void vq_attach_all(struct virtscsi_vqs *vqs, struct virtqueue *found[])
{
	u32 i;

	vq_attach(&vqs->control, found[VIRTSCSI_VQ_CONTROL]);
	vq_attach(&vqs->event, found[VIRTSCSI_VQ_EVENT]);
	for (i = 0; i < vqs->nr_requests; i++)
		vq_attach(&vqs->request[i], found[VIRTSCSI_VQ_REQUEST + i]);
}

static int vq_find(struct virtscsi *vscsi)
{
	struct irq_affinity affinity = { .pre_vectors = VIRTSCSI_VQ_REQUEST };
	struct virtscsi_vqs *vqs = &vscsi->vqs;
	u32 nr_vqs = VIRTSCSI_VQ_REQUEST + vqs->nr_requests;
	struct virtqueue_info *info;
	struct virtqueue **found;
	int err = -ENOMEM;
	u32 i;

	found = kzalloc_objs(*found, nr_vqs);
	info = kzalloc_objs(*info, nr_vqs);
	if (!found || !info)
		goto out;

	info[VIRTSCSI_VQ_CONTROL].name = "control";
	info[VIRTSCSI_VQ_CONTROL].callback = vq_control_interrupt;
	info[VIRTSCSI_VQ_EVENT].name = "event";
	info[VIRTSCSI_VQ_EVENT].callback = vq_event_interrupt;
	for (i = VIRTSCSI_VQ_REQUEST; i < nr_vqs; i++) {
		info[i].name = "request_poll";
		if (i < nr_vqs - vqs->nr_polled) {
			info[i].name = "request";
			info[i].callback = vq_request_interrupt;
		}
	}

	err = virtio_find_vqs(vscsi->vdev, nr_vqs, found, info, &affinity);
	if (!err)
		vq_attach_all(vqs, found);
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
	if (!err || err == -ENOMEM || vqs->nr_requests == 1 || !use_fewer)
		return err;

	dev_warn(&vscsi->vdev->dev, "device lacks some of the %u request queues it announces, using 1\n",
		 vqs->nr_requests);
	vqs->nr_requests = 1;
	vqs->nr_polled = 0;
	return vq_find(vscsi);
}

/*
 * The device is reset or not yet DRIVER_OK, and the virtqueues, if there are any,
 * are stopped and empty.
 */
void virtscsi_vq_release(struct virtscsi *vscsi)
{
	struct virtscsi_vqs *vqs = &vscsi->vqs;
	u32 i;

	if (!vqs->control.vq)
		return;
	vq_attach(&vqs->control, NULL);
	vq_attach(&vqs->event, NULL);
	for (i = 0; i < vqs->nr_requests; i++)
		vq_attach(&vqs->request[i], NULL);
	vscsi->vdev->config->del_vqs(vscsi->vdev);
}

/* Entries of the smallest request virtqueue. */
u32 virtscsi_vq_ring_size(const struct virtscsi *vscsi)
{
	const struct virtscsi_vqs *vqs = &vscsi->vqs;
	u32 size = U32_MAX;
	u32 i;

	for (i = 0; i < vqs->nr_requests; i++)
		size = min(size, virtqueue_get_vring_size(vqs->request[i].vq));
	return size;
}
