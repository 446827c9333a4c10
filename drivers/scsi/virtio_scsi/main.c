// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio-scsi: the guest's driver for the virtual SCSI host adapter
 * (virtio 1.3, 5.6).
 *
 * This file makes it a module: which devices, which features, loading and
 * unloading. The life of an instance is in device.c.
 */
#include <linux/module.h>
#include <linux/virtio.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_scsi.h>

#include "virtscsi.h"

static const struct virtio_device_id id_table[] = {
	{ VIRTIO_ID_SCSI, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, id_table);

static const unsigned int features[] = {
	VIRTIO_SCSI_F_HOTPLUG,
	VIRTIO_SCSI_F_CHANGE,
#ifdef CONFIG_BLK_DEV_INTEGRITY
	VIRTIO_SCSI_F_T10_PI,
#endif
};

static struct virtio_driver virtscsi_driver = {
	.driver.name		= KBUILD_MODNAME,
	.id_table		= id_table,
	.feature_table		= features,
	.feature_table_size	= ARRAY_SIZE(features),
	.probe			= virtscsi_device_probe,
	.remove			= virtscsi_device_remove,
	.config_changed		= virtscsi_device_config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze			= virtscsi_device_quiesce,
	.restore		= virtscsi_device_resume,
#endif
	.reset_prepare		= virtscsi_device_quiesce,
	.reset_done		= virtscsi_device_resume,
};

static int __init virtscsi_main_init(void)
{
	int err;

	virtscsi_sysfs_init();
	virtscsi_debugfs_init();
	err = virtscsi_tmf_init();
	if (err)
		goto out_debugfs;
	err = virtscsi_recovery_setup();
	if (err)
		goto out_tmf;
	err = virtscsi_lun_setup();
	if (err)
		goto out_recovery;
	err = register_virtio_driver(&virtscsi_driver);
	if (err)
		goto out_lun;
	return 0;

out_lun:
	virtscsi_lun_teardown();
out_recovery:
	virtscsi_recovery_teardown();
out_tmf:
	virtscsi_tmf_exit();
out_debugfs:
	virtscsi_debugfs_exit();
	return err;
}

static void __exit virtscsi_main_exit(void)
{
	unregister_virtio_driver(&virtscsi_driver);
	virtscsi_lun_teardown();
	virtscsi_recovery_teardown();
	virtscsi_tmf_exit();
	virtscsi_slow_exit();
	virtscsi_debugfs_exit();
}

module_init(virtscsi_main_init);
module_exit(virtscsi_main_exit);

MODULE_DESCRIPTION("virtio-scsi HBA driver that takes its limits from the device");
MODULE_LICENSE("GPL");
