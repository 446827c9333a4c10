// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One logical unit: what is set when the midlayer finds it.
 */
#include <scsi/scsi.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_devinfo.h>

#include "virtscsi.h"

/* Of the midlayer's number, less the flat space prefix from 256 on. */
#define LUN_MASK	0x3fff

/* LUNs below this are scanned whatever max_lun says, which is but a hint. */
#define LUN_ALWAYS	256

static bool lun_is_scanned(const struct virtscsi *vscsi, u64 lun)
{
	if (scsi_is_wlun(lun))
		return true;
	lun &= LUN_MASK;
	return lun < LUN_ALWAYS || lun <= virtscsi_limit(vscsi, VIRTSCSI_MAX_LUN);
}

/**
 * virtscsi_lun_init() - a LUN is about to be probed
 * @sdev: LUN
 *
 * Implements virtio 1.3, 5.6.4 (max_lun), and 5.6.6.1 for the addresses. The
 * host may announce its own limits in the VPD pages of a passed-through LUN,
 * whatever SPC version the LUN claims, so they are always to be read.
 *
 * Context: process.
 * Return: 0, or -ENXIO for a LUN beyond max_lun or an address that the wire
 *	format cannot express.
 */
int virtscsi_lun_init(struct scsi_device *sdev)
{
	struct virtscsi *vscsi = shost_priv(sdev->host);
	u8 wire[VIRTSCSI_WIRE_LUN_LEN];

	if (!virtscsi_wire_put_lun(wire, sdev->id, sdev->lun) ||
	    !lun_is_scanned(vscsi, sdev->lun))
		return -ENXIO;

	sdev->sdev_bflags = BLIST_TRY_VPD_PAGES;
	return 0;
}

/**
 * virtscsi_lun_configure() - a LUN was found
 * @sdev: LUN
 * @lim: its queue limits, which come from the host's
 *
 * Context: process.
 * Return: 0.
 */
int virtscsi_lun_configure(struct scsi_device *sdev, struct queue_limits *lim)
{
	virtscsi_lun_change_depth(sdev, sdev->host->cmd_per_lun);
	return 0;
}

/**
 * virtscsi_lun_change_depth() - set the queue depth of a LUN
 * @sdev: LUN
 * @depth: commands that may be outstanding
 *
 * Implements virtio 1.3, 5.6.4.1: never more than cmd_per_lun.
 *
 * Context: process.
 * Return: the depth in force.
 */
int virtscsi_lun_change_depth(struct scsi_device *sdev, int depth)
{
	return scsi_change_queue_depth(sdev, min_t(int, depth,
						   sdev->host->cmd_per_lun));
}
