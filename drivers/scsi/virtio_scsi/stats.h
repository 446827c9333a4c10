/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters, see stats.c. What runs for each command is inline here.
 */
#ifndef VIRTSCSI_STATS_H
#define VIRTSCSI_STATS_H

#include <linux/atomic.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <scsi/scsi_cmnd.h>

struct virtscsi;

/* Rare events of a LUN's commands; the names are in debugfs.c. */
enum virtscsi_stats_lun {
	VIRTSCSI_STATS_BUSY,		/* ring full, DMA or reset: tried again */
	VIRTSCSI_STATS_RETRIES,		/* submitted again by the midlayer */
	VIRTSCSI_STATS_TIMEOUTS,	/* timer fired */
	VIRTSCSI_STATS_HELD,		/* beyond the timer; each counted once */
	VIRTSCSI_STATS_CHECK_CONDITION,
	VIRTSCSI_STATS_STATUS_OTHER,	/* any other status but GOOD */
	VIRTSCSI_STATS_RESET,		/* ended by an abort or reset; repeated */
	VIRTSCSI_STATS_TRANSPORT,	/* the device lost its path to the LUN */
	VIRTSCSI_STATS_FAILED,		/* any other failure, or no response */
	VIRTSCSI_STATS_NR_LUN
};

/* Rare events of an HBA. */
enum virtscsi_stats_hba {
	VIRTSCSI_STATS_ABORTS,		/* ABORT TASK sent */
	VIRTSCSI_STATS_LUN_RESETS,
	VIRTSCSI_STATS_NEXUS_RESETS,
	VIRTSCSI_STATS_OTHER_TMFS,
	VIRTSCSI_STATS_TMFS_FAILED,	/* of all these */
	VIRTSCSI_STATS_DEVICE_RESETS,
	VIRTSCSI_STATS_EVENTS,
	VIRTSCSI_STATS_EVENTS_MISSED,	/* with VIRTIO_SCSI_T_EVENTS_MISSED */
	VIRTSCSI_STATS_LOST_INTERRUPTS,	/* commands a timer found in a ring */
	VIRTSCSI_STATS_DOORBELLS_AGAIN,	/* rung again by a timer */
	VIRTSCSI_STATS_PAUSES,		/* submission paused before a reset */
	VIRTSCSI_STATS_NR_HBA
};

/* Directions, in the order of enum dma_data_direction. */
#define VIRTSCSI_STATS_NR_FLOWS	3

/* Counters of a LUN, of one CPU or of all; u64 only. */
struct virtscsi_stats {
	struct {
		u64 commands;
		u64 bytes;	/* of commands that did not fail in transport */
	} flow[VIRTSCSI_STATS_NR_FLOWS];
	u64 lun[VIRTSCSI_STATS_NR_LUN];
};

/* Part of struct virtscsi. */
struct virtscsi_hba_stats {
	atomic64_t counters[VIRTSCSI_STATS_NR_HBA];
};

/* Part of struct virtscsi_lun. */
struct virtscsi_lun_stats {
	struct virtscsi_stats __percpu *counts;
};

int virtscsi_stats_lun_init(struct virtscsi_lun_stats *stats);
void virtscsi_stats_lun_exit(struct virtscsi_lun_stats *stats);
bool virtscsi_stats_lun_read(struct scsi_device *sdev,
			     struct virtscsi_stats *sum);
void virtscsi_stats_hba_count(struct virtscsi *vscsi,
			      enum virtscsi_stats_hba what);
u64 virtscsi_stats_hba_read(struct virtscsi *vscsi,
			    enum virtscsi_stats_hba what);
void virtscsi_stats_tmf(struct virtscsi *vscsi, u32 subtype, int answer);
void virtscsi_stats_error(struct virtscsi_lun_stats *stats,
			  const struct scsi_cmnd *sc);

/* The caller has a command of the LUN, or another reason why it stays. */
static inline void virtscsi_stats_count(struct virtscsi_lun_stats *stats,
					enum virtscsi_stats_lun what)
{
	this_cpu_inc(stats->counts->lun[what]);
}

/* Before scsi_done(); result and residual are set. */
static inline void virtscsi_stats_complete(struct virtscsi_lun_stats *stats,
					   struct scsi_cmnd *sc)
{
	struct virtscsi_stats __percpu *counts = stats->counts;
	unsigned int direction = min_t(unsigned int, VIRTSCSI_STATS_NR_FLOWS - 1,
				       sc->sc_data_direction - DMA_TO_DEVICE);

	this_cpu_inc(counts->flow[direction].commands);
	/* After a failure in transport the residual means nothing. */
	if (likely(host_byte(sc->result) == DID_OK))
		this_cpu_add(counts->flow[direction].bytes,
			     scsi_bufflen(sc) - scsi_get_resid(sc));
	if (unlikely(sc->result))
		virtscsi_stats_error(stats, sc);
}

#endif
