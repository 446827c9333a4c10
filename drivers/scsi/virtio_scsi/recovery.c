// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recovery: what happens to a command that does not come back.
 *
 * A command that the device holds is waited for: time is no evidence, and aborts and
 * resets can stop the whole guest. When a timer fires, the ring is looked at, the
 * doorbell rung again, and the device asked by QUERY TASK whether it has the command.
 * The log names it once. What an administrator may have done is in ladder.c.
 *
 * A command that the device does not have is lost. Only a reset of the device makes
 * sure that its memory is not written to any more. When all overdue commands are
 * known to be lost, submission is paused for a moment. If the others come back, the
 * device is reset. If they do not, submission goes on and the next attempt waits.
 *
 * Some devices say "not here" of every command, others of one that they have not
 * taken from the virtqueue yet. A device is believed that once said "here", that
 * denies a command at two timeouts, and that has returned a later command of the same
 * virtqueue. A device that returns what it denied is never believed.
 *
 * One work for each HBA does all this and never waits. The SCSI error handler is
 * not entered, since it stops all LUNs of the host.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ratelimit.h>
#include <linux/virtio.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "trace.h"
#include "virtscsi.h"

/* Coalesces what happens at the same time. */
#define WORK_DELAY	msecs_to_jiffies(10)

/* How often to look while something is waited for that brings no event. */
#define LOOK_INTERVAL	(10 * HZ)

/* The most that healthy commands may be delayed for a reset. */
#define PAUSE_MS	800

/* From a pause in vain to the next one. */
#define PAUSE_INTERVAL	(300 * HZ)

/* HBAs that hold a command. With I/O threads, a reset in QEMU waits for all of them. */
static atomic_t recovery_nr_holding;

/* What is known of a command; the note of a tag, see virtscsi_inflight_write_note(). */
enum recovery_says {
	RECOVERY_UNASKED,
	RECOVERY_ASKED,
	RECOVERY_HERE,
	RECOVERY_NOT_HERE,
	RECOVERY_REFUSED,
};

/* Has all commands in flight looked at soon. Any context. */
void virtscsi_recovery_schedule(struct virtscsi *vscsi)
{
	if (!xchg(&vscsi->recovery.is_soon, true))
		mod_delayed_work(virtscsi_reset_queue, &vscsi->recovery.work,
				 WORK_DELAY);
}

static struct virtscsi_cmd_recovery *recovery_of(struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	return &cmd->recovery;
}

/* For debugfs, and for the log. */
static const struct {
	const char *word;
	const char *text;
} recovery_words[] = {
	[RECOVERY_UNASKED] = { "unasked", "device was not asked about it" },
	[RECOVERY_ASKED] = { "no-answer", "device does not answer QUERY TASK" },
	[RECOVERY_HERE] = { "here", "device holds it" },
	[RECOVERY_NOT_HERE] = { "not-here", "device says it has no such command, not proven yet" },
	[RECOVERY_REFUSED] = { "refused", "device refuses QUERY TASK" },
};

const char *virtscsi_recovery_says(struct scsi_cmnd *sc)
{
	return recovery_words[virtscsi_inflight_read_note(sc)].word;
}

/*
 * The device takes commands in order. Once it has returned as many as had been added
 * when the timer first fired, one of them was added later, so it has taken this one.
 */
static bool recovery_is_lost(struct virtscsi *vscsi, struct scsi_cmnd *sc)
{
	return smp_load_acquire(&recovery_of(sc)->is_taken) && /* pairs with timed_out() */
	       virtscsi_inflight_read_note(sc) == RECOVERY_NOT_HERE &&
	       READ_ONCE(vscsi->recovery.is_honest) &&
	       !READ_ONCE(vscsi->recovery.is_liar);
}

/*
 * Any context. NOT_HANDLED is for a command that was finished at an earlier timeout,
 * but whose completion the block layer dropped (fail_io_timeout).
 */
