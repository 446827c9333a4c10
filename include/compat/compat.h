/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The newest kernel's interfaces, for older kernels.
 *
 * Included before everything else when the driver is built out of tree. Each
 * shim is for one probe in probes/: a few lines that compile only where the
 * kernel has the interface. A shim has a name of its own, for a kernel may
 * declare what it does not export. What the kernel version is nobody asks, since
 * distributions backport. The driver itself knows nothing of this file.
 */
#ifndef VIRTSCSI_COMPAT_H
#define VIRTSCSI_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/cache.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

/* Once the name was some architectures' own. */
#ifndef ARCH_DMA_MINALIGN
#define ARCH_DMA_MINALIGN __alignof__(unsigned long long)
#endif

/* Before 6.5 no flag says just this; a cache that kmemleak is to ignore is not merged. */
#ifndef SLAB_NO_MERGE
#define SLAB_NO_MERGE SLAB_NOLEAKTRACE
#endif

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
#define sdev_destroy slave_destroy
#endif

#if !defined(HAVE_QUEUE_LIMITS_UPDATE) || \
	(!defined(HAVE_SDEV_CONFIGURE) && !defined(HAVE_DEVICE_CONFIGURE))
#include <linux/blkdev.h>

/*
 * Limits were set one by one, the queue's sysfs_lock keeping those who do it
 * through sysfs apart. Of all of them these are what the driver changes.
 */
static inline void virtscsi_compat_set_limits(struct request_queue *q,
					      const struct queue_limits *lim)
{
	unsigned int max_sectors = q->limits.max_sectors;
	bool is_chosen;

	/*
	 * This puts the default in place of what an administrator has chosen,
	 * which is found out by having it do so for the limit as it is.
	 */
	blk_queue_max_hw_sectors(q, q->limits.max_hw_sectors);
	is_chosen = q->limits.max_sectors != max_sectors;
	blk_queue_max_hw_sectors(q, lim->max_hw_sectors);
	if (is_chosen)
		q->limits.max_sectors = min(q->limits.max_sectors, max_sectors);
	blk_queue_max_segments(q, lim->max_segments);
	q->limits.max_integrity_segments = lim->max_integrity_segments;
	blk_queue_io_opt(q, lim->io_opt);
}
#endif

#ifndef HAVE_QUEUE_LIMITS_UPDATE
static inline struct queue_limits
virtscsi_compat_start_update(struct request_queue *q)
{
	mutex_lock(&q->sysfs_lock);
	return q->limits;
}

#define queue_limits_start_update virtscsi_compat_start_update

static inline void virtscsi_compat_cancel_update(struct request_queue *q)
{
	mutex_unlock(&q->sysfs_lock);
}

#define queue_limits_cancel_update virtscsi_compat_cancel_update

static inline int virtscsi_compat_commit_update(struct request_queue *q,
						struct queue_limits *lim)
{
	virtscsi_compat_set_limits(q, lim);
	mutex_unlock(&q->sysfs_lock);
	return 0;
}

#define queue_limits_commit_update virtscsi_compat_commit_update
#endif

#ifndef HAVE_COMMIT_UPDATE_FROZEN
static inline int virtscsi_compat_commit_frozen(struct request_queue *q,
						struct queue_limits *lim)
{
#ifdef HAVE_FREEZE_MEMFLAGS
	unsigned int memflags = blk_mq_freeze_queue(q);
	int err = queue_limits_commit_update(q, lim);

	blk_mq_unfreeze_queue(q, memflags);
#else
	int err;

	blk_mq_freeze_queue(q);
	err = queue_limits_commit_update(q, lim);
	blk_mq_unfreeze_queue(q);
#endif
	return err;
}

#define queue_limits_commit_update_frozen virtscsi_compat_commit_frozen
#endif

#ifndef HAVE_SDEV_CONFIGURE
#ifdef HAVE_DEVICE_CONFIGURE
#define sdev_configure device_configure
#else
int virtscsi_lun_configure_lim(struct scsi_device *sdev,
			       struct queue_limits *lim);

/* The limits were the queue's own and not handed over. */
static inline int virtscsi_lun_configure(struct scsi_device *sdev)
{
	struct queue_limits lim = sdev->request_queue->limits;
	int err = virtscsi_lun_configure_lim(sdev, &lim);

	if (!err)
		virtscsi_compat_set_limits(sdev->request_queue, &lim);
	return err;
}

/* Not where the name stands alone, as in the host template. */
#define virtscsi_lun_configure(_sdev, _lim) \
	virtscsi_lun_configure_lim(_sdev, _lim)
#define sdev_configure slave_configure
#endif
#endif

