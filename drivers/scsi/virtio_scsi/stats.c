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

const char *const virtscsi_stats_lun_names[] = {
	[VIRTSCSI_STATS_BUSY] = "busy",
	[VIRTSCSI_STATS_RETRIES] = "retries",
	[VIRTSCSI_STATS_TIMEOUTS] = "timeouts",
	[VIRTSCSI_STATS_TIMEOUTS_FOUND] = "timeouts_found",
	[VIRTSCSI_STATS_CHECK_CONDITION] = "check_condition",
	[VIRTSCSI_STATS_STATUS_BUSY] = "status_busy",
	[VIRTSCSI_STATS_RESERVATION] = "reservation_conflict",
	[VIRTSCSI_STATS_STATUS_OTHER] = "status_other",
	[VIRTSCSI_STATS_BAD_TARGET] = "bad_target",
	[VIRTSCSI_STATS_RESET] = "reset",
	[VIRTSCSI_STATS_DEVICE_BUSY] = "device_busy",
	[VIRTSCSI_STATS_TRANSPORT] = "transport",
	[VIRTSCSI_STATS_GONE] = "gone",
	[VIRTSCSI_STATS_FAILED] = "failed",
	[VIRTSCSI_STATS_HELD] = "held",
};

const char *const virtscsi_stats_hba_names[] = {
	[VIRTSCSI_STATS_ABORTS] = "aborts",
	[VIRTSCSI_STATS_LUN_RESETS] = "lun_resets",
	[VIRTSCSI_STATS_NEXUS_RESETS] = "nexus_resets",
	[VIRTSCSI_STATS_OTHER_TMFS] = "other_tmfs",
	[VIRTSCSI_STATS_TMFS_FAILED] = "tmfs_failed",
	[VIRTSCSI_STATS_DEVICE_RESETS] = "device_resets",
	[VIRTSCSI_STATS_EVENTS] = "events",
	[VIRTSCSI_STATS_EVENTS_MISSED] = "events_missed",
	[VIRTSCSI_STATS_LOST_INTERRUPTS] = "lost_interrupts",
	[VIRTSCSI_STATS_DOORBELLS_AGAIN] = "doorbells_again",
	[VIRTSCSI_STATS_COMMANDS_LOST] = "commands_lost",
	[VIRTSCSI_STATS_PAUSES] = "pauses",
};

const char *const virtscsi_stats_flow_names[] = { "write", "read", "none" };

