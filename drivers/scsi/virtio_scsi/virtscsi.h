/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the driver share: the instance and the command.
 *
 * One struct virtscsi lives in the hostdata of each Scsi_Host, from probe to
 * the last reference on the host.
 */
#ifndef VIRTSCSI_H
#define VIRTSCSI_H

#include <linux/atomic.h>
#include <linux/blk-mq.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <scsi/scsi_host.h>

#include "limits.h"
#include "override.h"
#include "wire.h"

struct dentry;
struct scsi_cmnd;
struct scsi_device;
struct seq_file;
struct virtio_device;
struct virtqueue;
struct virtscsi;
struct virtscsi_faults;

/**
 * enum virtscsi_vq_index - the order of the virtqueues (virtio 1.3, 5.6.2)
 * @VIRTSCSI_VQ_CONTROL: control virtqueue
 * @VIRTSCSI_VQ_EVENT: event virtqueue
 * @VIRTSCSI_VQ_REQUEST: the first request virtqueue
 */
enum virtscsi_vq_index {
	VIRTSCSI_VQ_CONTROL,
	VIRTSCSI_VQ_EVENT,
	VIRTSCSI_VQ_REQUEST,
};

/**
 * enum virtscsi_vq_state - what adding to a virtqueue does
 * @VIRTSCSI_VQ_RUNNING: the buffer goes to the device
 * @VIRTSCSI_VQ_STOPPED: refused for now, the device is being reset
 * @VIRTSCSI_VQ_DEAD: refused for good, the device is gone
 */
enum virtscsi_vq_state {
	VIRTSCSI_VQ_RUNNING,
	VIRTSCSI_VQ_STOPPED,
	VIRTSCSI_VQ_DEAD,
};

/**
 * struct virtscsi_vq_ops - what becomes of a buffer; called without a lock
 * @finish: the device gave it back
 * @lose: the device was reset, or is gone for good, and never will
 */
struct virtscsi_vq_ops {
	void (*finish)(struct virtscsi *vscsi, void *buf);
	void (*lose)(struct virtscsi *vscsi, void *buf, bool is_gone);
};

/**
 * enum virtscsi_stats_lun - what happens seldom to a LUN's commands
 * @VIRTSCSI_STATS_BUSY: found no room in the ring, no DMA mapping, or a device
 *	that is being reset, and is tried again
 * @VIRTSCSI_STATS_RETRIES: sent again by the midlayer
 * @VIRTSCSI_STATS_TIMEOUTS: timer fired
 * @VIRTSCSI_STATS_TIMEOUTS_FOUND: and the command was found in the ring
 * @VIRTSCSI_STATS_CHECK_CONDITION: ended with sense data
 * @VIRTSCSI_STATS_STATUS_BUSY: BUSY or TASK SET FULL
 * @VIRTSCSI_STATS_RESERVATION: RESERVATION CONFLICT
 * @VIRTSCSI_STATS_STATUS_OTHER: any other status but GOOD
 * @VIRTSCSI_STATS_BAD_TARGET: the device knows no such LUN
 * @VIRTSCSI_STATS_ABORTED: ended by a task management function
 * @VIRTSCSI_STATS_RESET: ended by a reset
 * @VIRTSCSI_STATS_DEVICE_BUSY: the device answered BUSY
 * @VIRTSCSI_STATS_TRANSPORT: the device lost its path to the LUN
 * @VIRTSCSI_STATS_GONE: the device is gone
 * @VIRTSCSI_STATS_FAILED: any other failure, or no response at all
 * @VIRTSCSI_STATS_NR_LUN: how many there are
 */
enum virtscsi_stats_lun {
	VIRTSCSI_STATS_BUSY,
	VIRTSCSI_STATS_RETRIES,
	VIRTSCSI_STATS_TIMEOUTS,
	VIRTSCSI_STATS_TIMEOUTS_FOUND,
	VIRTSCSI_STATS_CHECK_CONDITION,
	VIRTSCSI_STATS_STATUS_BUSY,
	VIRTSCSI_STATS_RESERVATION,
	VIRTSCSI_STATS_STATUS_OTHER,
	VIRTSCSI_STATS_BAD_TARGET,
	VIRTSCSI_STATS_ABORTED,
	VIRTSCSI_STATS_RESET,
	VIRTSCSI_STATS_DEVICE_BUSY,
	VIRTSCSI_STATS_TRANSPORT,
	VIRTSCSI_STATS_GONE,
	VIRTSCSI_STATS_FAILED,
	VIRTSCSI_STATS_NR_LUN
};

