// SPDX-License-Identifier: GPL-2.0-or-later
/* scsi_device_busy() counts the commands of a LUN (5.13). */
#include <scsi/scsi_device.h>
int probe(struct scsi_device *sdev);
int probe(struct scsi_device *sdev)
{
	return scsi_device_busy(sdev);
}
