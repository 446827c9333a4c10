// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Slow commands: each that the device keeps for longer than a threshold is
 * named in the log, once.
 *
 * Commands carry no mark for this on their way. One work for all hosts looks at
 * what they have in flight, several times in the length of the threshold, and
 * only while there is one. That a command was named is remembered with the
 * count of its submissions, so that nothing need be cleared when it is sent
 * again. A host that stalls holds thousands of commands, so lines are limited,
 * and what had none is named at one of the next looks. The mutex protects the
 * list of hosts, and a host that is in it is not removed. It also serialises
 * changes of the parameter.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/workqueue.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "virtscsi.h"

/* How often to look, as a part of the threshold, and at the most. */
#define SLOW_LOOKS	4
#define SLOW_LOOK_MIN_MS	10
#define SLOW_LOOK_MAX_MS	1000

static void slow_work(struct work_struct *work);

static LIST_HEAD(slow_hosts);
static DEFINE_MUTEX(slow_mutex);	/* slow_hosts, slow_ms */
static DECLARE_DELAYED_WORK(slow_delayed_work, slow_work);
static DEFINE_RATELIMIT_STATE(slow_lines, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);
static unsigned int slow_ms;

static bool slow_look(struct scsi_cmnd *sc, void *data)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	unsigned int age_ms = jiffies_to_msecs(jiffies - cmd->submitted);

	if (!READ_ONCE(cmd->is_in_flight) || age_ms < slow_ms ||
	    cmd->slow_generation == cmd->generation)
		return true;
	if (!__ratelimit(&slow_lines))
		return false;
	cmd->slow_generation = cmd->generation;
	sdev_printk(KERN_WARNING, sc->device,
		    "slow: the device has tag %#llx for %u ms, CDB %*ph\n",
		    cmd->tag, age_ms, (int)sc->cmd_len, sc->cmnd);
	return true;
}

/* The mutex is held. */
static void slow_schedule(void)
{
	unsigned int ms = clamp(slow_ms / SLOW_LOOKS, SLOW_LOOK_MIN_MS,
				SLOW_LOOK_MAX_MS);

	if (slow_ms && !list_empty(&slow_hosts))
		schedule_delayed_work(&slow_delayed_work, msecs_to_jiffies(ms));
}

static void slow_work(struct work_struct *work)
{
	struct virtscsi *vscsi;

	mutex_lock(&slow_mutex);
	if (slow_ms)
		list_for_each_entry(vscsi, &slow_hosts, slow)
			scsi_host_busy_iter(vscsi->shost, slow_look, NULL);
	slow_schedule();
	mutex_unlock(&slow_mutex);
}

static int slow_set(const char *text, const struct kernel_param *param)
{
	int err;

	mutex_lock(&slow_mutex);
	err = param_set_uint(text, param);
	if (!err) {
		cancel_delayed_work(&slow_delayed_work);
		slow_schedule();
	}
	mutex_unlock(&slow_mutex);
	return err;
}

static const struct kernel_param_ops slow_ops = {
	.set = slow_set,
	.get = param_get_uint,
};

module_param_cb(slow_ms, &slow_ops, &slow_ms, 0644);
MODULE_PARM_DESC(slow_ms,
		 "Milliseconds after which a command that the host keeps is named in the log (default 0: never)");

/**
 * virtscsi_slow_add() - look at the commands of this host too
 * @vscsi: instance, its host added
 *
 * Context: process.
 */
void virtscsi_slow_add(struct virtscsi *vscsi)
{
	mutex_lock(&slow_mutex);
	list_add_tail(&vscsi->slow, &slow_hosts);
	slow_schedule();
	mutex_unlock(&slow_mutex);
}

/**
 * virtscsi_slow_remove() - no longer look at them
 * @vscsi: instance, its host still there
 *
 * Context: process; waits for who is looking.
 */
void virtscsi_slow_remove(struct virtscsi *vscsi)
{
	mutex_lock(&slow_mutex);
	list_del(&vscsi->slow);
	mutex_unlock(&slow_mutex);
}

/**
 * virtscsi_slow_exit() - the module is to go
 *
 * Context: process, after the last host; waits for the work.
 */
void virtscsi_slow_exit(void)
{
	cancel_delayed_work_sync(&slow_delayed_work);
}