#if !defined(HAVE_RESCAN_DEVICE) || !defined(HAVE_RESCAN_STATUS)
static inline int virtscsi_compat_rescan_device(struct scsi_device *sdev)
{
#ifdef HAVE_RESCAN_DEVICE
	scsi_rescan_device(sdev);
#else
	scsi_rescan_device(&sdev->sdev_gendev);
#endif
	return 0;
}

#define scsi_rescan_device virtscsi_compat_rescan_device
#endif

#ifndef HAVE_BUSY_ITER
struct virtscsi_compat_iter {
	bool (*fn)(struct scsi_cmnd *cmd, void *data);
	void *data;
};

static inline bool virtscsi_compat_busy(struct scsi_cmnd *cmd, void *data,
					bool is_reserved)
{
	struct virtscsi_compat_iter *iter = data;

	return iter->fn(cmd, iter->data);
}

static inline void
virtscsi_compat_busy_iter(struct Scsi_Host *shost,
			  bool (*fn)(struct scsi_cmnd *cmd, void *data),
			  void *data)
{
	struct virtscsi_compat_iter iter = { .fn = fn, .data = data };

	scsi_host_busy_iter(shost, virtscsi_compat_busy, &iter);
}

#define scsi_host_busy_iter virtscsi_compat_busy_iter
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

#ifndef HAVE_KZALLOC_OBJ
#include <linux/slab.h>

#undef kzalloc_obj
#undef kzalloc_objs
#undef kvzalloc_objs
#define virtscsi_compat_gfp(_unused, _gfp, ...) _gfp
#define virtscsi_compat_default_gfp(...) \
	virtscsi_compat_gfp(0, ##__VA_ARGS__, GFP_KERNEL)
#define kzalloc_obj(_object, ...) \
	kzalloc(sizeof(_object), virtscsi_compat_default_gfp(__VA_ARGS__))
#define kzalloc_objs(_object, _nr, ...) \
	kcalloc(_nr, sizeof(_object), virtscsi_compat_default_gfp(__VA_ARGS__))
#define kvzalloc_objs(_object, _nr, ...) \
	kvcalloc(_nr, sizeof(_object), virtscsi_compat_default_gfp(__VA_ARGS__))
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

static inline void virtscsi_compat_map_hw_queues(struct blk_mq_queue_map *map,
						 struct device *dev,
						 unsigned int offset)
{
	blk_mq_virtio_map_queues(map, dev_to_virtio(dev), offset);
}

#define blk_mq_map_hw_queues virtscsi_compat_map_hw_queues
#endif

#ifndef HAVE_NUM_POSSIBLE_QUEUES
#include <linux/cpumask.h>
#include <linux/crash_dump.h>

static inline unsigned int virtscsi_compat_num_queues(unsigned int max_queues)
{
	unsigned int nr = is_kdump_kernel() ? 1 : num_possible_cpus();

	return min_not_zero(nr, max_queues);
}

#define blk_mq_num_possible_queues virtscsi_compat_num_queues
#endif

#ifndef HAVE_SCSI_EXECUTE_CMD
struct scsi_exec_args {
	struct scsi_sense_hdr *sshdr;
};

/* In the form that the driver needs: read, and perhaps a look at the sense data. */
static inline int
virtscsi_compat_execute_cmd(struct scsi_device *sdev, const u8 *cdb,
			    blk_opf_t opf, void *buffer, unsigned int len,
			    int timeout, int retries,
			    const struct scsi_exec_args *args)
{
	return scsi_execute(sdev, cdb, DMA_FROM_DEVICE, buffer, len, NULL,
			    args ? args->sshdr : NULL, timeout, retries,
			    opf & ~REQ_OP_MASK, 0, NULL);
}

#define scsi_execute_cmd virtscsi_compat_execute_cmd
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
/*
 * Where nothing suspends (s390), the virtio core has no such function, and
 * struct virtio_driver no room for the driver's two. The initializer puts
 * them into a member of the same type that this driver has no use for, and
 * that is emptied again.
 */
int virtscsi_reset_done(struct virtio_device *vdev);

static inline int virtio_device_reset_done(struct virtio_device *vdev)
{
	int err;

	virtio_reset_device(vdev);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_DRIVER);
	err = vdev->config->finalize_features(vdev);
	if (!err && virtio_has_feature(vdev, VIRTIO_F_VERSION_1)) {
		virtio_add_status(vdev, VIRTIO_CONFIG_S_FEATURES_OK);
		if (!(vdev->config->get_status(vdev) &
		      VIRTIO_CONFIG_S_FEATURES_OK))
			err = -ENODEV;
	}
	if (!err)
		err = virtscsi_reset_done(vdev);
	if (err)
		virtio_add_status(vdev, VIRTIO_CONFIG_S_FAILED);
	return err;
}

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
