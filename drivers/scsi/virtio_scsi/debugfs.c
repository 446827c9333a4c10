// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the driver sees, as text, for people and for scripts: a directory of
 * debugfs for each host with its counters and with the commands that the device
 * holds. A file is a table: a line of names, then a line for each row; columns
 * are added at the end, and none is renamed. None can be written to, since a
 * kernel that is locked down (Secure Boot) refuses even to read those that can.
 *
 * Nothing here waits for the device or for a scan, since these files are read
 * when those hang. A LUN's counters are read under the lock of the host; the
 * block layer holds on to a request while it is shown. The directory is gone,
 * and nobody in it, before the host is removed.
 */
#include <linux/debugfs.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "fault_inject.h"
#include "stats.h"

static struct dentry *debugfs_root;

static void debugfs_show_vq(struct seq_file *file, const char *name,
			    struct virtscsi_vq *vq)
{
	struct virtscsi_stats_vq stats;
	unsigned long flags;

	spin_lock_irqsave(&vq->lock, flags);
	stats = vq->stats;
	spin_unlock_irqrestore(&vq->lock, flags);
	seq_printf(file, "%s %llu %llu %llu %llu %llu\n", name, stats.added,
		   stats.returned, stats.unprompted, stats.doorbells,
		   stats.interrupts);
}

