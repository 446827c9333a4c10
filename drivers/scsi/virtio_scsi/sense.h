/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sense data, see sense.c.
 */
#ifndef VIRTSCSI_SENSE_H
#define VIRTSCSI_SENSE_H

struct scsi_cmnd;
struct virtscsi;

bool virtscsi_sense_note(struct virtscsi *vscsi, struct scsi_cmnd *sc);

#endif
