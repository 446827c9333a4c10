// SPDX-License-Identifier: GPL-2.0-or-later
/* The SCSI core does not write to the host template (6.3). */
#include <scsi/scsi_host.h>
struct Scsi_Host *probe(const struct scsi_host_template *sht);
struct Scsi_Host *probe(const struct scsi_host_template *sht)
{
	return scsi_host_alloc(sht, 0);
}
