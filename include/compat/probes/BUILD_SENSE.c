// SPDX-License-Identifier: GPL-2.0-or-later
/* scsi_build_sense() sets the result as well (5.14). */
#include <scsi/scsi_cmnd.h>
void probe(struct scsi_cmnd *cmd);
void probe(struct scsi_cmnd *cmd)
{
	scsi_build_sense(cmd, 0, 0, 0, 0);
}
