/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding, adding and removing LUNs, see scan.c.
 */
#ifndef VIRTSCSI_SCAN_H
#define VIRTSCSI_SCAN_H

#include <linux/workqueue.h>
#include <linux/xarray.h>

struct scsi_device;
struct virtscsi;

/* Part of struct virtscsi. Times are in 64-bit jiffies. */
struct virtscsi_scan {
	struct workqueue_struct *queue;	/* freezable */
	struct delayed_work rescan;	/* for what changed without an event */
	struct xarray targets;		/* what is due for each target */
	bool is_stopped;
	bool is_rescan_due;		/* events were missed, or a reset */
	bool is_attention_due;		/* REPORTED LUNS DATA HAS CHANGED */
	u64 attention_seen;
	u64 scan_began;
	u64 inventory_at;	/* of the last event about a LUN */
	bool may_have_lost;		/* too many events at once */
};

int virtscsi_scan_init(struct virtscsi *vscsi);
void virtscsi_scan_exit(struct virtscsi *vscsi);
void virtscsi_scan_stop(struct virtscsi *vscsi);
void virtscsi_scan_host(struct virtscsi *vscsi);
void virtscsi_scan_target(struct virtscsi *vscsi, unsigned int target);
void virtscsi_scan_change(struct virtscsi *vscsi, unsigned int target, u64 lun,
			  bool is_added);
void virtscsi_scan_gone(struct scsi_device *sdev);
void virtscsi_scan_note_flood(struct virtscsi *vscsi);
void virtscsi_scan_note_attention(struct virtscsi *vscsi);
struct scsi_device *virtscsi_scan_lookup(struct virtscsi *vscsi,
					 unsigned int target, u64 lun);

#endif
