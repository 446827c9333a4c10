/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The newest kernel's interfaces, for older kernels.
 *
 * Included before everything else when the driver is built out of tree. Each
 * shim is for one probe in probes/: a few lines that compile only where the
 * kernel has the interface. What the kernel version is nobody asks, since
 * distributions backport. The driver itself knows nothing of this file.
 */
#ifndef VIRTSCSI_COMPAT_H
#define VIRTSCSI_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#ifndef HAVE_QC_STATUS
/* A negative member makes the compiler take int, which was the type before. */
enum scsi_qc_status {
	VIRTSCSI_COMPAT_QC_STATUS_IS_INT = -1,
};
#endif

#ifndef HAVE_TIMEOUT_ACTION
/* BLK_EH_DONE serves both: the SCSI core looks whether the command is done. */
#define scsi_timeout_action	blk_eh_timer_return
#define SCSI_EH_DONE		BLK_EH_DONE
#define SCSI_EH_RESET_TIMER	BLK_EH_RESET_TIMER
#define SCSI_EH_NOT_HANDLED	BLK_EH_DONE
#endif

#ifndef HAVE_SDEV_INIT
#define sdev_init slave_alloc
#endif

#ifndef HAVE_SDEV_CONFIGURE
#ifdef HAVE_DEVICE_CONFIGURE
#define sdev_configure device_configure
#else
#define sdev_configure slave_configure
#define virtscsi_lun_configure(_sdev, _lim) virtscsi_lun_configure(_sdev)
#endif
#endif

#ifndef HAVE_CONST_TEMPLATE
/* The SCSI core writes to the template, so give it a copy. */
static inline struct Scsi_Host *
virtscsi_compat_host_alloc(const struct scsi_host_template *sht, int size)
{
	static struct scsi_host_template copy;

	if (!copy.module)
		copy = *sht;
	return scsi_host_alloc(&copy, size);
}

#define scsi_host_alloc virtscsi_compat_host_alloc
#endif

#ifndef HAVE_FIND_VQS_INFO
#include <linux/slab.h>

struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
	bool ctx;
};

static inline int
virtscsi_compat_find_vqs(struct virtio_device *vdev, unsigned int nr,
			 struct virtqueue *vqs[], struct virtqueue_info info[],
			 struct irq_affinity *affinity)
{
	vq_callback_t **callbacks = kcalloc(nr, sizeof(*callbacks), GFP_KERNEL);
	const char **names = kcalloc(nr, sizeof(*names), GFP_KERNEL);
	int err = -ENOMEM;
	unsigned int i;

	if (callbacks && names) {
		for (i = 0; i < nr; i++) {
			callbacks[i] = info[i].callback;
			names[i] = info[i].name;
		}
		err = virtio_find_vqs(vdev, nr, vqs, callbacks, names,
				      affinity);
	}
	kfree(names);
	kfree(callbacks);
	return err;
}

#define virtio_find_vqs virtscsi_compat_find_vqs
#endif

#ifndef HAVE_MAP_HW_QUEUES
#include <linux/blk-mq-virtio.h>

static inline void blk_mq_map_hw_queues(struct blk_mq_queue_map *map,
					struct device *dev, unsigned int offset)
{
	blk_mq_virtio_map_queues(map, dev_to_virtio(dev), offset);
}
#endif

#ifndef HAVE_NUM_POSSIBLE_QUEUES
#include <linux/cpumask.h>
#include <linux/crash_dump.h>

static inline unsigned int blk_mq_num_possible_queues(unsigned int max_queues)
{
	unsigned int nr = is_kdump_kernel() ? 1 : num_possible_cpus();

	return min_not_zero(nr, max_queues);
}
#endif

#ifndef HAVE_SCSI_EXECUTE_CMD
/* In the one form that the driver needs: read, no sense data wanted. */
#define scsi_execute_cmd(_sdev, _cdb, _op, _buffer, _len, _timeout, _retries, \
			 _args)						\
	scsi_execute(_sdev, _cdb, DMA_FROM_DEVICE, _buffer, _len, NULL, NULL, \
		     _timeout, _retries, 0, 0, NULL)
#endif

#ifndef HAVE_DEVICE_RESET
/*
 * Suspend and resume reset the device too, and call the driver by the same
 * two functions.
 */
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef CONFIG_PM_SLEEP
#define virtio_device_reset_done	virtio_device_restore

#define reset_prepare	freeze
#define reset_done	restore
#else
#define virtio_device_reset_done(_vdev) ((void)(_vdev), -EOPNOTSUPP)

/*
 * Where nothing suspends (s390), struct virtio_driver has no room for the
 * two functions. The initializer puts them into a member of the same type
 * that this driver has no use for, and that is emptied again.
 */
#define reset_prepare	validate
#define reset_done	validate

static inline int virtscsi_compat_register(struct virtio_driver *driver)
{
	driver->validate = NULL;
	return register_virtio_driver(driver);
}

#undef register_virtio_driver
#define register_virtio_driver virtscsi_compat_register
#endif
#endif

#endif
