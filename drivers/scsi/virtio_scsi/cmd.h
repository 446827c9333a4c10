/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands, see cmd.c.
 */
#ifndef VIRTSCSI_CMD_H
#define VIRTSCSI_CMD_H

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_host.h>

#include "ladder.h"
#include "recovery.h"
#include "stats.h"
#include "vq.h"
#include "wire.h"

struct virtscsi;

/* Part of struct virtscsi. */
struct virtscsi_cmds {
	/* A command has come back whose timer had fired; under RCU. */
	void (*late)(struct virtscsi *vscsi, struct scsi_cmnd *sc);
};

/* The driver's part of a command of the midlayer. */
struct virtscsi_cmd {
	struct virtscsi_vq_link link;
	struct virtscsi_wire_resp *resp;
	u64 tag;			/* on the wire */
	u64 submitted;			/* last, in jiffies */
	/* Set before it is added, cleared under RCU when it is back; see vq.c. */
	bool is_in_flight;
	struct virtscsi_cmd_recovery recovery;
	struct virtscsi_cmd_ladder ladder;
};

/* Part of struct virtscsi_lun. */
struct virtscsi_lun_cmds {
	u64 doubted_until;	/* in jiffies, see virtscsi_cmd_doubt() */
	u8 address[VIRTSCSI_WIRE_LUN_LEN];
	bool is_unused;		/* beyond max_lun, or known under another number */
};

static inline bool virtscsi_cmd_is_in_flight(struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	return READ_ONCE(cmd->is_in_flight);
}

static inline u64 virtscsi_cmd_tag(struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	return cmd->tag;
}

/* At most 49 days. */
static inline unsigned int virtscsi_cmd_age_ms(struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	return min_t(u64, jiffies64_to_msecs(get_jiffies_64() - cmd->submitted),
		     UINT_MAX);
}

extern const struct virtscsi_vq_ops virtscsi_cmd_vq_ops;

struct virtscsi_vq *virtscsi_cmd_vq(struct scsi_cmnd *sc);
bool virtscsi_cmd_is_failfast(struct scsi_cmnd *sc);
u64 virtscsi_cmd_doubt(struct scsi_device *sdev, u64 until);

/* The SCSI core's calls. */
enum scsi_qc_status virtscsi_cmd_queue(struct Scsi_Host *shost,
				       struct scsi_cmnd *sc);
void virtscsi_cmd_commit(struct Scsi_Host *shost, u16 hwq);
int virtscsi_cmd_poll(struct Scsi_Host *shost, unsigned int hwq);
void virtscsi_cmd_map_queues(struct Scsi_Host *shost);
int virtscsi_cmd_init_priv(struct Scsi_Host *shost, struct scsi_cmnd *sc);

#endif