/**
 * enum virtscsi_stats_hba - what happens seldom to an HBA
 * @VIRTSCSI_STATS_ABORTS: ABORT TASK sent
 * @VIRTSCSI_STATS_LUN_RESETS: LOGICAL UNIT RESET sent
 * @VIRTSCSI_STATS_NEXUS_RESETS: I_T NEXUS RESET sent
 * @VIRTSCSI_STATS_OTHER_TMFS: any other task management function sent
 * @VIRTSCSI_STATS_TMFS_FAILED: of all these, not answered with success
 * @VIRTSCSI_STATS_NR_TMFS: how many there are up to here
 * @VIRTSCSI_STATS_DEVICE_RESETS: the device was reset and started anew
 * @VIRTSCSI_STATS_EVENTS: events reported
 * @VIRTSCSI_STATS_EVENTS_MISSED: of these, with "events were missed"
 * @VIRTSCSI_STATS_NR_HBA: how many there are
 */
enum virtscsi_stats_hba {
	VIRTSCSI_STATS_ABORTS,
	VIRTSCSI_STATS_LUN_RESETS,
	VIRTSCSI_STATS_NEXUS_RESETS,
	VIRTSCSI_STATS_OTHER_TMFS,
	VIRTSCSI_STATS_TMFS_FAILED,
	VIRTSCSI_STATS_NR_TMFS,
	VIRTSCSI_STATS_DEVICE_RESETS = VIRTSCSI_STATS_NR_TMFS,
	VIRTSCSI_STATS_EVENTS,
	VIRTSCSI_STATS_EVENTS_MISSED,
	VIRTSCSI_STATS_NR_HBA
};

/**
 * struct virtscsi_stats_vq - counters of a virtqueue, never set back
 * @added: buffers put into the ring
 * @returned: buffers taken out
 * @unprompted: those of them that no interrupt led to: found by a submitter who
 *	polls, by a timer or by error handling
 * @doorbells: doorbells rung; these four are protected by the queue's lock
 * @interrupts: callbacks from the device, which come one at a time
 */
struct virtscsi_stats_vq {
	u64 added;
	u64 returned;
	u64 unprompted;
	u64 doorbells;
	u64 interrupts;
};

#define VIRTSCSI_STATS_NR_BUCKETS	28

/* Bucket n counts latencies below this, from what bucket n - 1 counts on. */
#define VIRTSCSI_STATS_BUCKET_NS(n)	(1024ULL << (n))

/* Directions, in the order of enum dma_data_direction. */
#define VIRTSCSI_STATS_NR_FLOWS	3

/**
 * struct virtscsi_stats_flow - commands of a LUN in one direction
 * @commands: how many came back
 * @bytes: transferred by those that the device carried out
 */
struct virtscsi_stats_flow {
	u64 commands;
	u64 bytes;
};

/**
 * struct virtscsi_stats - counters of a LUN, on one CPU or of all
 * @flow: to the device, from it, without data
 * @lun: by enum virtscsi_stats_lun
 * @tmf: those of enum virtscsi_stats_hba that count task management functions,
 *	sent on behalf of this LUN
 *
 * Every LUN has one for every possible CPU, so what is rare counts in 32 bits,
 * also where it is added up.
 */
struct virtscsi_stats {
	struct virtscsi_stats_flow flow[VIRTSCSI_STATS_NR_FLOWS];
	u32 lun[VIRTSCSI_STATS_NR_LUN];
	u32 tmf[VIRTSCSI_STATS_NR_TMFS];
};

/**
 * struct virtscsi_stats_times - what commands of a LUN took, on one CPU or all
 * @flow: by direction
 * @flow.latency: how many took how long
 * @flow.total_ns: how long they took together
 */
struct virtscsi_stats_times {
	struct {
		u64 latency[VIRTSCSI_STATS_NR_BUCKETS];
		u64 total_ns;
	} flow[VIRTSCSI_STATS_NR_FLOWS];
};

