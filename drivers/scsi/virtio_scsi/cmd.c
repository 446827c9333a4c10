// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands: from the midlayer to a request virtqueue, and back.
 *
 * Each tag of the host owns an object of the instance's slab cache: the response
 * header on cache lines of its own, since the device writes there, then the
 * request header. Their sizes come from the negotiated sense and CDB size. A
 * command has them as long as it has the tag; there are many more requests than
 * tags, since the scheduler of each LUN has some. Nothing is allocated or cleared
 * for an I/O, and no kernel pointer lies beside memory that the device writes.
 *
 * A command is the device's from virtscsi_cmd_queue() until it comes out of
 * the virtqueue, whatever the midlayer thinks of it in the meantime.
 */
#include <linux/jiffies.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "stats.h"
#include "trace.h"
#include "virtscsi.h"

/**
 * virtscsi_cmd_vq() - the request virtqueue of a command
 * @vscsi: instance
 * @sc: command
 *
 * Context: any.
 * Return: the virtqueue that the block layer chose for it.
 */
struct virtscsi_vq *virtscsi_cmd_vq(struct virtscsi *vscsi,
				    struct scsi_cmnd *sc)
{
	u32 unique_tag = blk_mq_unique_tag(scsi_cmd_to_rq(sc));

	return &vscsi->req_vqs[blk_mq_unique_tag_to_hwq(unique_tag)];
}

static struct scsi_cmnd *cmd_to_scsi(void *buf)
{
	/* The midlayer places the driver's part behind its own. */
	return (struct scsi_cmnd *)buf - 1;
}

static u32 cmd_pi_bytes(struct scsi_cmnd *sc)
{
	struct scatterlist *sg;
	u32 bytes = 0;
	int i;

	scsi_for_each_prot_sg(sc, sg, scsi_prot_sg_count(sc), i)
		bytes += sg->length;
	return bytes;
}

static void *cmd_headers(const struct virtscsi *vscsi, u32 unique_tag)
{
	u32 hwq = blk_mq_unique_tag_to_hwq(unique_tag);

	return vscsi->headers[hwq * vscsi->nr_tags +
			      blk_mq_unique_tag_to_tag(unique_tag)];
}

static void *cmd_request(const struct virtscsi *vscsi,
			 const struct virtscsi_cmd *cmd)
{
	return (void *)cmd->resp + vscsi->request_offset;
}

static bool cmd_put_request(struct virtscsi *vscsi, struct scsi_cmnd *sc,
			    u32 unique_tag)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct virtscsi_command command = {
		.lun = sc->device->lun,
		.target = sc->device->id,
		.cdb = sc->cmnd,
		.cdb_len = sc->cmd_len,
	};

	cmd->tag = virtscsi_wire_tag(unique_tag, ++cmd->generation);
	command.tag = cmd->tag;
	if (vscsi->has_pi && sc->sc_data_direction == DMA_TO_DEVICE)
		command.pi_bytesout = cmd_pi_bytes(sc);
	else if (vscsi->has_pi && sc->sc_data_direction == DMA_FROM_DEVICE)
		command.pi_bytesin = cmd_pi_bytes(sc);

	cmd->resp = cmd_headers(vscsi, unique_tag);
	virtscsi_wire_arm_resp(cmd->resp);
	return virtscsi_wire_put_cmd(cmd_request(vscsi, cmd),
				     vscsi->is_le, vscsi->has_pi,
				     virtscsi_limit(vscsi, VIRTSCSI_CDB_SIZE),
				     &command);
}

/* sg_init_one(), but inline. */
static inline void cmd_init_sg(struct scatterlist *sg, const void *buf, u32 len)
{
	*sg = (struct scatterlist){ };
	sg_mark_end(sg);
	sg_set_buf(sg, buf, len);
}

/* Header, protection information, data; for the device to read, then write. */
static int cmd_add(struct virtscsi *vscsi, struct virtscsi_vq *vq,
		   struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	struct scatterlist request, resp;
	struct scatterlist *sgs[4];
	unsigned int nr_out = 0, nr_in = 0;
	bool is_out = sc->sc_data_direction == DMA_TO_DEVICE;

	cmd_init_sg(&request, cmd_request(vscsi, cmd), vscsi->request_len);
	sgs[nr_out++] = &request;
	if (is_out && scsi_prot_sg_count(sc))
		sgs[nr_out++] = scsi_prot_sglist(sc);
	if (is_out && scsi_sg_count(sc))
		sgs[nr_out++] = scsi_sglist(sc);

	cmd_init_sg(&resp, cmd->resp, vscsi->resp_len);
	sgs[nr_out + nr_in++] = &resp;
	if (!is_out && scsi_prot_sg_count(sc))
		sgs[nr_out + nr_in++] = scsi_prot_sglist(sc);
	if (!is_out && scsi_sg_count(sc))
		sgs[nr_out + nr_in++] = scsi_sglist(sc);

	return virtscsi_vq_add(vq, sgs, nr_out, nr_in, cmd,
			       sc->flags & SCMD_LAST);
}

