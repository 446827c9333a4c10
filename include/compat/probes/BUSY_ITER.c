// SPDX-License-Identifier: GPL-2.0-or-later
/* scsi_host_busy_iter() calls a function of two arguments (6.0). */
#include <scsi/scsi_host.h>
void probe(struct Scsi_Host *shost,
	   bool (*fn)(struct scsi_cmnd *cmd, void *data));
void probe(struct Scsi_Host *shost,
	   bool (*fn)(struct scsi_cmnd *cmd, void *data))
{
	scsi_host_busy_iter(shost, fn, NULL);
}
