/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a command that does not come back, see recovery.c.
 */
#ifndef VIRTSCSI_RECOVERY_H
#define VIRTSCSI_RECOVERY_H

#include <linux/workqueue.h>
#include <scsi/scsi_host.h>

struct virtscsi;
struct virtscsi_tmf_request;

/* Part of struct virtscsi. */
struct virtscsi_recovery {
	struct delayed_work work;
	bool is_soon;		/* the work, as it was asked for */
	bool is_honest;		/* the device said "here" once */
	bool is_liar;		/* it returned what it had denied */
	bool is_paused;
	bool is_holding;	/* counts in recovery_nr_holding */
	u64 pause_ends;		/* this one, or the last one in vain */
};

/* Part of struct virtscsi_cmd. */
struct virtscsi_cmd_recovery {
	u32 timeouts;		/* how often the timer has fired */
	u32 acted;		/* for which of these something was sent */
	u64 added;		/* to the virtqueue when the timer fired first */
	bool was_denied;	/* at an earlier timeout */
	bool is_taken;		/* by the device, at that timeout */
	bool is_reported;
	bool is_finished;	/* seen so at a timeout */
};

/* How often the timer of the command has fired since it was submitted. */
static inline unsigned int
virtscsi_recovery_timeouts(const struct virtscsi_cmd_recovery *recovery)
{
	return READ_ONCE(recovery->timeouts);
}

void virtscsi_recovery_init(struct virtscsi *vscsi);
void virtscsi_recovery_exit(struct virtscsi *vscsi);
void virtscsi_recovery_schedule(struct virtscsi *vscsi);
void virtscsi_recovery_late(struct virtscsi *vscsi, struct scsi_cmnd *sc);
void virtscsi_recovery_tmf_done(struct virtscsi *vscsi,
				const struct virtscsi_tmf_request *request,
				int answer);
bool virtscsi_recovery_is_stuck(struct scsi_device *sdev);
const char *virtscsi_recovery_says(struct scsi_cmnd *sc);

enum scsi_timeout_action virtscsi_recovery_timed_out(struct scsi_cmnd *sc);

#endif
