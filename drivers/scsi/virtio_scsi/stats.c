// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counters: of the commands of each LUN, of virtqueues and of an HBA.
 *
 * Those of a LUN are per CPU, because any CPU may finish a command of any LUN;
 * they are added up when somebody looks. Those of a virtqueue are protected by
 * its lock, which is held where they count, but for interrupts, which come one
 * at a time. None is ever set back. On 32 bits a sum may be caught between the
 * halves of a counter.
 *
 * What a command took is measured only while somebody wants to know, behind a
 * static key, since reading the clock twice costs more than all else here. A
 * command that was sent before the key was turned has no time of its own and is
 * left out. The histograms are large, so a LUN has none before its first command
 * is measured; that may be in any context.
 *
 * A LUN's counters live as long as its hostdata, from sdev_init() to
 * sdev_destroy(). The commands of a LUN end before; whoever else looks holds
 * the lock of the host, see virtscsi_stats_add_up().
 */
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "stats.h"

DEFINE_STATIC_KEY_FALSE(virtscsi_stats_is_timed);

static bool measure_latency;

/* When the key was last turned on. */
static u64 stats_since_ns;

/* Serialises giving a LUN its histograms. */
static DEFINE_SPINLOCK(stats_lock);

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
	[VIRTSCSI_STATS_ABORTED] = "aborted",
	[VIRTSCSI_STATS_RESET] = "reset",
	[VIRTSCSI_STATS_DEVICE_BUSY] = "device_busy",
	[VIRTSCSI_STATS_TRANSPORT] = "transport",
	[VIRTSCSI_STATS_GONE] = "gone",
	[VIRTSCSI_STATS_FAILED] = "failed",
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
 * No file of debugfs, like the tables: a kernel that is locked down refuses
 * those that can be written. And of a driver that is built in, it is not set
 * before there is a clock.
 */
device_param_cb(measure_latency, &stats_measure_ops, &measure_latency, 0644);
MODULE_PARM_DESC(measure_latency,
		 "Whether to count how long the host takes for commands (default N)");

static void stats_give_times(struct virtscsi_lun *lun)
{
	struct virtscsi_stats_times __percpu *times;
	unsigned long flags;

	times = alloc_percpu_gfp(struct virtscsi_stats_times,
				 GFP_NOWAIT | __GFP_NOWARN);
	spin_lock_irqsave(&stats_lock, flags);
	if (!lun->times) {
		/* Pairs with the reads of who finds them there. */
		smp_store_release(&lun->times, times);
		times = NULL;
	}
	spin_unlock_irqrestore(&stats_lock, flags);
	free_percpu(times);
}

/**
 * virtscsi_stats_stamp() - remember when a command was sent
 * @sc: command
 *
 * Context: any.
 */
void virtscsi_stats_stamp(struct scsi_cmnd *sc)
{
	struct virtscsi_lun *lun = sc->device->hostdata;
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	if (unlikely(!READ_ONCE(lun->times)))
		stats_give_times(lun);
	cmd->submitted_ns = ktime_get_ns();
}

/**
 * virtscsi_stats_latency() - count how long a command took
 * @sc: command
 *
 * Context: any.
 */
void virtscsi_stats_latency(struct scsi_cmnd *sc)
{
	struct virtscsi_lun *lun = sc->device->hostdata;
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct virtscsi_stats_times __percpu *times;
	unsigned int flow, bucket;
	u64 took_ns;

	times = READ_ONCE(lun->times);
	if (!times || cmd->submitted_ns < READ_ONCE(stats_since_ns))
		return;
	flow = virtscsi_stats_direction(sc);
	took_ns = ktime_get_ns() - cmd->submitted_ns;
	bucket = min(fls64(took_ns / VIRTSCSI_STATS_BUCKET_NS(0)),
		     VIRTSCSI_STATS_NR_BUCKETS - 1);
	this_cpu_inc(times->flow[flow].latency[bucket]);
	this_cpu_add(times->flow[flow].total_ns, took_ns);
}

static enum virtscsi_stats_lun stats_status(u8 status)
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

