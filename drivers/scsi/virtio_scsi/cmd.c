// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands: from the midlayer to a request virtqueue, and back.
 *
 * A command uses the headers of its tag (see tags.c), so nothing is allocated or
 * cleared for an I/O.
 *
 * The device has a command from virtscsi_cmd_queue() until the command comes
 * out of the virtqueue, whatever the midlayer does with it meanwhile.
 *
 * A command that comes back because of a reset or an abort is repeated by the
 * midlayer, unless that could carry it out twice (pass-through), or another path
 * should be tried (REQ_FAILFAST_TRANSPORT). No result that the midlayer would
 * hand to its error handler leaves this file.
 */
#include <linux/blk-mq.h>
#include <linux/jiffies.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/virtio.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "trace.h"
#include "virtscsi.h"

/* A host that can abort returns the command within this time. */
#define ABORT_GRACE	(5 * HZ)

static struct scsi_cmnd *cmd_to_scsi(void *buf)
{
	/* The midlayer places the driver's part behind its own. */
	return (struct scsi_cmnd *)buf - 1;
}

/* The error handler's commands have the protection buffer of the failed one. */
static unsigned int cmd_prot_sg_count(struct scsi_cmnd *sc)
{
	if (scsi_get_prot_op(sc) == SCSI_PROT_NORMAL)
		return 0;
	return scsi_prot_sg_count(sc);
}

static u32 cmd_pi_bytes(struct scsi_cmnd *sc)
{
	struct scatterlist *sg;
	u32 bytes = 0;
	int i;

	scsi_for_each_prot_sg(sc, sg, cmd_prot_sg_count(sc), i)
		bytes += sg->length;
	return bytes;
}

static bool cmd_put_request(struct virtscsi *vscsi, struct scsi_cmnd *sc,
			    struct virtscsi_tag *tag)
{
	struct virtscsi_lun *lun = sc->device->hostdata;
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct virtscsi_command command = {
		.lun = lun->cmds.address,
		.tag = cmd->tag,
		.cdb = sc->cmnd,
		.cdb_len = sc->cmd_len,
	};

	if (vscsi->has_pi && sc->sc_data_direction == DMA_TO_DEVICE)
		command.pi_bytesout = cmd_pi_bytes(sc);
	else if (vscsi->has_pi && sc->sc_data_direction == DMA_FROM_DEVICE)
		command.pi_bytesin = cmd_pi_bytes(sc);

	virtscsi_wire_arm_resp(tag->resp);
	return virtscsi_wire_put_cmd(tag->request, vscsi->is_le, vscsi->has_pi,
				     virtscsi_limit(vscsi, VIRTSCSI_CDB_SIZE),
				     &command);
}

/* The device-readable parts come first, protection information before data. */
static int cmd_add(struct virtscsi *vscsi, struct virtscsi_vq *vq,
		   struct scsi_cmnd *sc, struct virtscsi_tag *tag)
{
	bool is_out = sc->sc_data_direction == DMA_TO_DEVICE;
	struct scatterlist **sgs = tag->sgs, **data = sgs + (is_out ? 1 : 2);
	unsigned int nr = 0;

	if (vscsi->has_pi && cmd_prot_sg_count(sc))
		data[nr++] = scsi_prot_sglist(sc);
	if (scsi_sg_count(sc))
		data[nr++] = scsi_sglist(sc);
	sgs[is_out ? 1 + nr : 1] = &tag->resp_sg;
	return virtscsi_vq_add(vq, sgs, is_out ? 1 + nr : 1, is_out ? 1 : 1 + nr,
			       scsi_cmd_priv(sc), sc->flags & SCMD_LAST);
}

static enum scsi_qc_status cmd_fail(struct scsi_cmnd *sc, int host_byte)
{
	struct virtscsi_lun *lun = sc->device->hostdata;

