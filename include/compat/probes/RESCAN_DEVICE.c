// SPDX-License-Identifier: GPL-2.0-or-later
/* scsi_rescan_device() takes a SCSI device, not its struct device (6.6). */
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>
void probe(struct scsi_device *sdev);
void probe(struct scsi_device *sdev)
{
	scsi_rescan_device(sdev);
}