/**
 * struct virtscsi_stats_sum - what a LUN's counters come to on all CPUs
 * @counts: its commands
 * @times: what they took; zero where nothing was measured
 */
struct virtscsi_stats_sum {
	struct virtscsi_stats counts;
	struct virtscsi_stats_times times;
};

/**
 * struct virtscsi_vq - a virtqueue with its lock
 * @lock: protects @vq and @state
 * @vq: NULL while the device is being reset
 * @state: what adding does
 * @ops: for what is added here; NULL for the event virtqueue
 * @stats: its counters
 */
struct virtscsi_vq {
	spinlock_t lock;	/* vq and state */
	struct virtqueue *vq;
	enum virtscsi_vq_state state;
	const struct virtscsi_vq_ops *ops;
	struct virtscsi_stats_vq stats;
} ____cacheline_aligned_in_smp;

/**
 * struct virtscsi_cmd - the driver's part of a midlayer command
 * @resp: device-writable, virtscsi_wire_resp_len() bytes, on cache lines of its
 *	own; then the request. Those of the tag that the command has at present
 * @tag: identifier on the wire of the latest submission
 * @generation: counts the submissions
 * @missing: the generation of which the device said that it does not have it
 * @is_in_flight: the device holds the command; set before it is added, cleared
 *	when it came back, under RCU (see vq.c)
 * @slow_generation: which submission has been reported as slow, see slow.c
 * @submitted: when it was submitted, in jiffies
 * @submitted_ns: the same by the clock, where latencies are measured
 */
struct virtscsi_cmd {
	struct virtscsi_wire_resp *resp;
	u64 tag;
	u32 generation;
	u32 missing;
	u32 slow_generation;
	bool is_in_flight;
	unsigned long submitted;
	u64 submitted_ns;
};

/**
 * struct virtscsi_lun - what the driver keeps of a LUN: its hostdata
 * @sdev: LUN
 * @stats: its counters
 * @times: its latencies; NULL until one was measured
 * @work: asks if that is due, then applies
 * @due: what the work is to do, and whether somebody waits for it
 * @asked_at: when the LUN was last asked, in jiffies
 * @core_max_sectors: bound by the SCSI core's list of odd devices, or U32_MAX
 * @refused_sectors: the smallest pass-through command that was refused as if it
 *	were too large, or 0
 * @lock: protects what follows
 * @is_live: the limits have been applied once; the work applies what changes
 * @is_asked: the answers are more recent than what the SCSI core has read
 * @answers: what the LUN said
 * @overrides: what the administrator says; 0 is nothing
 * @limits: what is in force
 *
 * From sdev_init() to sdev_destroy(). Who is in between because of a command
 * may use it; others hold the lock of the host and find it NULL afterwards.
 */
struct virtscsi_lun {
	struct scsi_device *sdev;
	struct virtscsi_stats __percpu *stats;
	struct virtscsi_stats_times __percpu *times;
	struct delayed_work work;
	unsigned long due;
	unsigned long asked_at;
	u32 core_max_sectors;
	u32 refused_sectors;

	struct mutex lock;	/* what follows */
	bool is_live;
	bool is_asked;
	struct virtscsi_answers answers;
	u32 overrides[VIRTSCSI_NR_OVERRIDES];
	struct virtscsi_lun_limits limits;
};