	sc->result = host_byte << 16;
	scsi_set_resid(sc, scsi_bufflen(sc));
	trace_virtscsi_complete(sc, VIRTSCSI_TRACE_NO_RESPONSE);
	virtscsi_stats_error(&lun->stats, sc);
	scsi_done(sc);
	return 0;
}

static noinline enum scsi_qc_status cmd_refuse(struct scsi_cmnd *sc, int err)
{
	struct virtscsi_lun *lun = sc->device->hostdata;

	if (err == -ENODEV)
		return cmd_fail(sc, DID_NO_CONNECT);
	virtscsi_stats_count(&lun->stats, VIRTSCSI_STATS_BUSY);
	/*
	 * The ring is full, or an HBA whose storage hangs has the DMA space. After
	 * HOST_BUSY the midlayer stops all LUNs until any command of the host
	 * finishes, and the only ones in flight may be stuck. After this it tries
	 * again when a command of the queue finishes, or after some milliseconds.
	 */
	return SCSI_MLQUEUE_TARGET_BUSY;
}

/*
 * The virtqueue that the block layer chose. Nobody polls for a command of the
 * error handler, so that needs one with an interrupt.
 */
static struct virtscsi_vq *cmd_choose_vq(struct virtscsi *vscsi,
					 struct scsi_cmnd *sc, u32 hwq)
{
	if (unlikely(sc->submitter == SUBMITTED_BY_SCSI_ERROR_HANDLER) &&
	    hwq >= virtscsi_vq_nr_requests(vscsi) - virtscsi_vq_nr_polled(vscsi))
		hwq = 0;
	return virtscsi_vq_request(vscsi, hwq);
}

/* Answers INQUIRY with "no LUN here", so that a scan goes on to the next LUN. */
static enum scsi_qc_status cmd_answer_no_lun(struct scsi_cmnd *sc)
{
	static const u8 inquiry[36] = { 0x7f, [4] = 31 };

	if (sc->cmnd[0] != INQUIRY)
		return cmd_fail(sc, DID_NO_CONNECT);
	scsi_set_resid(sc, scsi_bufflen(sc) -
		       sg_copy_from_buffer(scsi_sglist(sc), scsi_sg_count(sc),
					   inquiry, sizeof(inquiry)));
	sc->result = 0;
	scsi_done(sc);
	return 0;
}

/* Implements virtio 1.3, 5.6.6.1. Any context. */
enum scsi_qc_status virtscsi_cmd_queue(struct Scsi_Host *shost,
				       struct scsi_cmnd *sc)
{
	struct virtscsi *vscsi = shost_priv(shost);
	struct virtscsi_lun *lun = sc->device->hostdata;
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct request *rq = scsi_cmd_to_rq(sc);
	u32 hwq = rq->mq_hctx->queue_num;
	struct virtscsi_tag *tag = virtscsi_tags_at(vscsi, hwq, rq->tag);
	int err;

	/* REPORT LUNS concerns the target, and the scan sends it to LUN 0. */
	if (unlikely(lun->cmds.is_unused) && sc->cmnd[0] != REPORT_LUNS)
		return cmd_answer_no_lun(sc);
	cmd->recovery = (struct virtscsi_cmd_recovery){ };
	cmd->ladder.step = VIRTSCSI_LADDER_NO_STEP;
	smp_wmb(); /* pairs with recovery_visit() */
	tag->id += BIT_ULL(VIRTSCSI_WIRE_TAG_BITS);
	cmd->tag = tag->id;
	cmd->resp = tag->resp;
	if (!cmd_put_request(vscsi, sc, tag)) {
		dev_err_ratelimited(&sc->device->sdev_gendev,
				    "cannot encode %u-byte CDB\n", sc->cmd_len);
		return cmd_fail(sc, DID_ERROR);
	}

