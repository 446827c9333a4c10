// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counters of a LUN's commands and of an HBA. None is ever set back.
 *
 * Any CPU may complete a command of any LUN, so the counters of a LUN are per CPU and
 * summed up when they are read. On 32 bits the sum may see half of an update.
 */
#include <linux/cpumask.h>
#include <linux/spinlock.h>
#include <linux/virtio_scsi.h>
#include <scsi/scsi.h>
#include <scsi/scsi_device.h>

#include "stats.h"
#include "virtscsi.h"

int virtscsi_stats_lun_init(struct virtscsi_lun_stats *stats)
{
	stats->counts = alloc_percpu(struct virtscsi_stats);
	return stats->counts ? 0 : -ENOMEM;
}

void virtscsi_stats_lun_exit(struct virtscsi_lun_stats *stats)
{
	free_percpu(stats->counts);
}

static enum virtscsi_stats_lun stats_of_result(int result)
{
	switch (host_byte(result)) {
	case DID_OK:
		return (result & 0xff) == SAM_STAT_CHECK_CONDITION ?
		       VIRTSCSI_STATS_CHECK_CONDITION :
		       VIRTSCSI_STATS_STATUS_OTHER;
	case DID_RESET:
		return VIRTSCSI_STATS_RESET;
	case DID_TRANSPORT_DISRUPTED:
		return VIRTSCSI_STATS_TRANSPORT;
	}
	return VIRTSCSI_STATS_FAILED;
}

void virtscsi_stats_error(struct virtscsi_lun_stats *stats,
			  const struct scsi_cmnd *sc)
{
	virtscsi_stats_count(stats, stats_of_result(sc->result));
}

void virtscsi_stats_hba_count(struct virtscsi *vscsi,
			      enum virtscsi_stats_hba what)
{
	atomic64_inc(&vscsi->stats.counters[what]);
}

u64 virtscsi_stats_hba_read(struct virtscsi *vscsi,
			    enum virtscsi_stats_hba what)
{
	return atomic64_read(&vscsi->stats.counters[what]);
}

static enum virtscsi_stats_hba stats_of_tmf(u32 subtype)
{
	switch (subtype) {
	case VIRTIO_SCSI_T_TMF_ABORT_TASK:
		return VIRTSCSI_STATS_ABORTS;
	case VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET:
		return VIRTSCSI_STATS_LUN_RESETS;
	case VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET:
		return VIRTSCSI_STATS_NEXUS_RESETS;
	}
	return VIRTSCSI_STATS_OTHER_TMFS;
}

/*
 * @answer is the device's response or a negative error; VIRTIO_SCSI_S_OK if
 * nobody waits for the response.
 */
void virtscsi_stats_tmf(struct virtscsi *vscsi, u32 subtype, int answer)
{
	virtscsi_stats_hba_count(vscsi, stats_of_tmf(subtype));
	if (answer != VIRTIO_SCSI_S_OK &&
	    answer != VIRTIO_SCSI_S_FUNCTION_SUCCEEDED)
		virtscsi_stats_hba_count(vscsi, VIRTSCSI_STATS_TMFS_FAILED);
}

static void stats_add(u64 *sum, const u64 *part)
{
	unsigned int i;

	for (i = 0; i < sizeof(struct virtscsi_stats) / sizeof(*sum); i++)
		sum[i] += READ_ONCE(part[i]);
}

/* Returns false if the LUN has gone meanwhile. Any context. */
bool virtscsi_stats_lun_read(struct scsi_device *sdev,
			     struct virtscsi_stats *sum)
{
	struct Scsi_Host *shost = sdev->host;
	struct virtscsi_lun *lun;
	unsigned long flags;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	spin_lock_irqsave(shost->host_lock, flags);
	lun = sdev->hostdata;
	if (lun)
		for_each_possible_cpu(cpu)
			stats_add((u64 *)sum,
				  (u64 *)per_cpu_ptr(lun->stats.counts, cpu));
	spin_unlock_irqrestore(shost->host_lock, flags);
	return lun;
}
