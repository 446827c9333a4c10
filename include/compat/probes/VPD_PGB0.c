// SPDX-License-Identifier: GPL-2.0-or-later
/* The SCSI core keeps VPD page B0h (5.18). */
#include <scsi/scsi_device.h>
const void *probe(struct scsi_device *sdev);
const void *probe(struct scsi_device *sdev)
{
	return rcu_dereference(sdev->vpd_pgb0);
}