/**
 * struct virtscsi - one HBA
 * @vdev: the virtio device
 * @shost: the SCSI host around this structure
 * @limits: the limits as they were negotiated
 * @overrides: what the administrator says of the HBA; 0 is nothing
 * @found: called for each LUN that is found
 * @most_segments: of data, that a request may have been built with
 * @is_le: the device is little-endian
 * @has_pi: VIRTIO_SCSI_F_T10_PI is negotiated
 * @nr_queues: request virtqueues, polled ones included
 * @nr_poll_queues: of these, polled ones; they come last
 * @cmd_cache: response and request headers of one tag each
 * @headers: these, of all tags of all request virtqueues
 * @nr_tags: tags of a request virtqueue
 * @request_len: bytes of a request header
 * @resp_len: bytes of a response header
 * @request_offset: where in an object of @cmd_cache the request starts
 * @reset: one reset at a time, from its beginning to its end; suspend and
 *	removal wait for it; taken before @life
 * @life: serialises stopping and starting the device
 * @is_quiesced: the device is reset and has no virtqueues; protected by @life
 * @is_going: the driver is being unbound; protected by @life
 * @is_dead: the device is not used any more; protected by @life
 * @patience_s: how long the device may keep a command, in seconds; 0: for ever
 * @nr_lost_interrupts: commands that a timer found in a ring
 * @nr_doorbells_again: doorbells rung once more by a timer
 * @nr_tmf_overdue: task management functions given up, not given back
 * @is_querying: a QUERY TASK is under way
 * @queried: the command that it is about, as long as that exists
 * @is_tmf_false: the device said "done" and kept commands
 * @tmf_wasted: how long task management functions took that did not help, in
 *	jiffies, since one did or the device was reset
 * @reset_at: when the device was last started, in jiffies
 * @watch_work: after suspend, or a reset by the transport, looks whether the
 *	device came back
 * @nr_watched: how often it has looked
 * @recovery_work: looks whether the device needs a reset
 * @has_progressed: a command has finished since the device was last reset
 * @nr_resets: resets of the device, suspend not included
 * @nr_fruitless: of these, the latest ones in a row without progress between
 * @window_start: when counting of @nr_in_window began, in jiffies
 * @nr_in_window: resets since then
 * @event_queue: ordered; whoever scans or removes LUNs does it there
 * @event_work: drains the event virtqueue
 * @event_retry: gives the device the buffers that could not be given before
 * @events_kept: those, by their numbers; protected by @life
 * @attention_work: follows a unit attention about the inventory
 * @attention_seen: when the unit attention came, in jiffies
 * @scan_began: when the host was last scanned, in jiffies
 * @inventory_at: when an event last told what came or went, in jiffies
 * @may_have_lost: so many events at once that some may have found no buffer
 * @events: the event buffers, one after the other
 * @event_stride: distance of two buffers in bytes
 * @is_rescan_due: events were missed
 * @stats: by enum virtscsi_stats_hba
 * @debugfs: directory in debugfs
 * @slow: in the list of slow.c
 * @faults: see fault_inject.c; NULL where there are none
 * @ctrl_vq: control virtqueue
 * @event_vq: event virtqueue
 * @req_vqs: request virtqueues, @nr_queues of them
 */
struct virtscsi {
	struct virtio_device *vdev;
	struct Scsi_Host *shost;
	struct virtscsi_limits limits;
	u32 overrides[VIRTSCSI_NR_OVERRIDES];
	struct notifier_block found;
	u32 most_segments;
	bool is_le;
	bool has_pi;
	u32 nr_queues;
	u32 nr_poll_queues;

	struct kmem_cache *cmd_cache;
	void **headers;
	u32 nr_tags;
	u32 request_len;
	u32 resp_len;
	u32 request_offset;

	struct mutex reset;	/* a reset from beginning to end */
	struct mutex life;	/* stopping and starting */
	bool is_quiesced;
	bool is_going;
	bool is_dead;

	unsigned int patience_s;
	atomic_t nr_lost_interrupts;
	atomic_t nr_doorbells_again;
	atomic_t nr_tmf_overdue;
	unsigned long is_querying;
	struct virtscsi_cmd *queried;
	bool is_tmf_false;
	unsigned long tmf_wasted;
	unsigned long reset_at;
	struct delayed_work watch_work;
	unsigned int nr_watched;
	struct work_struct recovery_work;
	bool has_progressed;
	unsigned int nr_resets;
	unsigned int nr_fruitless;
	unsigned long window_start;
	unsigned int nr_in_window;

	struct workqueue_struct *event_queue;
	struct work_struct event_work;
	struct delayed_work event_retry;
	unsigned long events_kept;
	struct delayed_work attention_work;
	unsigned long attention_seen;
	unsigned long scan_began;
	unsigned long inventory_at;
	bool may_have_lost;
	void *events;
	u32 event_stride;
	unsigned long is_rescan_due;

	atomic64_t stats[VIRTSCSI_STATS_NR_HBA];
	struct dentry *debugfs;
	struct list_head slow;
	struct virtscsi_faults *faults;

