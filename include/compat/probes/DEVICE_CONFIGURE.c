// SPDX-License-Identifier: GPL-2.0-or-later
/* device_configure() takes queue limits (6.10 to 6.13). */
#include <scsi/scsi_host.h>
int probe(struct scsi_host_template *sht, struct scsi_device *sdev,
	  struct queue_limits *lim);
int probe(struct scsi_host_template *sht, struct scsi_device *sdev,
	  struct queue_limits *lim)
{
	return sht->device_configure(sdev, lim);
}