static enum scsi_qc_status cmd_fail(struct scsi_cmnd *sc, int host_byte)
{
	sc->result = host_byte << 16;
	scsi_set_resid(sc, scsi_bufflen(sc));
	trace_virtscsi_complete(sc, VIRTSCSI_TRACE_NO_RESPONSE);
	virtscsi_stats_error(sc);
	scsi_done(sc);
	return 0;
}

/*
 * The DMA layer may be out of space because of others, so no completion of
 * ours need ever free some. Wait as long as the midlayer would retry.
 */
static bool cmd_waited_long(struct scsi_cmnd *sc)
{
	unsigned long patience =
		(sc->allowed + 1) * scsi_cmd_to_rq(sc)->timeout;

	return time_after(jiffies, sc->jiffies_at_alloc + patience);
}

static enum scsi_qc_status cmd_refuse(struct scsi_cmnd *sc, int err)
{
	trace_virtscsi_busy(sc, err);
	switch (err) {
	case -ENODEV:
		return cmd_fail(sc, DID_NO_CONNECT);
	case -ENOMEM:
		if (!cmd_waited_long(sc))
			break;
		dev_err_ratelimited(&sc->device->sdev_gendev,
				    "no DMA mapping to be had, giving up\n");
		return cmd_fail(sc, DID_ERROR);
	}
	virtscsi_stats_count(sc, VIRTSCSI_STATS_BUSY);
	return SCSI_MLQUEUE_HOST_BUSY;
}

/**
 * virtscsi_cmd_queue() - send a command to the device
 * @shost: host
 * @sc: command
 *
 * Implements virtio 1.3, 5.6.6.1.
 *
 * Context: any.
 * Return: 0 if the command is on its way or has ended in an error of its own;
 *	SCSI_MLQUEUE_HOST_BUSY while the ring is full, or the device is being
 *	reset, or is about to be.
 */
enum scsi_qc_status virtscsi_cmd_queue(struct Scsi_Host *shost,
				       struct scsi_cmnd *sc)
{
	struct virtscsi *vscsi = shost_priv(shost);
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);
	u32 unique_tag = blk_mq_unique_tag(scsi_cmd_to_rq(sc));
	struct virtscsi_vq *vq;
	int err;

	if (!cmd_put_request(vscsi, sc, unique_tag)) {
		dev_err_ratelimited(&sc->device->sdev_gendev,
				    "a CDB of %u bytes for this address has no form on the wire\n",
				    sc->cmd_len);
		return cmd_fail(sc, DID_ERROR);
	}

	cmd->submitted = jiffies;
	WRITE_ONCE(cmd->is_in_flight, true);
	trace_virtscsi_submit(sc);
	virtscsi_stats_submit(sc);
	vq = &vscsi->req_vqs[blk_mq_unique_tag_to_hwq(unique_tag)];
	err = cmd_add(vscsi, vq, sc);
	if (!err)
		return 0;
	WRITE_ONCE(cmd->is_in_flight, false);
	return cmd_refuse(sc, err);
}

static void cmd_take_sense(struct scsi_cmnd *sc,
			   const struct virtscsi_outcome *outcome)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	if (outcome->is_target_failure)
		/* INTERNAL TARGET FAILURE */
		scsi_build_sense(sc, 0, HARDWARE_ERROR, 0x44, 0x00);
	else if (outcome->sense_len)
		memcpy(sc->sense_buffer, cmd->resp + 1,
		       min_t(u32, outcome->sense_len, SCSI_SENSE_BUFFERSIZE));
}

static void cmd_warn(struct scsi_cmnd *sc,
		     const struct virtscsi_response *response)
{
	struct device *dev = &sc->device->sdev_gendev;

	if (response->response == VIRTSCSI_WIRE_UNTOUCHED)
		dev_warn_ratelimited(dev, "CDB %*ph: the device ended the command without a response\n",
				     (int)sc->cmd_len, sc->cmnd);
	else
		dev_warn_ratelimited(dev, "CDB %*ph: unknown response %u\n",
				     (int)sc->cmd_len, sc->cmnd,
				     response->response);
}