	struct virtscsi_vq ctrl_vq;
	struct virtscsi_vq event_vq;
	struct virtscsi_vq req_vqs[];
};

static inline u32 virtscsi_limit(const struct virtscsi *vscsi,
				 enum virtscsi_limit_id id)
{
	return vscsi->limits.of[id].value;
}

/* vq.c */
void virtscsi_vq_init(struct virtscsi *vscsi);
int virtscsi_vq_discover(struct virtscsi *vscsi, u32 nr_poll_queues);
void virtscsi_vq_release(struct virtscsi *vscsi);
u32 virtscsi_vq_ring_size(const struct virtscsi *vscsi);
void virtscsi_vq_set_state(struct virtscsi *vscsi,
			   enum virtscsi_vq_state state);
void virtscsi_vq_kill(struct virtscsi_vq *vq);
bool virtscsi_vq_is_broken(struct virtscsi *vscsi);
int virtscsi_vq_add(struct virtscsi_vq *vq, struct scatterlist *sgs[],
		    unsigned int nr_out, unsigned int nr_in, void *buf,
		    bool is_last);
void virtscsi_vq_kick(struct virtscsi_vq *vq);
void virtscsi_vq_kick_again(struct virtscsi_vq *vq);
unsigned int virtscsi_vq_reap(struct virtscsi *vscsi, struct virtscsi_vq *vq);
void virtscsi_vq_reap_requests(struct virtscsi *vscsi);
void *virtscsi_vq_get_event(struct virtscsi *vscsi);
int virtscsi_vq_put_event(struct virtscsi *vscsi, void *event);
void virtscsi_vq_detach_all(struct virtscsi *vscsi);

/* cmd.c */
struct virtscsi_vq *virtscsi_cmd_vq(struct virtscsi *vscsi,
				    struct scsi_cmnd *sc);
enum scsi_qc_status virtscsi_cmd_queue(struct Scsi_Host *shost,
				       struct scsi_cmnd *sc);
void virtscsi_cmd_commit(struct Scsi_Host *shost, u16 hwq);
int virtscsi_cmd_poll(struct Scsi_Host *shost, unsigned int hwq);
void virtscsi_cmd_map_queues(struct Scsi_Host *shost);
int virtscsi_cmd_init(struct Scsi_Host *shost, struct scsi_cmnd *sc);
int virtscsi_cmd_exit(struct Scsi_Host *shost, struct scsi_cmnd *sc);
int virtscsi_cmd_setup(struct virtscsi *vscsi);
void virtscsi_cmd_teardown(struct virtscsi *vscsi);
extern const struct virtscsi_vq_ops virtscsi_cmd_vq_ops;

/* tmf.c */
int virtscsi_tmf_init(void);
void virtscsi_tmf_exit(void);
int virtscsi_tmf(struct scsi_device *sdev, u32 subtype, u64 tag);
void virtscsi_tmf_forget(struct virtscsi *vscsi, struct virtscsi_cmd *cmd);
void virtscsi_tmf_subscribe(struct virtscsi *vscsi, unsigned int target,
			    u64 lun, u32 events);
void virtscsi_tmf_query(struct virtscsi *vscsi, struct scsi_cmnd *sc);
extern const struct virtscsi_vq_ops virtscsi_tmf_vq_ops;

/* recovery.c */
int virtscsi_recovery_setup(void);
void virtscsi_recovery_teardown(void);
void virtscsi_recovery_init(struct virtscsi *vscsi);
void virtscsi_recovery_exit(struct virtscsi *vscsi);
void virtscsi_recovery_check(struct virtscsi *vscsi);
enum scsi_timeout_action virtscsi_recovery_timed_out(struct scsi_cmnd *sc);
int virtscsi_recovery_abort(struct scsi_cmnd *sc);
int virtscsi_recovery_reset_lun(struct scsi_cmnd *sc);
int virtscsi_recovery_reset_target(struct scsi_cmnd *sc);
int virtscsi_recovery_reset_host(struct scsi_cmnd *sc);
int virtscsi_recovery_reset_by_user(struct Scsi_Host *shost, int type);
extern const struct attribute_group virtscsi_recovery_group;