/* The kernel sets a module's parameters one at a time. */
static int stats_measure_set(const char *text, const struct kernel_param *param)
{
	bool was_on = measure_latency;
	int err = param_set_bool(text, param);

	if (!was_on && measure_latency) {
		WRITE_ONCE(stats_since_ns, ktime_get_ns());
		static_branch_enable(&virtscsi_stats_is_timed);
	} else if (was_on && !measure_latency) {
		static_branch_disable(&virtscsi_stats_is_timed);
	}
	return err;
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

static void stats_alloc_times(struct virtscsi_lun_stats *stats)
{
	struct virtscsi_stats_times __percpu *times;

	times = alloc_percpu_gfp(struct virtscsi_stats_times,
				 GFP_NOWAIT | __GFP_NOWARN);
	/* Another CPU may have been faster. */
	if (times && cmpxchg(&stats->times, NULL, times))
		free_percpu(times);
}

void virtscsi_stats_start(struct virtscsi_lun_stats *stats,
			  struct virtscsi_cmd_stats *cmd)
{
	if (unlikely(!READ_ONCE(stats->times)))
		stats_alloc_times(stats);
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

static enum virtscsi_stats_lun stats_of_status(u8 status)
{
	switch (status) {
	case SAM_STAT_CHECK_CONDITION:
		return VIRTSCSI_STATS_CHECK_CONDITION;
	case SAM_STAT_BUSY:
	case SAM_STAT_TASK_SET_FULL:
		return VIRTSCSI_STATS_STATUS_BUSY;
	case SAM_STAT_RESERVATION_CONFLICT:
		return VIRTSCSI_STATS_RESERVATION;
	}
	return VIRTSCSI_STATS_STATUS_OTHER;
}

static enum virtscsi_stats_lun stats_of_result(int result)
{
	switch (host_byte(result)) {
	case DID_OK:
		return stats_of_status(result & 0xff);
	case DID_BAD_TARGET:
		return VIRTSCSI_STATS_BAD_TARGET;
	case DID_RESET:
		return VIRTSCSI_STATS_RESET;
	case DID_BUS_BUSY:
		return VIRTSCSI_STATS_DEVICE_BUSY;
	case DID_TRANSPORT_DISRUPTED:
		return VIRTSCSI_STATS_TRANSPORT;
	case DID_NO_CONNECT:
		return VIRTSCSI_STATS_GONE;
	}
	return VIRTSCSI_STATS_FAILED;
}

void virtscsi_stats_error(struct virtscsi_lun_stats *stats,
			  const struct scsi_cmnd *sc)
{
	virtscsi_stats_count(stats, stats_of_result(sc->result));
}

void virtscsi_stats_hba_add(struct virtscsi *vscsi,
			    enum virtscsi_stats_hba what, unsigned int nr)
{
	atomic64_add(nr, &vscsi->stats.counters[what]);
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

/* A reset comes without a command, so the LUN may have gone meanwhile. */
static void stats_count_tmf(struct scsi_device *sdev,
			    enum virtscsi_stats_hba what)
{
	struct virtscsi_lun *lun;
	unsigned long flags;

	spin_lock_irqsave(sdev->host->host_lock, flags);
	lun = sdev->hostdata;
	if (lun)
		this_cpu_inc(lun->stats.counts->tmf[what]);
	spin_unlock_irqrestore(sdev->host->host_lock, flags);
	virtscsi_stats_hba_count(shost_priv(sdev->host), what);
}

/*
 * @answer is the device's response or a negative error; VIRTIO_SCSI_S_OK if
 * nobody waits for the response. Any context.
 */
void virtscsi_stats_tmf(struct scsi_device *sdev, u32 subtype, int answer)
{
	stats_count_tmf(sdev, stats_of_tmf(subtype));
	if (answer != VIRTIO_SCSI_S_OK &&
	    answer != VIRTIO_SCSI_S_FUNCTION_SUCCEEDED)
		stats_count_tmf(sdev, VIRTSCSI_STATS_TMFS_FAILED);
}

static void stats_add_u64(u64 *sum, const u64 *part, size_t nr)
{
	while (nr--)
		*sum++ += READ_ONCE(*part++);
}

static void stats_add_u32(u32 *sum, const u32 *part, size_t nr)
{
	while (nr--)
		*sum++ += READ_ONCE(*part++);
}

static void stats_add_cpu(const struct virtscsi_lun_stats *stats,
			  struct virtscsi_stats_sum *sum, int cpu)
{
	const struct virtscsi_stats *counts = per_cpu_ptr(stats->counts, cpu);
	struct virtscsi_stats_times __percpu *times = READ_ONCE(stats->times);

	stats_add_u64((u64 *)sum->counts.flow, (const u64 *)counts->flow,
		      sizeof(counts->flow) / (sizeof(u64)));
	stats_add_u32(sum->counts.lun, counts->lun, ARRAY_SIZE(counts->lun));
	stats_add_u32(sum->counts.tmf, counts->tmf, ARRAY_SIZE(counts->tmf));
	if (times)
		stats_add_u64((u64 *)&sum->times, (u64 *)per_cpu_ptr(times, cpu),
			      sizeof(sum->times) / sizeof(u64));
}

/* Returns false if the LUN has gone meanwhile. Any context. */
bool virtscsi_stats_lun_read(struct scsi_device *sdev,
			     struct virtscsi_stats_sum *sum)
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
			stats_add_cpu(&lun->stats, sum, cpu);
	spin_unlock_irqrestore(shost->host_lock, flags);
	return lun;
}
