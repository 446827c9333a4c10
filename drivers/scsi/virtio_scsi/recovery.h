/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to a command that does not come back, see recovery.c.
 */
#ifndef VIRTSCSI_RECOVERY_H
#define VIRTSCSI_RECOVERY_H

#include <linux/workqueue.h>
#include <scsi/scsi_host.h>

struct scsi_cmnd;
struct scsi_device;
struct virtscsi;
struct virtscsi_tmf_request;

/* Names without a description are recovery.c's own and explained there. */
struct virtscsi_recovery {
	struct delayed_work work;
	struct delayed_work later;
	atomic_t overdue;
	bool is_honest;
	bool is_liar;
	bool is_paused;
	unsigned long pause_began;
	u64 no_pause_before;
	unsigned int pause_interval_s;
};

struct virtscsi_cmd_recovery {
	u32 timeouts;		/* how often the timer has fired */
	u32 acted;		/* for which of these something was sent */
	u32 missing;		/* how often the device denied the command */
	bool is_aborted;
	bool is_reported;
	bool is_finished;	/* seen so at a timeout */
};

/* With each submission. */
static inline void virtscsi_recovery_arm(struct virtscsi_cmd_recovery *recovery)
{
	*recovery = (struct virtscsi_cmd_recovery){ };
}

/* The timer of the command has fired since. */
static inline bool
virtscsi_recovery_is_overdue(const struct virtscsi_cmd_recovery *recovery)
{
	return READ_ONCE(recovery->timeouts);
}

int virtscsi_recovery_module_init(void);
void virtscsi_recovery_module_exit(void);
void virtscsi_recovery_init(struct virtscsi *vscsi);
void virtscsi_recovery_exit(struct virtscsi *vscsi);
void virtscsi_recovery_schedule(struct virtscsi *vscsi);
void virtscsi_recovery_late(struct virtscsi *vscsi, struct scsi_cmnd *sc);
void virtscsi_recovery_tmf_done(struct virtscsi *vscsi,
				const struct virtscsi_tmf_request *request,
				int answer);
bool virtscsi_recovery_is_stuck(struct scsi_device *sdev);
unsigned int virtscsi_recovery_timeouts(struct scsi_cmnd *sc);
const char *virtscsi_recovery_says(struct scsi_cmnd *sc);

enum scsi_timeout_action virtscsi_recovery_timed_out(struct scsi_cmnd *sc);

#endif