/* event.c */
int virtscsi_event_init(struct virtscsi *vscsi);
void virtscsi_event_exit(struct virtscsi *vscsi);
void virtscsi_event_stop(struct virtscsi *vscsi);
void virtscsi_event_keep_all(struct virtscsi *vscsi);
void virtscsi_event_post(struct virtscsi *vscsi);
void virtscsi_event_schedule(struct virtscsi *vscsi);
void virtscsi_event_schedule_rescan(struct virtscsi *vscsi);
void virtscsi_event_take_sense(struct virtscsi *vscsi, struct scsi_cmnd *sc);
void virtscsi_event_subscribe(struct scsi_device *sdev);

/* admin.c */
u32 virtscsi_admin_find(const struct virtscsi *vscsi,
			const struct virtscsi_override *wanted);
void virtscsi_admin_load(struct virtscsi *vscsi);
int virtscsi_admin_read(struct device *dev, enum virtscsi_lun_limit_id id,
			const char *text, u32 last, u32 *value);
struct virtscsi_limit virtscsi_admin_hba_limit(const struct virtscsi *vscsi,
					       enum virtscsi_limit_id id);
int virtscsi_admin_override(struct virtscsi *vscsi,
			    enum virtscsi_lun_limit_id id, const char *text);

/* ask.c */
void virtscsi_ask(struct scsi_device *sdev, struct virtscsi_answers *answers);
bool virtscsi_ask_core(struct scsi_device *sdev, u32 hba_max_sectors,
		       struct virtscsi_answers *answers);

/* learn.c */
void virtscsi_learn_note(struct scsi_cmnd *sc);
u32 virtscsi_learn_refused(struct scsi_device *sdev);

/* lun.c */
int virtscsi_lun_setup(void);
void virtscsi_lun_teardown(void);
int virtscsi_lun_watch(struct virtscsi *vscsi);
void virtscsi_lun_unwatch(struct virtscsi *vscsi);
void virtscsi_lun_renegotiate(struct scsi_device *sdev);
void virtscsi_lun_renegotiate_now(struct scsi_device *sdev);
int virtscsi_lun_override(struct scsi_device *sdev,
			  enum virtscsi_lun_limit_id id, const char *text);
struct virtscsi_limit virtscsi_lun_limit(struct scsi_device *sdev,
					 enum virtscsi_lun_limit_id id);
int virtscsi_lun_init(struct scsi_device *sdev);
void virtscsi_lun_destroy(struct scsi_device *sdev);
int virtscsi_lun_configure(struct scsi_device *sdev, struct queue_limits *lim);
int virtscsi_lun_change_depth(struct scsi_device *sdev, int depth);

/* negotiate.c */
int virtscsi_negotiate_read(struct virtio_device *vdev,
			    struct virtscsi_config *config);
int virtscsi_negotiate_first(struct virtscsi *vscsi);
int virtscsi_negotiate_again(struct virtscsi *vscsi);

/* device.c */
int virtscsi_device_probe(struct virtio_device *vdev);
void virtscsi_device_remove(struct virtio_device *vdev);
int virtscsi_device_quiesce(struct virtio_device *vdev);
int virtscsi_device_resume(struct virtio_device *vdev);
const char *virtscsi_device_ailment(struct virtscsi *vscsi);
void virtscsi_device_config_changed(struct virtio_device *vdev);
int virtscsi_device_reset(struct virtscsi *vscsi, const char *why);
void virtscsi_device_give_up(struct virtscsi *vscsi);

/* debugfs.c */
void virtscsi_debugfs_init(void);
void virtscsi_debugfs_exit(void);
void virtscsi_debugfs_add(struct virtscsi *vscsi);
void virtscsi_debugfs_remove(struct virtscsi *vscsi);

/* slow.c */
void virtscsi_slow_add(struct virtscsi *vscsi);
void virtscsi_slow_remove(struct virtscsi *vscsi);
void virtscsi_slow_exit(void);

/* sysfs.c */
extern const struct attribute_group *virtscsi_sysfs_host_groups[];
extern const struct attribute_group *virtscsi_sysfs_lun_groups[];
void virtscsi_sysfs_init(void);

#endif
