/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SCSI core's calls for error handling, see eh.c.
 */
#ifndef VIRTSCSI_EH_H
#define VIRTSCSI_EH_H

#include <linux/types.h>

struct scsi_cmnd;
struct Scsi_Host;

int virtscsi_eh_abort(struct scsi_cmnd *sc);
int virtscsi_eh_reset_lun(struct scsi_cmnd *sc);
int virtscsi_eh_reset_target(struct scsi_cmnd *sc);
int virtscsi_eh_reset_host(struct scsi_cmnd *sc);
int virtscsi_eh_host_reset(struct Scsi_Host *shost, int type);
bool virtscsi_eh_should_retry(struct scsi_cmnd *sc);

#endif