	cmd->submitted = get_jiffies_64();
	WRITE_ONCE(cmd->is_in_flight, true);
	trace_virtscsi_submit(sc);
	if (unlikely(sc->retries))
		virtscsi_stats_count(&lun->stats, VIRTSCSI_STATS_RETRIES);
	err = cmd_add(vscsi, cmd_choose_vq(vscsi, sc, hwq), sc, tag);
	if (!err)
		return 0;
	WRITE_ONCE(cmd->is_in_flight, false);
	return cmd_refuse(sc, err);
}

/*
 * The midlayer fails a retry when a command is older than all its timers
 * together, and the host may have stalled for longer. So let the command's age
 * start anew, as often as the command may be retried. The error handler counts
 * the retries of the commands it has.
 */
static void cmd_renew(struct scsi_cmnd *sc)
{
	if (sc->retries >= sc->allowed)
		return;
	sc->jiffies_at_alloc = jiffies;
	if (!test_bit(SCMD_STATE_COMPLETE, &sc->state))
		sc->retries++;
}

/* True if GOOD of the command is not to be believed. */
static __always_inline bool cmd_is_doubted(struct scsi_cmnd *sc)
{
	struct virtscsi_lun *lun = sc->device->hostdata;
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	return time_before64(cmd->submitted, READ_ONCE(lun->cmds.doubted_until));
}

/* A step of the ladder brought it back, not its storage: another path is to be tried. */
static bool cmd_fails_over(struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	/* No limit if allowed is negative. */
	return virtscsi_cmd_is_failfast(sc) &&
	       ((sc->allowed > 0 && sc->retries >= sc->allowed) ||
		(cmd->ladder.step &&
		 time_before64(get_jiffies_64(), cmd->ladder.taken_at + ABORT_GRACE)));
}

/*
 * The result of a command that was ended by a reset or an abort, and may have been
 * carried out. The midlayer repeats DID_RESET whatever the number of retries. So
 * pass-through, and what a device aborts unasked, get DID_TRANSPORT_DISRUPTED, which
 * honours that number: 0 for SG_IO on a disk or sg node, 1 for ch, any for bsg. What a
 * device aborts unasked fails at once if it is pass-through or has another path.
 */
static u32 cmd_interrupted_result(struct scsi_cmnd *sc)
{
	bool is_passthrough = blk_rq_is_passthrough(scsi_cmd_to_rq(sc));
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	bool is_unasked = host_byte(sc->result) == DID_ABORT &&
			  !cmd->ladder.step && !cmd_is_doubted(sc);

	if (is_unasked &&
	    (is_passthrough ||
	     scsi_cmd_to_rq(sc)->cmd_flags & REQ_FAILFAST_TRANSPORT))
		return DID_ABORT << 16;
	if (cmd_fails_over(sc))
		return DID_TRANSPORT_FAILFAST << 16;
	if (is_passthrough && (sc->sc_data_direction == DMA_TO_DEVICE ||
			       sc->device->type == TYPE_TAPE ||
			       sc->device->type == TYPE_MEDIUM_CHANGER))
		sc->allowed = 0;
	if (is_passthrough || is_unasked) {
		sc->jiffies_at_alloc = jiffies;
		return DID_TRANSPORT_DISRUPTED << 16;
	}
	cmd_renew(sc);
	return DID_RESET << 16;
}

/* For dm-multipath. Readahead, merged or not, has all fail-fast flags. */
bool virtscsi_cmd_is_failfast(struct scsi_cmnd *sc)
{
	return (scsi_cmd_to_rq(sc)->cmd_flags &
		(REQ_FAILFAST_TRANSPORT | REQ_FAILFAST_DRIVER | REQ_RAHEAD)) ==
	       REQ_FAILFAST_TRANSPORT;
}

static void cmd_warn(struct scsi_cmnd *sc,
		     const struct virtscsi_response *response)
{
	dev_warn_ratelimited(&sc->device->sdev_gendev,
			     "CDB %*ph: %s (response %u, status %#x)\n",
			     (int)sc->cmd_len, sc->cmnd,
			     response->response == VIRTSCSI_WIRE_UNTOUCHED ?
			     "no response from device" : "unknown response",
			     response->response, response->status);
}

