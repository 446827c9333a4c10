// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the sense data of a LUN's commands tell of its limits: that they may have
 * changed, so that it is asked anew, or that the host did not take a command
 * that was within all of them, which nobody announces. Then nothing is sent
 * again and nothing is lowered; the administrator is told.
 *
 * No lock: a limit is read as it stands, and of two refusals at once one may be
 * forgotten. A LUN lives as long as its commands.
 */
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_eh.h>

#include "virtscsi.h"

/* A pass-through command refused below this was not too large for anybody. */
#define REFUSED_FIRST_SECTORS	128

/* Those after which what the LUN says of its limits may be another. */
static bool learn_is_news(const struct scsi_sense_hdr *sense)
{
	if (sense->sense_key != UNIT_ATTENTION)
		return false;
	switch (sense->asc << 8 | sense->ascq) {
	case 0x2800:	/* NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED */
	case 0x2a00:	/* PARAMETERS CHANGED */
	case 0x2a01:	/* MODE PARAMETERS CHANGED */
	case 0x2a09:	/* CAPACITY DATA HAS CHANGED */
	case 0x3f03:	/* INQUIRY DATA HAS CHANGED */
	case 0x3f0e:	/* REPORTED LUNS DATA HAS CHANGED */
		return true;
	}
	return false;
}

/*
 * QEMU has these words for what the host's SG_IO says: INVALID FIELD IN CDB for
 * EINVAL, INTERNAL TARGET FAILURE for ENOMEM, I/O PROCESS TERMINATED for what it
 * has no other for.
 */
static bool learn_is_refusal(const struct scsi_sense_hdr *sense)
{
	return (sense->sense_key == ILLEGAL_REQUEST && sense->asc == 0x24) ||
	       (sense->sense_key == HARDWARE_ERROR && sense->asc == 0x44 &&
		sense->ascq == 0x00) ||
	       (sense->sense_key == ABORTED_COMMAND && sense->asc == 0x00 &&
		sense->ascq == 0x06);
}

/* One block of a tape, longer than its drive says that it can. */
static bool learn_is_long_block(struct scsi_cmnd *sc)
{
	struct virtscsi_lun *lun = sc->device->hostdata;
	bool is_fixed = sc->cmnd[1] & 1;

	return sc->device->type == TYPE_TAPE && !is_fixed &&
	       scsi_bufflen(sc) >
	       READ_ONCE(lun->limits.of[VIRTSCSI_LUN_MAX_BLOCK].value);
}

/*
 * What the host refuses as too large looks like a fault of the LUN. Where it has
 * not announced a limit, say once what may help; an override may not be low
 * enough.
 */
static void learn_tell(struct virtscsi_lun *lun, u32 sectors)
{
	u32 refused = READ_ONCE(lun->refused_sectors);

	if (sectors <= REFUSED_FIRST_SECTORS ||
	    READ_ONCE(lun->limits.of[VIRTSCSI_LUN_MAX_SECTORS].source) == VIRTSCSI_FROM_VPD_B0)
		return;
	if (!refused || sectors < refused)
		WRITE_ONCE(lun->refused_sectors, sectors);
	if (!refused)
		sdev_printk(KERN_WARNING, lun->sdev,
			    "a pass-through command of %u sectors was refused; if it was too large for the host, a lower limits/max_sectors helps\n",
			    sectors);
}

/**
 * virtscsi_learn_note() - a command came back with sense data
 * @sc: command
 *
 * Context: any; before the midlayer has it.
 */
void virtscsi_learn_note(struct scsi_cmnd *sc)
{
	struct virtscsi_lun *lun = sc->device->hostdata;
	struct request *rq = scsi_cmd_to_rq(sc);
	u32 sectors = DIV_ROUND_UP(scsi_bufflen(sc), 512);
	struct scsi_sense_hdr sense;

	/* A question that meets a unit attention is put again by ask.c. */
	if (rq->cmd_flags & REQ_DRV || !lun)
		return;
	if (!scsi_command_normalize_sense(sc, &sense))
		return;
	if (learn_is_news(&sense))
		virtscsi_lun_renegotiate(sc->device);
	else if (blk_rq_is_passthrough(rq) && learn_is_refusal(&sense) &&
		 !learn_is_long_block(sc))
		learn_tell(lun, sectors);
}

/**
 * virtscsi_learn_refused() - what pass-through commands of a LUN have run into
 * @sdev: LUN
 *
 * Context: process, while the LUN has its attributes in sysfs.
 * Return: the size of the smallest that was refused as if it were too large, in
 *	512-byte units; 0 if there was none.
 */
u32 virtscsi_learn_refused(struct scsi_device *sdev)
{
	struct virtscsi_lun *lun = sdev->hostdata;

	return READ_ONCE(lun->refused_sectors);
}
