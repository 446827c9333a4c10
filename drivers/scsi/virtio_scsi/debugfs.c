// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables of counters and of commands in flight, a directory for each host. A
 * table is a line of names, then a line for each row. A field is one word.
 * Columns are added at the end, none is renamed. No file is writable: a kernel
 * that is locked down refuses even to read a writable one.
 *
 * Nothing here waits for the device or for a scan, because these files are read
 * when those hang. The directory is removed before the host.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "debugfs.h"
#include "virtscsi.h"
#include "wire.h"

static struct dentry *debugfs_root;

static const char * const lun_counter_names[] = {
	[VIRTSCSI_STATS_BUSY] = "busy",
	[VIRTSCSI_STATS_RETRIES] = "retries",
	[VIRTSCSI_STATS_TIMEOUTS] = "timeouts",
	[VIRTSCSI_STATS_HELD] = "held",
	[VIRTSCSI_STATS_CHECK_CONDITION] = "check_condition",
	[VIRTSCSI_STATS_STATUS_OTHER] = "status_other",
	[VIRTSCSI_STATS_RESET] = "reset",
	[VIRTSCSI_STATS_TRANSPORT] = "transport",
	[VIRTSCSI_STATS_FAILED] = "failed",
};

static const char * const hba_counter_names[] = {
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
	[VIRTSCSI_STATS_PAUSES] = "pauses",
};

static const char * const flow_names[] = { "write", "read", "none" };

static void queues_show_one(struct seq_file *file, const char *name,
			    struct virtscsi_vq *vq)
{
	const struct virtscsi_vq_stats stats = virtscsi_vq_read_stats(vq);

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
	queues_show_one(file, "control", virtscsi_vq_control(vscsi));
	queues_show_one(file, "event", virtscsi_vq_event(vscsi));
	for (i = 0; i < virtscsi_vq_nr_requests(vscsi); i++) {
		snprintf(name, sizeof(name), "%u", i);
		queues_show_one(file, name, virtscsi_vq_request(vscsi, i));
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
		seq_printf(file, "%s %llu\n", hba_counter_names[i],
			   virtscsi_stats_hba_read(vscsi, i));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(hba);

static void luns_show_one(struct seq_file *file, struct scsi_device *sdev)
{
	struct virtscsi_stats sum;
	unsigned int i;

	if (!virtscsi_stats_lun_read(sdev, &sum))
		return;
	seq_printf(file, "%u %llu %u %d", sdev->id, sdev->lun,
		   sdev->queue_depth, scsi_device_busy(sdev));
	for (i = 0; i < VIRTSCSI_STATS_NR_FLOWS; i++)
		seq_printf(file, " %llu %llu", sum.flow[i].commands,
			   sum.flow[i].bytes);
	for (i = 0; i < VIRTSCSI_STATS_NR_LUN; i++)
		seq_printf(file, " %llu", sum.lun[i]);
	seq_putc(file, '\n');
}

static int luns_show(struct seq_file *file, void *unused)
{
	struct virtscsi *vscsi = file->private;
	struct scsi_device *sdev;
	unsigned int i;

	seq_puts(file, "target lun queue_depth outstanding");
	for (i = 0; i < VIRTSCSI_STATS_NR_FLOWS; i++)
		seq_printf(file, " %s_commands %s_bytes", flow_names[i],
			   flow_names[i]);
	for (i = 0; i < VIRTSCSI_STATS_NR_LUN; i++)
		seq_printf(file, " %s", lun_counter_names[i]);
	seq_putc(file, '\n');
	shost_for_each_device(sdev, vscsi->shost)
		luns_show_one(file, sdev);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(luns);

static bool inflight_show_one(struct scsi_cmnd *sc, void *data)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	u64 tag = virtscsi_cmd_tag(sc);

	seq_printf(data, "%u %u %llu %#llx %u %d %*phN %u %s\n",
		   blk_mq_unique_tag_to_hwq(virtscsi_wire_tag_unique(tag)),
		   sc->device->id, sc->device->lun, tag,
		   virtscsi_cmd_age_ms(sc), sc->retries, sc->cmd_len, sc->cmnd,
		   virtscsi_recovery_timeouts(&cmd->recovery),
		   virtscsi_recovery_says(sc));
	return true;
}

static int inflight_show(struct seq_file *file, void *unused)
{
	seq_puts(file, "queue target lun tag age_ms retries cdb timeouts device_says\n");
	virtscsi_inflight_for_each(file->private, inflight_show_one, file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(inflight);

void virtscsi_debugfs_init(struct virtscsi *vscsi)
{
	struct dentry *dir;
	char name[16];

	snprintf(name, sizeof(name), "host%u", vscsi->shost->host_no);
	dir = debugfs_create_dir(name, debugfs_root);
	debugfs_create_file("queues", 0400, dir, vscsi, &queues_fops);
	debugfs_create_file("hba", 0400, dir, vscsi, &hba_fops);
	debugfs_create_file("luns", 0400, dir, vscsi, &luns_fops);
	debugfs_create_file("inflight", 0400, dir, vscsi, &inflight_fops);
	vscsi->debugfs.dir = dir;
}

/* Waits for readers. */
void virtscsi_debugfs_exit(struct virtscsi *vscsi)
{
	debugfs_remove(vscsi->debugfs.dir);
}

void __init virtscsi_debugfs_module_init(void)
{
	debugfs_root = debugfs_create_dir("virtio_scsi", NULL);
}

void virtscsi_debugfs_module_exit(void)
{
	debugfs_remove(debugfs_root);
}