enum scsi_timeout_action virtscsi_recovery_timed_out(struct scsi_cmnd *sc)
{
	struct virtscsi_lun *lun = sc->device->hostdata;
	struct virtscsi *vscsi = shost_priv(sc->device->host);
	struct virtscsi_cmd_recovery *recovery = recovery_of(sc);
	struct virtscsi_vq *vq = virtscsi_cmd_vq(sc);
	u64 tag = virtscsi_cmd_tag(sc);
	unsigned int nr_found = virtscsi_vq_reap(vscsi, vq);
	u64 returned = virtscsi_vq_read_stats(vq).returned;
	unsigned int timeouts = recovery->timeouts;

	virtscsi_stats_count(&lun->stats, VIRTSCSI_STATS_TIMEOUTS);
	/* The interrupts of these may be lost as well. */
	virtscsi_vq_reap(vscsi, virtscsi_vq_control(vscsi));
	virtscsi_event_check(vscsi);

	/* It is back and was submitted again, with a timer of its own. */
	if (virtscsi_cmd_tag(sc) != tag)
		return SCSI_EH_RESET_TIMER;
	WRITE_ONCE(recovery->timeouts, timeouts + 1);
	if (!virtscsi_cmd_is_in_flight(sc)) {
		/* Being finished. Older kernels take "done" for an order to abort. */
		if (!test_bit(SCMD_STATE_COMPLETE, &sc->state)) {
			if (!recovery->is_finished) {
				recovery->is_finished = true;
				return SCSI_EH_RESET_TIMER;
			}
			trace_virtscsi_timeout(sc, VIRTSCSI_TIMEOUT_NOT_HANDLED);
			return SCSI_EH_NOT_HANDLED;
		}
		if (nr_found)
			virtscsi_stats_hba_count(vscsi, VIRTSCSI_STATS_LOST_INTERRUPTS);
		trace_virtscsi_timeout(sc, VIRTSCSI_TIMEOUT_FOUND);
		return SCSI_EH_DONE;
	}

	if (!timeouts) {
		virtscsi_stats_count(&lun->stats, VIRTSCSI_STATS_HELD);
		recovery->added = virtscsi_vq_read_stats(vq).added;
	}
	if (virtscsi_inflight_read_note(sc) == RECOVERY_NOT_HERE) {
		virtscsi_inflight_write_note(vscsi, tag, RECOVERY_ASKED);
		WRITE_ONCE(recovery->was_denied, true);
		/* Pairs with recovery_is_lost(): only an answer from now on counts. */
		smp_store_release(&recovery->is_taken, recovery->added <= returned);
	}
	virtscsi_vq_kick(vq, true);
	virtscsi_vq_kick(virtscsi_vq_control(vscsi), true);
	virtscsi_stats_hba_count(vscsi, VIRTSCSI_STATS_DOORBELLS_AGAIN);
	virtscsi_recovery_schedule(vscsi);
	trace_virtscsi_timeout(sc, VIRTSCSI_TIMEOUT_HELD);
	return SCSI_EH_RESET_TIMER;
}

/*
 * A command is back whose timer had fired. Under RCU. What was denied at an
 * earlier timeout cannot have been on its way when the device was asked.
 */
void virtscsi_recovery_late(struct virtscsi *vscsi, struct scsi_cmnd *sc)
{
	struct virtscsi_recovery *recovery = &vscsi->recovery;

	if (host_byte(sc->result) == DID_OK && READ_ONCE(recovery_of(sc)->was_denied) &&
	    !READ_ONCE(recovery->is_liar)) {
		WRITE_ONCE(recovery->is_liar, true);
		dev_notice(&vscsi->vdev->dev, "device returned a command that it had denied, not believing QUERY TASK any more\n");
	}
	virtscsi_recovery_schedule(vscsi);
}

static void recovery_take_query(struct virtscsi *vscsi, u64 tag, int answer)
{
	u8 says = RECOVERY_REFUSED;

	switch (answer) {
	case VIRTIO_SCSI_S_OK: /* FUNCTION COMPLETE */
	case VIRTIO_SCSI_S_BAD_TARGET:
	case VIRTIO_SCSI_S_INCORRECT_LUN:
		says = RECOVERY_NOT_HERE;
		break;
	case VIRTIO_SCSI_S_FUNCTION_SUCCEEDED:
		says = RECOVERY_HERE;
		WRITE_ONCE(vscsi->recovery.is_honest, true);
		break;
	}
	virtscsi_inflight_write_note(vscsi, tag, says);
}

