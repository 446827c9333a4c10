// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio-scsi: guest driver for the virtual SCSI host adapter (virtio 1.3, 5.6).
 *
 * Probe follows virtio 1.3, 3.1.1: read the configuration, find the virtqueues,
 * negotiate the limits, set DRIVER_OK, and only then show the host to anybody.
 * Removal goes the same way back.
 */
#include <linux/blk-mq.h>
#include <linux/module.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_scsi.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#include "eh.h"
#include "sysfs.h"
#include "virtscsi.h"

/* modprobe.d files use this name for the in-tree driver. */
static unsigned int virtscsi_poll_queues;
module_param(virtscsi_poll_queues, uint, 0644);
MODULE_PARM_DESC(virtscsi_poll_queues,
		 "Request virtqueues reserved for polled I/O (default 0; at least one keeps its interrupt)");

static const struct scsi_host_template main_template = {
	.module			 = THIS_MODULE,
	.name			 = "Virtio SCSI HBA",
	.proc_name		 = "virtio_scsi",
	.this_id		 = -1,
	.cmd_size		 = sizeof(struct virtscsi_cmd),
	.init_cmd_priv		 = virtscsi_cmd_init_priv,
	.queuecommand		 = virtscsi_cmd_queue,
	.commit_rqs		 = virtscsi_cmd_commit,
	.mq_poll		 = virtscsi_cmd_poll,
	.map_queues		 = virtscsi_cmd_map_queues,
	.eh_timed_out		 = virtscsi_recovery_timed_out,
	.eh_should_retry_cmd	 = virtscsi_eh_should_retry,
	.eh_abort_handler	 = virtscsi_eh_abort,
	.eh_device_reset_handler = virtscsi_eh_reset_lun,
	.eh_target_reset_handler = virtscsi_eh_reset_target,
	.eh_host_reset_handler	 = virtscsi_eh_reset_host,
	.host_reset		 = virtscsi_eh_host_reset,
	.sdev_init		 = virtscsi_lun_alloc,
	.sdev_configure		 = virtscsi_lun_configure,
	.sdev_destroy		 = virtscsi_lun_free,
	.change_queue_depth	 = virtscsi_lun_change_depth,
	.track_queue_depth	 = 1,
	.dma_boundary		 = UINT_MAX,
	/* After a reset the device is running again. */
	.skip_settle_delay	 = 1,
	.shost_groups		 = virtscsi_sysfs_host_groups,
	.sdev_groups		 = virtscsi_sysfs_lun_groups,
};

static void main_setup(struct virtscsi *vscsi, u32 nr_queues)
{
	struct virtscsi_vq_setup setup = {
		.nr_requests = nr_queues,
		.nr_polled = min(READ_ONCE(virtscsi_poll_queues), nr_queues - 1),
		.control = &virtscsi_tmf_vq_ops,
		.event = &virtscsi_event_vq_ops,
		.request = &virtscsi_cmd_vq_ops,
	};

	virtscsi_reset_init(vscsi, &setup);
	virtscsi_vq_init(vscsi, &setup);
	virtscsi_tmf_init(vscsi, virtscsi_recovery_tmf_done);
	vscsi->cmds.late = virtscsi_recovery_late;
	virtscsi_inflight_init(vscsi);
	virtscsi_event_init(vscsi);
	virtscsi_scan_init(vscsi);
	virtscsi_ladder_init(vscsi);
	virtscsi_recovery_init(vscsi);
	virtscsi_host_limits_init(vscsi);
}

static struct virtscsi *main_alloc(struct virtio_device *vdev)
{
	struct virtscsi_config config;
	struct Scsi_Host *shost;
	struct virtscsi *vscsi;
	u32 nr_queues;
	int err;

	if (!vdev->config->get) {
		dev_err(&vdev->dev, "transport has no access to the configuration space\n");
		return ERR_PTR(-EINVAL);
	}
	err = virtscsi_host_limits_read_config(vdev, &config);
	if (err)
		return ERR_PTR(err);

	nr_queues = virtscsi_limits_nr_queues(&config,
					      blk_mq_num_possible_queues(0)).value;
	shost = scsi_host_alloc(&main_template,
				struct_size(vscsi, vqs.of,
					    VIRTSCSI_VQ_REQUEST + nr_queues));
	if (!shost)
		return ERR_PTR(-ENOMEM);

	vscsi = shost_priv(shost);
	vscsi->vdev = vdev;
	vscsi->shost = shost;
	vscsi->is_le = virtio_is_little_endian(vdev);
	vscsi->has_pi = IS_ENABLED(CONFIG_BLK_DEV_INTEGRITY) &&
			virtio_has_feature(vdev, VIRTIO_SCSI_F_T10_PI);
	vdev->priv = vscsi;
	main_setup(vscsi, nr_queues);
	return vscsi;
}

