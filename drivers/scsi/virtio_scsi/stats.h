/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters, see stats.c. What is called for each command is inline here.
 */
#ifndef VIRTSCSI_STATS_H
#define VIRTSCSI_STATS_H

#include <linux/jump_label.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "virtscsi.h"

DECLARE_STATIC_KEY_FALSE(virtscsi_stats_is_timed);

extern const char *const virtscsi_stats_lun_names[VIRTSCSI_STATS_NR_LUN];
extern const char *const virtscsi_stats_hba_names[VIRTSCSI_STATS_NR_HBA];
extern const char *const virtscsi_stats_flow_names[VIRTSCSI_STATS_NR_FLOWS];

void virtscsi_stats_error(struct scsi_cmnd *sc);
void virtscsi_stats_latency(struct scsi_cmnd *sc);
void virtscsi_stats_stamp(struct scsi_cmnd *sc);
void virtscsi_stats_tmf(struct scsi_device *sdev, u32 subtype, int answer);
bool virtscsi_stats_add_up(struct scsi_device *sdev,
			   struct virtscsi_stats_sum *sum);

/* The caller has a command of the LUN, so it stays meanwhile. */
static inline struct virtscsi_stats __percpu *
virtscsi_stats_of(struct scsi_device *sdev)
{
	return ((struct virtscsi_lun *)sdev->hostdata)->stats;
}

static inline unsigned int virtscsi_stats_direction(const struct scsi_cmnd *sc)
{
	unsigned int direction = sc->sc_data_direction - DMA_TO_DEVICE;

	return min_t(unsigned int, direction, VIRTSCSI_STATS_NR_FLOWS - 1);
}

static inline void virtscsi_stats_count(struct scsi_cmnd *sc,
					enum virtscsi_stats_lun what)
{
	this_cpu_inc(virtscsi_stats_of(sc->device)->lun[what]);
}

/* Before it is put into the ring. */
static inline void virtscsi_stats_submit(struct scsi_cmnd *sc)
{
	if (static_branch_unlikely(&virtscsi_stats_is_timed))
		virtscsi_stats_stamp(sc);
	if (unlikely(sc->retries))
		virtscsi_stats_count(sc, VIRTSCSI_STATS_RETRIES);
}

/* Before the midlayer has it back; result and residual are set. */
static inline void virtscsi_stats_complete(struct scsi_cmnd *sc)
{
	struct virtscsi_stats_flow __percpu *flow =
		virtscsi_stats_of(sc->device)->flow +
		virtscsi_stats_direction(sc);

	this_cpu_inc(flow->commands);
	/* Of a command that failed in transport no length is to be believed. */
	if (likely(host_byte(sc->result) == DID_OK))
		this_cpu_add(flow->bytes,
			     scsi_bufflen(sc) - scsi_get_resid(sc));
	if (static_branch_unlikely(&virtscsi_stats_is_timed))
		virtscsi_stats_latency(sc);
	if (unlikely(sc->result))
		virtscsi_stats_error(sc);
}

#endif
