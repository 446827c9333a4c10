// SPDX-License-Identifier: GPL-2.0-or-later
/* slave_alloc() is called sdev_init() (6.14). */
#include <scsi/scsi_host.h>
int probe(struct scsi_host_template *sht, struct scsi_device *sdev);
int probe(struct scsi_host_template *sht, struct scsi_device *sdev)
{
	return sht->sdev_init(sdev);
}
