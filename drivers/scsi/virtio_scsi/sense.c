// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sense data may say that LUNs came or went, or that the LUN has changed. The table
 * of spc.c has the codes.
 */
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_eh.h>

#include "sense.h"
#include "spc.h"
#include "virtscsi.h"

/*
 * Called before the midlayer has the command, which keeps its LUN. Returns
 * false if the sense data are not valid.
 *
 * Context: any, under RCU.
 */
bool virtscsi_sense_note(struct virtscsi *vscsi, struct scsi_cmnd *sc)
{
	struct scsi_sense_hdr sense;
	unsigned int flags;

	if (!scsi_command_normalize_sense(sc, &sense))
		return false;
	flags = virtscsi_spc_sense(sense.sense_key, sense.asc, sense.ascq);
	if (flags & VIRTSCSI_SENSE_INVENTORY)
		virtscsi_scan_note_attention(vscsi);
	virtscsi_lun_note_sense(sc, flags);
	return true;
}