static void cmd_take_sense(struct virtscsi *vscsi, struct scsi_cmnd *sc,
			   const struct virtscsi_outcome *outcome)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	if (outcome->is_target_failure) {
		/* INTERNAL TARGET FAILURE */
		scsi_build_sense(sc, 0, HARDWARE_ERROR, 0x44, 0x00);
		return;
	}
	if (outcome->sense_len)
		memcpy(sc->sense_buffer, cmd->resp + 1,
		       min_t(u32, outcome->sense_len, SCSI_SENSE_BUFFERSIZE));
	else if (sc->result != SAM_STAT_CHECK_CONDITION)
		return;
	/* The midlayer would have its error handler ask for the sense data. */
	if (!virtscsi_event_note_sense(vscsi, sc) &&
	    sc->result == SAM_STAT_CHECK_CONDITION)
		sc->result = DID_ERROR << 16;
}

/*
 * The SCSI core trusts the length in the answer to REPORT LUNS; at FFFFFFFCh it
 * wraps and asks again without end. 16,384 LUNs of 8 bytes are the most there are.
 */
static bool cmd_reports_too_many_luns(struct scsi_cmnd *sc)
{
	__be32 len = 0;

	if (sc->cmnd[0] == REPORT_LUNS)
		sg_copy_to_buffer(scsi_sglist(sc), scsi_sg_count(sc), &len, sizeof(len));
	return be32_to_cpu(len) > SZ_256K;
}

static noinline void cmd_take_outcome(struct virtscsi *vscsi, struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct virtscsi_response response;
	struct virtscsi_outcome outcome;

	response = virtscsi_wire_get_resp(cmd->resp, vscsi->is_le);
	outcome = virtscsi_wire_outcome(&response, scsi_bufflen(sc),
					virtscsi_limit(vscsi, VIRTSCSI_SENSE_SIZE));
	if (unlikely(outcome.is_unknown))
		cmd_warn(sc, &response);

	sc->result = outcome.result;
	scsi_set_resid(sc, outcome.resid);
	if (host_byte(sc->result) == DID_RESET ||
	    host_byte(sc->result) == DID_ABORT ||
	    (!sc->result && cmd_is_doubted(sc) &&
	     sc->submitter != SUBMITTED_BY_SCSI_ERROR_HANDLER))
		sc->result = cmd_interrupted_result(sc);
	cmd_take_sense(vscsi, sc, &outcome);
	/* GOOD, but no data: the midlayer would send it again without end. */
	if (!sc->result &&
	    ((sc->underflow && outcome.resid == scsi_bufflen(sc)) ||
	     cmd_reports_too_many_luns(sc)))
		sc->result = DID_ERROR << 16;
	trace_virtscsi_complete(sc, response.response);
}

/* Result and residual are set. */
static __always_inline void cmd_complete(struct virtscsi *vscsi,
					 struct scsi_cmnd *sc)
{
	struct virtscsi_lun *lun = sc->device->hostdata;
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	virtscsi_stats_complete(&lun->stats, sc);
	if (unlikely(virtscsi_recovery_timeouts(&cmd->recovery))) {
		/* Storage that was away may report a unit attention now. */
		if (host_byte(sc->result) == DID_OK && sc->result)
			cmd_renew(sc);
		vscsi->cmds.late(vscsi, sc);
	}
	WRITE_ONCE(cmd->is_in_flight, false);
	scsi_done(sc);
}