/* The device answered a task management function. Any context. */
void virtscsi_recovery_tmf_done(struct virtscsi *vscsi,
				const struct virtscsi_tmf_request *request,
				int answer)
{
	/* After a reset of the device as well. */
	bool is_done = answer < 0 || answer == VIRTIO_SCSI_S_OK ||
		       answer == VIRTIO_SCSI_S_FUNCTION_SUCCEEDED;

	if (request->subtype == VIRTIO_SCSI_T_TMF_QUERY_TASK)
		recovery_take_query(vscsi, request->tag, answer);
	else if (request->subtype != VIRTIO_SCSI_T_TMF_ABORT_TASK)
		virtscsi_ladder_doubt(vscsi, request->subtype, request->target,
				      request->lun, is_done ? VIRTSCSI_LADDER_DONE :
							      VIRTSCSI_LADDER_NOT_DONE);
	virtscsi_recovery_schedule(vscsi);
}

/* What the visit of all commands in flight has found. */
struct recovery_tally {
	struct virtscsi *vscsi;
	unsigned int nr_fresh;
	unsigned int nr_slow;	/* too old to be back before a pause ends */
	unsigned int nr_held;
	unsigned int nr_lost;
	bool is_host_reset_due;
};

static void recovery_report(struct scsi_cmnd *sc, bool is_lost)
{
	static DEFINE_RATELIMIT_STATE(lines, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);
	struct virtscsi_cmd_recovery *recovery = recovery_of(sc);
	u8 says = virtscsi_inflight_read_note(sc);

	if (recovery->is_reported ||
	    (says <= RECOVERY_ASKED && recovery->timeouts < 2) ||
	    !__ratelimit(&lines))
		return;
	recovery->is_reported = true;
	sdev_printk(KERN_WARNING, sc->device,
		    "tag %#llx, CDB %*ph: in flight for %u s, %s\n",
		    virtscsi_cmd_tag(sc), (int)sc->cmd_len, sc->cmnd,
		    virtscsi_cmd_age_ms(sc) / 1000,
		    is_lost ? "device has lost it" : recovery_words[says].text);
}

/* Once for each timeout; false if too many functions are outstanding for that. */
static bool recovery_act(struct recovery_tally *tally, struct scsi_cmnd *sc,
			 u64 tag)
{
	struct virtscsi *vscsi = tally->vscsi;
	int step = virtscsi_ladder_climb(vscsi, sc, tag);

	if (step == VIRTSCSI_LADDER_HOST)
		tally->is_host_reset_due = true;
	if (step != VIRTSCSI_LADDER_NO_STEP)
		return step > 0;
	/* QEMU denies a command as soon as it is asked to abort it. */
	if (virtscsi_tmf_is_aborting(vscsi, tag))
		return true;
	if (virtscsi_inflight_read_note(sc) == RECOVERY_UNASKED)
		virtscsi_inflight_write_note(vscsi, tag, RECOVERY_ASKED);
	return !virtscsi_tmf_start(sc->device, VIRTIO_SCSI_T_TMF_QUERY_TASK, tag);
}

static bool recovery_visit(struct scsi_cmnd *sc, void *data)
{
	struct virtscsi_cmd_recovery *of = recovery_of(sc);
	struct recovery_tally *tally = data;
	u64 tag = virtscsi_cmd_tag(sc);
	bool is_lost;

	/* Pairs with virtscsi_cmd_queue(): a new tag is seen without timeouts. */
	smp_rmb();
	if (!virtscsi_recovery_timeouts(of)) {
		if (virtscsi_cmd_age_ms(sc) > PAUSE_MS)
			tally->nr_slow++;
		else
			tally->nr_fresh++;
		return true;
	}
	is_lost = recovery_is_lost(tally->vscsi, sc);
	recovery_report(sc, is_lost);
	/* Shutdown waits only for the flushes of the disks; a reset would fail them. */
	tally->nr_lost += is_lost && (system_state <= SYSTEM_RUNNING ||
				      blk_rq_is_passthrough(scsi_cmd_to_rq(sc)));
	tally->nr_held += !is_lost;
	if (of->acted == of->timeouts)
		return true;
	if (is_lost || recovery_act(tally, sc, tag))
		of->acted = of->timeouts;
	return true;
}

