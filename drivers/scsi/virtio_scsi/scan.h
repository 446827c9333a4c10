/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding, adding and removing LUNs, see scan.c.
 */
#ifndef VIRTSCSI_SCAN_H
#define VIRTSCSI_SCAN_H

#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "lun.h"

struct scsi_device;
struct virtscsi;

/* Part of struct virtscsi. Times are in 64-bit jiffies, which are never 0. */
struct virtscsi_scan {
	struct delayed_work work;
	struct xarray changes;		/* what events say of LUNs */
	DECLARE_BITMAP(targets, VIRTSCSI_NR_TARGETS);	/* to be scanned */
	bool is_stopped;
	struct delayed_work attention;	/* REPORTED LUNS DATA HAS CHANGED */
	u64 attention_seen;
	u64 host_scanned_at;
	u64 changed_at;			/* the last event about a LUN */
	bool may_have_lost;		/* too many events at once */
};

void virtscsi_scan_init(struct virtscsi *vscsi);
void virtscsi_scan_exit(struct virtscsi *vscsi);
void virtscsi_scan_stop(struct virtscsi *vscsi);
void virtscsi_scan_host(struct virtscsi *vscsi, enum virtscsi_lun_task task);
void virtscsi_scan_target(struct virtscsi *vscsi, unsigned int target);
void virtscsi_scan_change(struct virtscsi *vscsi, unsigned int target, u64 lun,
			  bool is_added);
void virtscsi_scan_gone(struct scsi_device *sdev);
void virtscsi_scan_note_flood(struct virtscsi *vscsi);
void virtscsi_scan_note_attention(struct virtscsi *vscsi);
struct scsi_device *virtscsi_scan_lookup(struct virtscsi *vscsi,
					 unsigned int target, u64 lun);

#endif
