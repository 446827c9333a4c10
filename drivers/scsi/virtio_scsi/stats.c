// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counters of a LUN's commands and of an HBA. None is ever set back.
 *
 * Any CPU may complete a command of any LUN, so the counters of a LUN are per
 * CPU and summed up when they are read. On 32 bits the sum may see half of an
 * update.
 *
 * Reading the clock twice costs more than everything else here, so latencies are
 * measured only while a module parameter asks for it. The histograms are large;
 * a LUN gets them with the first command that is measured, in any context.
 *
 * The counters of a LUN live as long as its hostdata. A command keeps its LUN;
 * everybody else holds the lock of the host and may find no hostdata.
 */
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <linux/virtio_scsi.h>
#include <scsi/scsi.h>
#include <scsi/scsi_device.h>

#include "stats.h"
#include "virtscsi.h"

DEFINE_STATIC_KEY_FALSE(virtscsi_stats_is_timed);

static bool measure_latency;

/* Commands that were submitted before are left out. */
static u64 stats_since_ns;

/* The kernel sets a module's parameters one at a time. */
static int stats_measure_set(const char *text, const struct kernel_param *param)
{
	int err = param_set_bool(text, param);

	if (err)
		return err;
	WRITE_ONCE(stats_since_ns, ktime_get_ns());
	if (measure_latency)
		static_branch_enable(&virtscsi_stats_is_timed);
	else
		static_branch_disable(&virtscsi_stats_is_timed);
	return 0;
}

static const struct kernel_param_ops stats_measure_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = stats_measure_set,
	.get = param_get_bool,
};

/*
 * No file in debugfs, because a kernel that is locked down refuses writable ones.
 * device_param_cb(): in a built-in driver it is set when the clock is available.
 */
device_param_cb(measure_latency, &stats_measure_ops, &measure_latency, 0644);
MODULE_PARM_DESC(measure_latency,
		 "Whether to count how long the host takes for commands (default N)");

int virtscsi_stats_lun_init(struct virtscsi_lun_stats *stats)
{
	stats->counts = alloc_percpu(struct virtscsi_stats);
	stats->times = NULL;
	return stats->counts ? 0 : -ENOMEM;
}

void virtscsi_stats_lun_exit(struct virtscsi_lun_stats *stats)
{
	free_percpu(stats->times);
	free_percpu(stats->counts);
}

void virtscsi_stats_start(struct virtscsi_lun_stats *stats,
			  struct virtscsi_cmd_stats *cmd)
{
	struct virtscsi_stats_times __percpu *times = READ_ONCE(stats->times);

	if (unlikely(!times)) {
		times = alloc_percpu_gfp(struct virtscsi_stats_times,
					 GFP_NOWAIT | __GFP_NOWARN);
		/* Another CPU may have been faster. */
		if (times && cmpxchg(&stats->times, NULL, times))
			free_percpu(times);
	}
	cmd->started_ns = ktime_get_ns();
}

void virtscsi_stats_latency(struct virtscsi_lun_stats *stats,
			    const struct virtscsi_cmd_stats *cmd,
			    const struct scsi_cmnd *sc)
{
	struct virtscsi_stats_times __percpu *times = READ_ONCE(stats->times);
	unsigned int flow, bucket;
	u64 took_ns;

	if (!times || cmd->started_ns < READ_ONCE(stats_since_ns))
		return;
	flow = virtscsi_stats_direction(sc);
	took_ns = ktime_get_ns() - cmd->started_ns;
	bucket = min(fls64(took_ns / VIRTSCSI_STATS_BUCKET_NS(0)),
		     VIRTSCSI_STATS_NR_BUCKETS - 1);
	this_cpu_inc(times->flow[flow].latency[bucket]);
	this_cpu_add(times->flow[flow].total_ns, took_ns);
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

/* Adds up what each CPU has counted. */
static void stats_sum(u64 *sum, u64 __percpu *counters, size_t size)
{
	size_t i;
	int cpu;

	for_each_possible_cpu(cpu)
		for (i = 0; i < size / sizeof(*sum); i++)
			sum[i] += READ_ONCE(per_cpu_ptr(counters, cpu)[i]);
}

/* Returns false if the LUN has gone meanwhile. Any context. */
bool virtscsi_stats_lun_read(struct scsi_device *sdev,
			     struct virtscsi_stats_sum *sum)
{
	struct Scsi_Host *shost = sdev->host;
	struct virtscsi_stats_times __percpu *times;
	struct virtscsi_lun *lun;
	unsigned long flags;

	memset(sum, 0, sizeof(*sum));
	spin_lock_irqsave(shost->host_lock, flags);
	lun = sdev->hostdata;
	if (lun) {
		stats_sum((u64 *)&sum->counts,
			  (u64 __percpu *)lun->stats.counts,
			  sizeof(sum->counts));
		times = READ_ONCE(lun->stats.times);
		if (times)
			stats_sum((u64 *)&sum->times, (u64 __percpu *)times,
				  sizeof(sum->times));
	}
	spin_unlock_irqrestore(shost->host_lock, flags);
	return lun;
}
