// SPDX-License-Identifier: GPL-2.0-or-later
/* scsi_execute_cmd() replaces scsi_execute() (6.3). */
#include <scsi/scsi_device.h>
int probe(struct scsi_device *sdev, const u8 *cdb, void *buffer);
int probe(struct scsi_device *sdev, const u8 *cdb, void *buffer)
{
	return scsi_execute_cmd(sdev, cdb, REQ_OP_DRV_IN, buffer, 1, 1, 1,
				NULL);
}