static void recovery_resume(struct virtscsi *vscsi)
{
	if (vscsi->recovery.is_paused)
		virtscsi_vq_resume_requests(vscsi);
	vscsi->recovery.is_paused = false;
}

/*
 * All that is overdue is lost. Resets the device if everything else is back,
 * waits for that for a moment, or puts it off.
 */
static void recovery_end_lost(struct virtscsi *vscsi,
			      const struct recovery_tally *tally)
{
	struct virtscsi_recovery *recovery = &vscsi->recovery;
	u64 now = get_jiffies_64();
	char why[48];

	if (!recovery->is_paused) {
		if (tally->nr_slow ||
		    (tally->nr_fresh &&
		     time_before64(now, recovery->pause_ends + PAUSE_INTERVAL)))
			return;
		recovery->is_paused = true;
		recovery->pause_ends = now + msecs_to_jiffies(PAUSE_MS);
		virtscsi_stats_hba_count(vscsi, VIRTSCSI_STATS_PAUSES);
		virtscsi_vq_pause_requests(vscsi);
		virtscsi_recovery_schedule(vscsi);
	} else if (!tally->nr_fresh && !tally->nr_slow) {
		snprintf(why, sizeof(why), "%u commands lost", tally->nr_lost);
		virtscsi_reset_device(vscsi, why, true);
		recovery->is_paused = false;
		recovery->pause_ends = 0;
	} else if (time_before64(now, recovery->pause_ends)) {
		virtscsi_recovery_schedule(vscsi);
	} else {
		recovery_resume(vscsi);
	}
}

static void recovery_set_holding(struct virtscsi_recovery *of, bool is_holding)
{
	if (of->is_holding != is_holding)
		atomic_add(is_holding ? 1 : -1, &recovery_nr_holding);
	of->is_holding = is_holding;
}

static void recovery_work(struct work_struct *work)
{
	struct virtscsi *vscsi = container_of(work, struct virtscsi,
					      recovery.work.work);
	struct recovery_tally tally = { .vscsi = vscsi };

	xchg(&vscsi->recovery.is_soon, false);
	/* What polled queues have, and nobody polls for, is not slow. */
	virtscsi_vq_reap_requests(vscsi);
	virtscsi_inflight_for_each(vscsi, recovery_visit, &tally);
	if (tally.nr_held || tally.nr_lost)
		queue_delayed_work(virtscsi_reset_queue,
				   &vscsi->recovery.work, LOOK_INTERVAL);
	recovery_set_holding(&vscsi->recovery, tally.nr_held);

	if (tally.is_host_reset_due) {
		recovery_resume(vscsi);
		virtscsi_reset_device(vscsi, "recovery step host", false);
	} else if (tally.nr_lost && !atomic_read(&recovery_nr_holding)) {
		recovery_end_lost(vscsi, &tally);
	} else {
		recovery_resume(vscsi);
	}
}

void virtscsi_recovery_init(struct virtscsi *vscsi)
{
	INIT_DELAYED_WORK(&vscsi->recovery.work, recovery_work);
}

/* The device is dead. */
void virtscsi_recovery_exit(struct virtscsi *vscsi)
{
	cancel_delayed_work_sync(&vscsi->recovery.work);
	recovery_set_holding(&vscsi->recovery, false);
}

static bool recovery_find_overdue(struct scsi_cmnd *sc, void *data)
{
	struct scsi_device **sdev = data;

	if (sc->device == *sdev && virtscsi_recovery_timeouts(recovery_of(sc)))
		*sdev = NULL;
	return *sdev;
}

/* True if the device has a command of the LUN whose timer has fired. Sleeps. */
bool virtscsi_recovery_is_stuck(struct scsi_device *sdev)
{
	virtscsi_inflight_for_each(shost_priv(sdev->host), recovery_find_overdue,
				   &sdev);
	return !sdev;
}