static int queues_show(struct seq_file *file, void *unused)
{
	struct virtscsi *vscsi = file->private;
	char name[16];
	u32 i;

	seq_puts(file, "queue added returned unprompted doorbells interrupts\n");
	debugfs_show_vq(file, "control", &vscsi->ctrl_vq);
	debugfs_show_vq(file, "event", &vscsi->event_vq);
	for (i = 0; i < vscsi->nr_queues; i++) {
		snprintf(name, sizeof(name), "%u", i);
		debugfs_show_vq(file, name, &vscsi->req_vqs[i]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(queues);

static int hba_show(struct seq_file *file, void *unused)
{
	struct virtscsi *vscsi = file->private;
	unsigned int i;

	seq_puts(file, "counter value\n");
	for (i = 0; i < VIRTSCSI_STATS_NR_HBA; i++)
		seq_printf(file, "%s %lld\n", virtscsi_stats_hba_names[i],
			   atomic64_read(&vscsi->stats[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(hba);

typedef void (*debugfs_lun_fn)(struct seq_file *file, struct scsi_device *sdev,
			       const struct virtscsi_stats_sum *sum);

/* Calls show() with the counters of each LUN. */
static int debugfs_show_luns(struct seq_file *file, debugfs_lun_fn show)
{
	struct virtscsi *vscsi = file->private;
	struct virtscsi_stats_sum *sum;
	struct scsi_device *sdev;

	sum = kzalloc_obj(*sum, GFP_KERNEL);
	if (!sum)
		return -ENOMEM;
	shost_for_each_device(sdev, vscsi->shost)
		if (virtscsi_stats_add_up(sdev, sum))
			show(file, sdev, sum);
	kfree(sum);
	return 0;
}

static void luns_show_one(struct seq_file *file, struct scsi_device *sdev,
			  const struct virtscsi_stats_sum *sum)
{
	unsigned int i;

	seq_printf(file, "%u %llu %u %d", sdev->id, sdev->lun,
		   sdev->queue_depth, scsi_device_busy(sdev));
	for (i = 0; i < VIRTSCSI_STATS_NR_FLOWS; i++)
		seq_printf(file, " %llu %llu", sum->counts.flow[i].commands,
			   sum->counts.flow[i].bytes);
	for (i = 0; i < VIRTSCSI_STATS_NR_LUN; i++)
		seq_printf(file, " %u", sum->counts.lun[i]);
	for (i = 0; i < VIRTSCSI_STATS_NR_TMFS; i++)
		seq_printf(file, " %u", sum->counts.tmf[i]);
	seq_putc(file, '\n');
}

static int luns_show(struct seq_file *file, void *unused)
{
	unsigned int i;

	seq_puts(file, "target lun queue_depth outstanding");
	for (i = 0; i < VIRTSCSI_STATS_NR_FLOWS; i++)
		seq_printf(file, " %s_commands %s_bytes",
			   virtscsi_stats_flow_names[i],
			   virtscsi_stats_flow_names[i]);
	for (i = 0; i < VIRTSCSI_STATS_NR_LUN; i++)
		seq_printf(file, " %s", virtscsi_stats_lun_names[i]);
	for (i = 0; i < VIRTSCSI_STATS_NR_TMFS; i++)
		seq_printf(file, " %s", virtscsi_stats_hba_names[i]);
	seq_putc(file, '\n');
	return debugfs_show_luns(file, luns_show_one);
}
DEFINE_SHOW_ATTRIBUTE(luns);

static void latency_show_one(struct seq_file *file, struct scsi_device *sdev,
			     const struct virtscsi_stats_sum *sum)
{
	unsigned int i, bucket;

	for (i = 0; i < VIRTSCSI_STATS_NR_FLOWS; i++) {
		seq_printf(file, "%u %llu %s", sdev->id, sdev->lun,
			   virtscsi_stats_flow_names[i]);
		for (bucket = 0; bucket < VIRTSCSI_STATS_NR_BUCKETS; bucket++)
			seq_printf(file, " %llu",
				   sum->times.flow[i].latency[bucket]);
		seq_printf(file, " %llu\n", sum->times.flow[i].total_ns);
	}
}

static int latency_show(struct seq_file *file, void *unused)
{
	unsigned int bucket;

	/* The last bucket has no upper bound. */
	seq_puts(file, "target lun direction");
	for (bucket = 0; bucket < VIRTSCSI_STATS_NR_BUCKETS - 1; bucket++)
		seq_printf(file, " <%lluns", VIRTSCSI_STATS_BUCKET_NS(bucket));
	seq_puts(file, " more total_ns\n");
	return debugfs_show_luns(file, latency_show_one);
}
DEFINE_SHOW_ATTRIBUTE(latency);

static bool debugfs_show_command(struct scsi_cmnd *sc, void *data)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct seq_file *file = data;

	if (READ_ONCE(cmd->is_in_flight))
		seq_printf(file, "%u %u %llu %#llx %u %d %*ph\n",
			   blk_mq_unique_tag_to_hwq(blk_mq_unique_tag(scsi_cmd_to_rq(sc))),
			   sc->device->id, sc->device->lun, cmd->tag,
			   jiffies_to_msecs(jiffies - cmd->submitted),
			   sc->retries, (int)sc->cmd_len, sc->cmnd);
	return true;
}

static int inflight_show(struct seq_file *file, void *unused)
{
	struct virtscsi *vscsi = file->private;

	seq_puts(file, "queue target lun tag age_ms retries cdb\n");
	scsi_host_busy_iter(vscsi->shost, debugfs_show_command, file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(inflight);

/**
 * virtscsi_debugfs_add() - make the directory of a host
 * @vscsi: instance, its host added
 *
 * Without debugfs, or when it refuses, there is none, and nobody minds.
 *
 * Context: process.
 */
void virtscsi_debugfs_add(struct virtscsi *vscsi)
{
	struct dentry *dir;
	char name[16];

	snprintf(name, sizeof(name), "host%u", vscsi->shost->host_no);
	dir = debugfs_create_dir(name, debugfs_root);
	debugfs_create_file("queues", 0400, dir, vscsi, &queues_fops);
	debugfs_create_file("hba", 0400, dir, vscsi, &hba_fops);
	debugfs_create_file("luns", 0400, dir, vscsi, &luns_fops);
	debugfs_create_file("latency", 0400, dir, vscsi, &latency_fops);
	debugfs_create_file("inflight", 0400, dir, vscsi, &inflight_fops);
	virtscsi_fault_add(vscsi, dir);
	vscsi->debugfs = dir;
}

/**
 * virtscsi_debugfs_remove() - remove it
 * @vscsi: instance
 *
 * Context: process; waits for who is reading.
 */
void virtscsi_debugfs_remove(struct virtscsi *vscsi)
{
	debugfs_remove(vscsi->debugfs);
	virtscsi_fault_remove(vscsi);
}

/**
 * virtscsi_debugfs_init() - make the driver's directory
 *
 * Context: process, before the first host.
 */
void __init virtscsi_debugfs_init(void)
{
	debugfs_root = debugfs_create_dir("virtio_scsi", NULL);
}

/**
 * virtscsi_debugfs_exit() - remove it
 *
 * Context: process, after the last host.
 */
void virtscsi_debugfs_exit(void)
{
	debugfs_remove(debugfs_root);
}
