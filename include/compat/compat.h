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
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_eh.h>
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

#ifndef HAVE_BLK_OPF
#define blk_opf_t unsigned int
#endif

#ifndef HAVE_RESET_DEVICE
static inline void virtscsi_compat_reset_device(struct virtio_device *vdev)
{
	vdev->config->reset(vdev);
}

#define virtio_reset_device virtscsi_compat_reset_device
#endif

#ifndef HAVE_SCSI_DONE
static inline void virtscsi_compat_done(struct scsi_cmnd *cmd)
{
	cmd->scsi_done(cmd);
}

#define scsi_done virtscsi_compat_done
#endif

#ifndef HAVE_BUILD_SENSE
static inline void virtscsi_compat_build_sense(struct scsi_cmnd *cmd, int desc,
					       u8 key, u8 asc, u8 ascq)
{
	scsi_build_sense_buffer(desc, cmd->sense_buffer, key, asc, ascq);
	cmd->result = SAM_STAT_CHECK_CONDITION;
}

#define scsi_build_sense virtscsi_compat_build_sense
#endif

#ifndef HAVE_DEVICE_BUSY
#define scsi_device_busy(_sdev) atomic_read(&(_sdev)->device_busy)
#endif

#ifndef HAVE_SUBMITTER
/*
 * Nobody tells the driver of what the error handler submits. The driver asks for
 * the sake of polled queues, which these kernels do not have.
 */
#define submitter allowed
#define SUBMITTED_BY_SCSI_ERROR_HANDLER	INT_MIN
#define SUBMITTED_BY_SCSI_RESET_IOCTL	(INT_MIN + 1)
#endif

#ifndef HAVE_NR_MAPS
#define nr_maps tag_set.nr_maps
#endif

#ifndef HAVE_VPD_PGB0
/* The SCSI core does not keep page B0h, so let the driver find none: it asks itself. */
#define vpd_pg0 quiesced_by
#define vpd_pgb0 vpd_pg80
#endif

#ifndef HAVE_QUEUE_DISK
/* Who has the disk cannot be found out, and limits are lowered for the device mapper, too. */
#undef CONFIG_DM_MULTIPATH
#undef CONFIG_DM_MULTIPATH_MODULE
#endif

#ifndef HAVE_HOLDER_OPS
/* Set by a file system as well. */
#define bd_holder_ops bd_super
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

#ifndef HAVE_HOST_TEMPLATE
/* What the driver sets, in today's types. */
struct virtscsi_compat_template {
	struct module *module;
	const char *name;
	const char *proc_name;
	int this_id;
	unsigned int cmd_size;
	int (*init_cmd_priv)(struct Scsi_Host *shost, struct scsi_cmnd *cmd);
	int (*queuecommand)(struct Scsi_Host *shost, struct scsi_cmnd *cmd);
	void (*commit_rqs)(struct Scsi_Host *shost, u16 hwq);
	int (*mq_poll)(struct Scsi_Host *shost, unsigned int hwq);
	void (*map_queues)(struct Scsi_Host *shost);
	enum scsi_timeout_action (*eh_timed_out)(struct scsi_cmnd *cmd);
	bool (*eh_should_retry_cmd)(struct scsi_cmnd *cmd);
	int (*eh_abort_handler)(struct scsi_cmnd *cmd);
	int (*eh_device_reset_handler)(struct scsi_cmnd *cmd);
	int (*eh_target_reset_handler)(struct scsi_cmnd *cmd);
	int (*eh_host_reset_handler)(struct scsi_cmnd *cmd);
	int (*host_reset)(struct Scsi_Host *shost, int type);
	int (*sdev_init)(struct scsi_device *sdev);
	int (*sdev_configure)(struct scsi_device *sdev);
	void (*sdev_destroy)(struct scsi_device *sdev);
	int (*change_queue_depth)(struct scsi_device *sdev, int depth);
	bool track_queue_depth;
	bool skip_settle_delay;
	unsigned long dma_boundary;
	const struct attribute_group **shost_groups;
	const struct attribute_group **sdev_groups;
};

void virtscsi_cmd_map_queues(struct Scsi_Host *shost);

static inline int virtscsi_compat_map_queues(struct Scsi_Host *shost)
{
#ifdef HAVE_NR_MAPS
	virtscsi_cmd_map_queues(shost);
#else
	struct blk_mq_queue_map *map = &shost->tag_set.map[HCTX_TYPE_POLL];

	/* The block layer has no such map. Queues set apart for polling stay unused. */
	map->mq_map = kcalloc(nr_cpu_ids, sizeof(*map->mq_map), GFP_KERNEL);
	if (!map->mq_map)
		return -ENOMEM;
	virtscsi_cmd_map_queues(shost);
	kfree(map->mq_map);
	map->mq_map = NULL;
#endif
	return 0;
}

static inline struct Scsi_Host *
virtscsi_compat_host_alloc(const struct virtscsi_compat_template *sht, int size)
{
	static const struct attribute_group *groups[8];
	static struct scsi_host_template copy;
	struct Scsi_Host *shost;
	unsigned int i, n = 0;

	copy = (struct scsi_host_template) {
		.module = sht->module,
		.name = sht->name,
		.proc_name = sht->proc_name,
		.this_id = sht->this_id,
		.cmd_size = sht->cmd_size,
		.init_cmd_priv = sht->init_cmd_priv,
		.queuecommand = sht->queuecommand,
		.commit_rqs = sht->commit_rqs,
#ifdef HAVE_NR_MAPS
		.mq_poll = sht->mq_poll,
		.eh_should_retry_cmd = sht->eh_should_retry_cmd,
#endif
		.map_queues = virtscsi_compat_map_queues,
		.eh_timed_out = sht->eh_timed_out,
		.eh_abort_handler = sht->eh_abort_handler,
		.eh_device_reset_handler = sht->eh_device_reset_handler,
		.eh_target_reset_handler = sht->eh_target_reset_handler,
		.eh_host_reset_handler = sht->eh_host_reset_handler,
		.host_reset = sht->host_reset,
		.sdev_init = sht->sdev_init,
		.sdev_configure = sht->sdev_configure,
		.sdev_destroy = sht->sdev_destroy,
		.change_queue_depth = sht->change_queue_depth,
		.track_queue_depth = sht->track_queue_depth,
		.skip_settle_delay = sht->skip_settle_delay,
		.dma_boundary = sht->dma_boundary,
		.sdev_groups = sht->sdev_groups,
	};
	shost = scsi_host_alloc(&copy, size);
	if (!shost)
		return NULL;
	/* The device's groups are the SCSI core's own; the driver's follow. */
	for (i = 0; shost->shost_dev.groups && shost->shost_dev.groups[i]; i++)
		groups[n++] = shost->shost_dev.groups[i];
	for (i = 0; sht->shost_groups[i]; i++)
		groups[n++] = sht->shost_groups[i];
	groups[n] = NULL;
	shost->shost_dev.groups = groups;
	return shost;
}

#define scsi_host_template virtscsi_compat_template
#define scsi_host_alloc virtscsi_compat_host_alloc
#elif !defined(HAVE_CONST_TEMPLATE)
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