/* Undoes as much of probe as was done; the host is removed or was never added. */
static void main_undo(struct virtscsi *vscsi)
{
	virtscsi_reset_exit(vscsi);
	virtscsi_recovery_exit(vscsi);
	virtscsi_event_exit(vscsi);
	virtscsi_scan_exit(vscsi);
	virtscsi_tags_exit(vscsi);
	scsi_host_put(vscsi->shost);
}

static int main_probe(struct virtio_device *vdev)
{
	struct virtscsi *vscsi;
	int err;

	vscsi = main_alloc(vdev);
	if (IS_ERR(vscsi))
		return PTR_ERR(vscsi);

	err = virtscsi_vq_find(vscsi, true);
	if (err)
		goto out;
	err = virtscsi_host_limits_negotiate(vscsi);
	if (err)
		goto out;
	err = virtscsi_tags_init(vscsi);
	if (err)
		goto out;
	err = virtscsi_event_alloc(vscsi);
	if (err)
		goto out;
	err = virtscsi_lun_init(vscsi, virtscsi_recovery_is_stuck,
				virtscsi_scan_gone);
	if (err)
		goto out;

	/* Whoever sees the host may scan it, so it must work by then. */
	virtscsi_reset_start(vscsi);
	err = scsi_add_host_with_dma(vscsi->shost, &vdev->dev,
				     vdev->dev.parent);
	if (err)
		goto out;

	virtscsi_debugfs_init(vscsi);
	virtscsi_event_post(vscsi);
	scsi_scan_host(vscsi->shost);
	return 0;

out:
	main_undo(vscsi);
	return err;
}

/*
 * scsi_remove_host() would do this, too, and then free the tags, by which
 * recovery.c finds the commands that a LUN is waiting for. The references of
 * shost_for_each_device() cannot be had while the module goes.
 */
static void main_remove_luns(struct Scsi_Host *shost)
{
	struct scsi_device *sdev;

restart:
	spin_lock_irq(shost->host_lock);
	__shost_for_each_device(sdev, shost) {
		if (sdev->sdev_state == SDEV_DEL)
			continue;
		get_device(&sdev->sdev_gendev);
		spin_unlock_irq(shost->host_lock);
		scsi_remove_device(sdev);
		put_device(&sdev->sdev_gendev);
		goto restart;
	}
	spin_unlock_irq(shost->host_lock);
}

static void main_remove(struct virtio_device *vdev)
{
	struct virtscsi *vscsi = vdev->priv;

	virtscsi_reset_begin_removal(vscsi);
	virtscsi_event_stop(vscsi);
	virtscsi_scan_stop(vscsi);
	virtscsi_debugfs_exit(vscsi);
	main_remove_luns(vscsi->shost);
	virtscsi_inflight_close(vscsi);
	scsi_remove_host(vscsi->shost);
	main_undo(vscsi);
}

static const struct virtio_device_id main_ids[] = {
	{ VIRTIO_ID_SCSI, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, main_ids);

static const unsigned int main_features[] = {
	VIRTIO_SCSI_F_HOTPLUG,
	VIRTIO_SCSI_F_CHANGE,
#ifdef CONFIG_BLK_DEV_INTEGRITY
	VIRTIO_SCSI_F_T10_PI,
#endif
};

static struct virtio_driver main_driver = {
	.driver.name		= KBUILD_MODNAME,
	.id_table		= main_ids,
	.feature_table		= main_features,
	.feature_table_size	= ARRAY_SIZE(main_features),
	.probe			= main_probe,
	.remove			= main_remove,
	.config_changed		= virtscsi_reset_config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze			= virtscsi_reset_prepare,
	.restore		= virtscsi_reset_done,
#endif
	.reset_prepare		= virtscsi_reset_prepare,
	.reset_done		= virtscsi_reset_done,
};

static int __init main_module_init(void)
{
	int err;

	virtscsi_sysfs_module_init();
	virtscsi_debugfs_module_init();
	err = virtscsi_reset_module_init();
	if (err)
		goto out_debugfs;
	err = virtscsi_lun_module_init();
	if (err)
		goto out_reset;
	err = register_virtio_driver(&main_driver);
	if (err)
		goto out_lun;
	return 0;

out_lun:
	virtscsi_lun_module_exit();
out_reset:
	virtscsi_reset_module_exit();
out_debugfs:
	virtscsi_debugfs_module_exit();
	return err;
}

static void __exit main_module_exit(void)
{
	unregister_virtio_driver(&main_driver);
	virtscsi_lun_module_exit();
	virtscsi_reset_module_exit();
	virtscsi_debugfs_module_exit();
}

module_init(main_module_init);
module_exit(main_module_exit);

MODULE_AUTHOR("The virtio-scsi maintainers");
MODULE_DESCRIPTION("virtio-scsi HBA driver that takes its limits from the device");
MODULE_LICENSE("GPL");