/*
 * A command that was ended is sent again, but the midlayer repeats none that is
 * older than all its timers together, and the host may have stalled for longer.
 * So it begins anew, as often as it may be repeated. The error handler, where it
 * has the command, counts for itself.
 */
static void cmd_renew(struct scsi_cmnd *sc)
{
	if (sc->retries >= sc->allowed)
		return;
	sc->jiffies_at_alloc = jiffies;
	if (!test_bit(SCMD_STATE_COMPLETE, &sc->state))
		sc->retries++;
}

static void cmd_take_outcome(struct virtscsi *vscsi, struct scsi_cmnd *sc)
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
	if (host_byte(sc->result) == DID_RESET ||
	    host_byte(sc->result) == DID_ABORT)
		cmd_renew(sc);
	cmd_take_sense(sc, &outcome);
	if (unlikely(outcome.sense_len)) {
		virtscsi_event_take_sense(vscsi, sc);
		virtscsi_learn_note(sc);
	}
	scsi_set_resid(sc, outcome.resid);
	/*
	 * GOOD, but less moved than the command is about: the midlayer would
	 * send the rest anew, without end where nothing ever moves.
	 */
	if (unlikely(!sc->result &&
		     scsi_bufflen(sc) - outcome.resid < sc->underflow))
		sc->result = DID_ERROR << 16;
	trace_virtscsi_complete(sc, response.response);
}

static void cmd_finish(struct virtscsi *vscsi, void *buf)
{
	struct scsi_cmnd *sc = cmd_to_scsi(buf);
	struct virtscsi_cmd *cmd = buf;

	if (likely(virtscsi_wire_is_plain(cmd->resp))) {
		sc->result = 0;
		scsi_set_resid(sc, 0);
		trace_virtscsi_complete(sc, VIRTIO_SCSI_S_OK);
	} else {
		cmd_take_outcome(vscsi, sc);
	}
	/* Read first: the cache line stays shared. */
	if (unlikely(!READ_ONCE(vscsi->has_progressed)))
		WRITE_ONCE(vscsi->has_progressed, true);
	virtscsi_stats_complete(sc);
	WRITE_ONCE(cmd->is_in_flight, false);
	scsi_done(sc);
}

/* After a reset the midlayer sends the command anew, if it can be. */
static void cmd_lose(struct virtscsi *vscsi, void *buf, bool is_gone)
{
	struct scsi_cmnd *sc = cmd_to_scsi(buf);
	struct virtscsi_cmd *cmd = buf;

	sc->result = (is_gone ? DID_NO_CONNECT : DID_RESET) << 16;
	if (!is_gone)
		cmd_renew(sc);
	scsi_set_resid(sc, scsi_bufflen(sc));
	trace_virtscsi_complete(sc, VIRTSCSI_TRACE_NO_RESPONSE);
	virtscsi_stats_complete(sc);
	WRITE_ONCE(cmd->is_in_flight, false);
	scsi_done(sc);
}

const struct virtscsi_vq_ops virtscsi_cmd_vq_ops = {
	.finish = cmd_finish,
	.lose = cmd_lose,
};

/**
 * virtscsi_cmd_commit() - ring the doorbell for commands sent without
 * @shost: host
 * @hwq: request virtqueue
 *
 * Context: any.
 */
void virtscsi_cmd_commit(struct Scsi_Host *shost, u16 hwq)
{
	struct virtscsi *vscsi = shost_priv(shost);

	virtscsi_vq_kick(&vscsi->req_vqs[hwq]);
}

/**
 * virtscsi_cmd_poll() - look for finished commands without an interrupt
 * @shost: host
 * @hwq: request virtqueue
 *
 * Context: any.
 * Return: how many commands finished.
 */
int virtscsi_cmd_poll(struct Scsi_Host *shost, unsigned int hwq)
{
	struct virtscsi *vscsi = shost_priv(shost);

	return virtscsi_vq_reap(vscsi, &vscsi->req_vqs[hwq]);
}

/**
 * virtscsi_cmd_map_queues() - which CPU uses which request virtqueue
 * @shost: host
 *
 * A virtqueue with an interrupt serves the CPUs that its interrupt goes to, as
 * the virtio core has spread them; polled ones are spread by the block layer.
 *
 * Context: process.
 */
