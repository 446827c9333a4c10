// SPDX-License-Identifier: GPL-2.0-or-later
/* A command says who has submitted it (5.16). */
#include <scsi/scsi_cmnd.h>
int probe(struct scsi_cmnd *cmd);
int probe(struct scsi_cmnd *cmd)
{
	return cmd->submitter == SUBMITTED_BY_SCSI_RESET_IOCTL;
}