static enum virtscsi_stats_lun stats_kind(int result)
{
	switch (host_byte(result)) {
	case DID_OK:
		return stats_status(result & 0xff);
	case DID_BAD_TARGET:
		return VIRTSCSI_STATS_BAD_TARGET;
	case DID_ABORT:
		return VIRTSCSI_STATS_ABORTED;
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

/**
 * virtscsi_stats_error() - count a command by how it failed
 * @sc: command, with its result
 *
 * Context: any.
 */
void virtscsi_stats_error(struct scsi_cmnd *sc)
{
	virtscsi_stats_count(sc, stats_kind(sc->result));
}

/* Who asks for a reset has no command of the LUN, so it may be gone by now. */
static void stats_count_tmf(struct scsi_device *sdev,
			    enum virtscsi_stats_hba what)
{
	struct Scsi_Host *shost = sdev->host;
	struct virtscsi *vscsi = shost_priv(shost);
	struct virtscsi_lun *lun;
	unsigned long flags;

	spin_lock_irqsave(shost->host_lock, flags);
	lun = sdev->hostdata;
	if (lun)
		this_cpu_inc(lun->stats->tmf[what]);
	spin_unlock_irqrestore(shost->host_lock, flags);
	atomic64_inc(&vscsi->stats[what]);
}

/**
 * virtscsi_stats_tmf() - count a task management function
 * @sdev: LUN on whose behalf it was sent
 * @subtype: one of VIRTIO_SCSI_T_TMF_*
 * @answer: the device's, or a negative error; 0 where nobody waits for it
 *
 * Context: any.
 */
void virtscsi_stats_tmf(struct scsi_device *sdev, u32 subtype, int answer)
{
	enum virtscsi_stats_hba what = VIRTSCSI_STATS_OTHER_TMFS;

	switch (subtype) {
	case VIRTIO_SCSI_T_TMF_ABORT_TASK:
		what = VIRTSCSI_STATS_ABORTS;
		break;
	case VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET:
		what = VIRTSCSI_STATS_LUN_RESETS;
		break;
	case VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET:
		what = VIRTSCSI_STATS_NEXUS_RESETS;
		break;
	}
	stats_count_tmf(sdev, what);
	if (answer != VIRTIO_SCSI_S_OK &&
	    answer != VIRTIO_SCSI_S_FUNCTION_SUCCEEDED)
		stats_count_tmf(sdev, VIRTSCSI_STATS_TMFS_FAILED);
}

static void stats_add_u64(u64 *sum, const u64 *part, size_t len)
{
	size_t i;

	for (i = 0; i < len / sizeof(*sum); i++)
		sum[i] += READ_ONCE(part[i]);
}

static void stats_add_u32(u32 *sum, const u32 *part, size_t len)
{
	size_t i;

	for (i = 0; i < len / sizeof(*sum); i++)
		sum[i] += READ_ONCE(part[i]);
}

static void stats_add_cpu(struct virtscsi_lun *lun,
			  struct virtscsi_stats_sum *sum, int cpu)
{
	const struct virtscsi_stats *counts = per_cpu_ptr(lun->stats, cpu);
	struct virtscsi_stats_times __percpu *times = READ_ONCE(lun->times);

	stats_add_u64((u64 *)sum->counts.flow, (const u64 *)counts->flow,
		      sizeof(counts->flow));
	stats_add_u32(sum->counts.lun, counts->lun, sizeof(counts->lun));
	stats_add_u32(sum->counts.tmf, counts->tmf, sizeof(counts->tmf));
	if (times)
		stats_add_u64((u64 *)&sum->times,
			      (u64 *)per_cpu_ptr(times, cpu),
			      sizeof(sum->times));
}

/**
 * virtscsi_stats_add_up() - the counters of a LUN
 * @sdev: LUN
 * @sum: what they are now
 *
 * Context: any.
 * Return: false if the LUN has gone meanwhile.
 */
bool virtscsi_stats_add_up(struct scsi_device *sdev,
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
			stats_add_cpu(lun, sum, cpu);
	spin_unlock_irqrestore(shost->host_lock, flags);
	return lun;
}