void virtscsi_cmd_map_queues(struct Scsi_Host *shost)
{
	struct virtscsi *vscsi = shost_priv(shost);
	struct blk_mq_queue_map *maps = shost->tag_set.map;
	struct blk_mq_queue_map *map = &maps[HCTX_TYPE_DEFAULT];

	map->nr_queues = vscsi->nr_queues - vscsi->nr_poll_queues;
	map->queue_offset = 0;
	blk_mq_map_hw_queues(map, &vscsi->vdev->dev, VIRTSCSI_VQ_REQUEST);

	if (!vscsi->nr_poll_queues)
		return;
	maps[HCTX_TYPE_READ].nr_queues = 0;
	maps[HCTX_TYPE_POLL].nr_queues = vscsi->nr_poll_queues;
	maps[HCTX_TYPE_POLL].queue_offset = map->nr_queues;
	blk_mq_map_queues(&maps[HCTX_TYPE_POLL]);
}

/**
 * virtscsi_cmd_init() - a request of the block layer is made
 * @shost: host
 * @sc: its command
 *
 * Without this the midlayer would clear the driver's part for each I/O.
 *
 * Context: process.
 * Return: 0.
 */
int virtscsi_cmd_init(struct Scsi_Host *shost, struct scsi_cmnd *sc)
{
	struct virtscsi_cmd *cmd = scsi_cmd_priv(sc);

	*cmd = (struct virtscsi_cmd){ };
	return 0;
}

/**
 * virtscsi_cmd_exit() - a request of the block layer goes
 * @shost: host
 * @sc: its command
 *
 * Context: process.
 * Return: 0.
 */
int virtscsi_cmd_exit(struct Scsi_Host *shost, struct scsi_cmnd *sc)
{
	virtscsi_tmf_forget(shost_priv(shost), scsi_cmd_priv(sc));
	return 0;
}

static int cmd_create_cache(struct virtscsi *vscsi)
{
	u32 align = max(cache_line_size(), dma_get_cache_alignment());
	char name[32];

	vscsi->resp_len =
		virtscsi_wire_resp_len(virtscsi_limit(vscsi, VIRTSCSI_SENSE_SIZE));
	vscsi->request_len =
		virtscsi_wire_cmd_len(vscsi->has_pi,
				      virtscsi_limit(vscsi, VIRTSCSI_CDB_SIZE));
	vscsi->request_offset = ALIGN(vscsi->resp_len, align);
	snprintf(name, sizeof(name), "virtio_scsi_cmd_%u",
		 vscsi->shost->host_no);
	vscsi->cmd_cache = kmem_cache_create(name, vscsi->request_offset +
					     vscsi->request_len,
					     align,
					     SLAB_HWCACHE_ALIGN | SLAB_NO_MERGE,
					     NULL);
	return vscsi->cmd_cache ? 0 : -ENOMEM;
}

/**
 * virtscsi_cmd_setup() - make the headers of all tags
 * @vscsi: instance; limits are set
 *
 * Context: process.
 * Return: 0 or -ENOMEM; undone by virtscsi_cmd_teardown() in either case.
 */
int virtscsi_cmd_setup(struct virtscsi *vscsi)
{
	size_t nr_headers;
	int err;

	err = cmd_create_cache(vscsi);
	if (err)
		return err;
	vscsi->nr_tags = vscsi->shost->can_queue;
	nr_headers = array_size(vscsi->nr_queues, vscsi->nr_tags);
	vscsi->headers = kvcalloc(nr_headers, sizeof(*vscsi->headers),
				  GFP_KERNEL);
	if (!vscsi->headers)
		return -ENOMEM;
	if (!kmem_cache_alloc_bulk(vscsi->cmd_cache, GFP_KERNEL | __GFP_ZERO,
				   nr_headers, vscsi->headers)) {
		kvfree(vscsi->headers);
		vscsi->headers = NULL;
		return -ENOMEM;
	}
	return 0;
}

/**
 * virtscsi_cmd_teardown() - the opposite
 * @vscsi: instance; its host, if it was added, is removed, and the device holds
 *	nothing
 *
 * Context: process.
 */
void virtscsi_cmd_teardown(struct virtscsi *vscsi)
{
	/* All are there, or none. */
	if (vscsi->headers)
		kmem_cache_free_bulk(vscsi->cmd_cache,
				     array_size(vscsi->nr_queues,
						vscsi->nr_tags),
				     vscsi->headers);
	kvfree(vscsi->headers);
	kmem_cache_destroy(vscsi->cmd_cache);
}