static void cmd_finish(struct virtscsi *vscsi, void *buf)
{
	struct scsi_cmnd *sc = cmd_to_scsi(buf);
	struct virtscsi_cmd *cmd = buf;

	if (likely(virtscsi_wire_is_plain(cmd->resp) &&
		   !cmd_is_doubted(sc) &&
		   sc->cmnd[0] != REPORT_LUNS)) {
		sc->result = 0;
		scsi_set_resid(sc, 0);
		trace_virtscsi_complete(sc, VIRTIO_SCSI_S_OK);
	} else {
		cmd_take_outcome(vscsi, sc);
	}
	cmd_complete(vscsi, sc);
}

static void cmd_lose(struct virtscsi *vscsi, void *buf, bool is_gone)
{
	struct scsi_cmnd *sc = cmd_to_scsi(buf);

	sc->result = is_gone ? DID_NO_CONNECT << 16 : cmd_interrupted_result(sc);
	scsi_set_resid(sc, scsi_bufflen(sc));
	trace_virtscsi_complete(sc, VIRTSCSI_TRACE_NO_RESPONSE);
	cmd_complete(vscsi, sc);
}

const struct virtscsi_vq_ops virtscsi_cmd_vq_ops = {
	.finish = cmd_finish,
	.lose = cmd_lose,
};

/*
 * vhost-scsi returns GOOD for commands that a LOGICAL UNIT RESET aborts. GOOD of
 * commands that were submitted before @until, in jiffies, counts as interrupted,
 * whenever they come back. Returns the time before. The LUN has its hostdata. Under
 * the lock of the host.
 */
u64 virtscsi_cmd_doubt(struct scsi_device *sdev, u64 until)
{
	struct virtscsi_lun *lun = sdev->hostdata;
	u64 before = lun->cmds.doubted_until;

	WRITE_ONCE(lun->cmds.doubted_until, until);
	return before;
}

struct virtscsi_vq *virtscsi_cmd_vq(struct scsi_cmnd *sc)
{
	return virtscsi_vq_request(shost_priv(sc->device->host),
				   scsi_cmd_to_rq(sc)->mq_hctx->queue_num);
}

/* Ring the doorbell for commands that were sent without. */
void virtscsi_cmd_commit(struct Scsi_Host *shost, u16 hwq)
{
	virtscsi_vq_kick(virtscsi_vq_request(shost_priv(shost), hwq), false);
}

/* Returns how many commands finished. */
int virtscsi_cmd_poll(struct Scsi_Host *shost, unsigned int hwq)
{
	struct virtscsi *vscsi = shost_priv(shost);

	return virtscsi_vq_poll(vscsi, virtscsi_vq_request(vscsi, hwq));
}

/*
 * A virtqueue with an interrupt serves the CPUs to which the virtio core has
 * directed its interrupt; the block layer spreads the polled ones.
 */
void virtscsi_cmd_map_queues(struct Scsi_Host *shost)
{
	struct virtscsi *vscsi = shost_priv(shost);
	u32 nr_polled = virtscsi_vq_nr_polled(vscsi);
	struct blk_mq_queue_map *maps = shost->tag_set.map;
	struct blk_mq_queue_map *map = &maps[HCTX_TYPE_DEFAULT];

	map->nr_queues = virtscsi_vq_nr_requests(vscsi) - nr_polled;
	map->queue_offset = 0;
	blk_mq_map_hw_queues(map, &vscsi->vdev->dev, VIRTSCSI_VQ_REQUEST);

	if (!nr_polled)
		return;
	maps[HCTX_TYPE_READ].nr_queues = 0;
	maps[HCTX_TYPE_POLL].nr_queues = nr_polled;
	maps[HCTX_TYPE_POLL].queue_offset = map->nr_queues;
	blk_mq_map_queues(&maps[HCTX_TYPE_POLL]);
}

/* Without this the midlayer would clear the driver's part for each I/O. */
int virtscsi_cmd_init_priv(struct Scsi_Host *shost, struct scsi_cmnd *sc)
{
	memset(scsi_cmd_priv(sc), 0, sizeof(struct virtscsi_cmd));
	return 0;
}
