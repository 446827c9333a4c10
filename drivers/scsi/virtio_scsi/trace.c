// SPDX-License-Identifier: GPL-2.0-or-later
/* Instantiates the tracepoints of trace.h. */
#include <scsi/scsi_common.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Key, ASC and ASCQ, 0x052400 for 05/24/00; 0 without sense data. */
u32 virtscsi_trace_sense(const struct scsi_cmnd *sc)
{
	struct scsi_sense_hdr sense = {};

	scsi_normalize_sense(sc->sense_buffer, SCSI_SENSE_BUFFERSIZE, &sense);
	return sense.sense_key << 16 | sense.asc << 8 | sense.ascq;
}
