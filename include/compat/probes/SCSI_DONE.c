// SPDX-License-Identifier: GPL-2.0-or-later
/* scsi_done() is a function, no longer a member of each command (5.16). */
#include <scsi/scsi_cmnd.h>
void probe(struct scsi_cmnd *cmd);
void probe(struct scsi_cmnd *cmd)
{
	scsi_done(cmd);
}
