// SPDX-License-Identifier: GPL-2.0-or-later
/* scsi_rescan_device() returns an error or 0 (6.6). */
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>
int probe(void *device);
int probe(void *device)
{
	return scsi_rescan_device(device);
}
