// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit tests for commands that no program can send at will: those of the SCSI error
 * handler, those that dm-multipath marks as fail-fast, and those whose completion the
 * block layer drops. The SCSI core and the device are made up here; the one ring is
 * real, and nobody looks at it.
 */
#include <kunit/test.h>
#include <linux/blk-mq.h>
#include <linux/virtio.h>
#include <linux/virtio_ring.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#include "eh.h"
#include "virtscsi.h"
#include "wire.h"

#define RING_SIZE	8

/* A polled queue behind one with an interrupt. */
#define NR_QUEUES	2
#define POLLED		1

struct fake {
	struct virtio_device vdev;
	struct virtscsi *vscsi;
	struct virtscsi_lun lun;
	struct scsi_device sdev;
	struct blk_mq_hw_ctx hctx;
	struct virtscsi_tag tags[NR_QUEUES];
	struct scatterlist prot_sg;
	struct scsi_data_buffer prot;
	u8 pi[8];
	/* As the block layer lays them out. */
	struct {
		struct request rq;
		struct scsi_cmnd sc;
		struct virtscsi_cmd cmd;
	} io;
};

static bool fake_notify(struct virtqueue *vq)
{
	return true;
}

static int fake_init_ring(struct kunit *test, struct fake *fake,
			  struct virtscsi_vq *vq)
{
	void *pages = kunit_kzalloc(test, vring_size(RING_SIZE, SMP_CACHE_BYTES),
				    GFP_KERNEL);

	if (!pages)
		return -ENOMEM;
	INIT_LIST_HEAD(&fake->vdev.vqs);
	spin_lock_init(&fake->vdev.vqs_list_lock);
	vq->vq = vring_new_virtqueue(0, RING_SIZE, SMP_CACHE_BYTES, &fake->vdev,
				     true, false, pages, fake_notify, NULL,
				     "request");
	vq->state = VIRTSCSI_VQ_RUNNING;
	return vq->vq ? 0 : -ENOMEM;
}

static void fake_done(struct virtscsi *vscsi,
		      const struct virtscsi_tmf_request *request, int answer)
{
}

static void fake_late(struct virtscsi *vscsi, struct scsi_cmnd *sc)
{
}

static void fake_init_vscsi(struct fake *fake, struct Scsi_Host *shost)
{
	struct virtscsi_vq_setup setup = {
		.nr_requests = NR_QUEUES,
		.nr_polled = 1,
		.control = &virtscsi_tmf_vq_ops,
		.event = &virtscsi_event_vq_ops,
		.request = &virtscsi_cmd_vq_ops,
	};
	struct virtscsi *vscsi = shost_priv(shost);

	INIT_LIST_HEAD(&shost->__devices);
	spin_lock_init(&shost->default_lock);
	shost->host_lock = &shost->default_lock;
	vscsi->vdev = &fake->vdev;
	vscsi->shost = shost;
	vscsi->has_pi = true;
	vscsi->limits.negotiated.of[VIRTSCSI_CDB_SIZE].value = 32;
	vscsi->tags.of = fake->tags;
	vscsi->tags.nr_tags = 1;
	virtscsi_vq_init(vscsi, &setup);
	virtscsi_tmf_init(vscsi, fake_done);
	vscsi->cmds.late = fake_late;
	fake->vscsi = vscsi;
}

/* The command is the error handler's: its end needs no block layer. */
static void fake_init_io(struct fake *fake, struct Scsi_Host *shost)
{
	struct scsi_cmnd *sc = &fake->io.sc;

	fake->lun.sdev = &fake->sdev;
	fake->sdev.host = shost;
	fake->sdev.hostdata = &fake->lun;
	fake->io.rq.mq_hctx = &fake->hctx;
	sc->device = &fake->sdev;
	sc->submitter = SUBMITTED_BY_SCSI_ERROR_HANDLER;
	sc->cmd_len = COMMAND_SIZE(TEST_UNIT_READY);
	sc->sc_data_direction = DMA_NONE;
	sc->flags = SCMD_LAST;
	sg_init_one(&fake->prot_sg, fake->pi, sizeof(fake->pi));
	fake->prot.table.sgl = &fake->prot_sg;
	fake->prot.table.nents = 1;
	sc->prot_sdb = &fake->prot;
}

static int cmd_test_init(struct kunit *test)
{
	struct fake *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	struct Scsi_Host *shost;
	struct virtscsi_tag *tag;
	struct virtscsi *vscsi;
	unsigned int i;

	shost = kunit_kzalloc(test, sizeof(*shost) +
			      struct_size(vscsi, vqs.of,
					  VIRTSCSI_VQ_REQUEST + NR_QUEUES),
			      GFP_KERNEL);
	if (!fake || !shost)
		return -ENOMEM;
	for (i = 0; i < NR_QUEUES; i++) {
		tag = &fake->tags[i];
		tag->resp = kunit_kzalloc(test, 512, GFP_KERNEL);
		if (!tag->resp)
			return -ENOMEM;
		tag->request = (void *)tag->resp + 256;
		tag->id = virtscsi_wire_tag(i << BLK_MQ_UNIQUE_TAG_BITS, 0);
		sg_init_one(&tag->request_sg, tag->request,
			    virtscsi_wire_cmd_len(true, 32));
		sg_init_one(&tag->resp_sg, tag->resp, 64);
		tag->sgs[0] = &tag->request_sg;
	}
	fake_init_vscsi(fake, shost);
	fake_init_io(fake, shost);
	test->priv = fake;
	return virtscsi_stats_lun_init(&fake->lun.stats) ?:
	       fake_init_ring(test, fake, virtscsi_vq_request(fake->vscsi, 0));
}

static void cmd_test_exit(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct virtqueue *vq;

	if (!fake)
		return;
	vq = virtscsi_vq_request(fake->vscsi, 0)->vq;
	if (vq)
		vring_del_virtqueue(vq);
	virtscsi_stats_lun_exit(&fake->lun.stats);
}

static unsigned int fake_queue(struct fake *fake)
{
	struct virtqueue *vq = virtscsi_vq_request(fake->vscsi, 0)->vq;

	virtscsi_cmd_queue(fake->vscsi->shost, &fake->io.sc);
	return RING_SIZE - vq->num_free;
}

/* Nobody polls for a command of the error handler. */
static void cmd_test_eh_of_polled_queue(struct kunit *test)
{
	struct fake *fake = test->priv;

	fake->hctx.queue_num = POLLED;
	KUNIT_EXPECT_EQ(test, fake_queue(fake), 2);
	KUNIT_EXPECT_TRUE(test, virtscsi_cmd_is_in_flight(&fake->io.sc));
}

/* The error handler sends TEST UNIT READY in a command that had such a buffer. */
static void cmd_test_eh_without_prot_buffer(struct kunit *test)
{
	struct fake *fake = test->priv;

	KUNIT_ASSERT_EQ(test, scsi_prot_sg_count(&fake->io.sc), 1);
	KUNIT_EXPECT_EQ(test, fake_queue(fake), 2);
}

static void cmd_test_prot_buffer(struct kunit *test)
{
	struct fake *fake = test->priv;

	scsi_set_prot_op(&fake->io.sc, SCSI_PROT_READ_PASS);
	KUNIT_EXPECT_EQ(test, fake_queue(fake), 3);
}

static const struct failfast_row {
	const char *name;
	blk_opf_t flags;
	bool is_failfast;
} failfast_rows[] = {
	{ "none", REQ_OP_READ, false },
	{ "device", REQ_OP_READ | REQ_FAILFAST_DEV, false },
	{ "transport", REQ_OP_READ | REQ_FAILFAST_TRANSPORT, true },
	{ "readahead", REQ_OP_READ | REQ_RAHEAD | REQ_FAILFAST_MASK, false },
};

KUNIT_ARRAY_PARAM_DESC(failfast, failfast_rows, name);

/* On its way back it is failed, not repeated on the path that lost it. */
static void cmd_test_failfast_ends(struct kunit *test)
{
	const struct failfast_row *row = test->param_value;
	struct fake *fake = test->priv;
	struct scsi_cmnd *sc = &fake->io.sc;

	fake->io.rq.cmd_flags = row->flags;
	fake->io.cmd.ladder.step = VIRTSCSI_LADDER_ABORT;
	fake->io.cmd.ladder.taken_at = get_jiffies_64();
	KUNIT_EXPECT_EQ(test, virtscsi_eh_should_retry(sc), !row->is_failfast);
	virtscsi_cmd_vq_ops.lose(fake->vscsi, &fake->io.cmd, false);
	KUNIT_EXPECT_EQ(test, host_byte(sc->result),
			row->is_failfast ? DID_TRANSPORT_FAILFAST : DID_RESET);
}

/* What was said of a submission says nothing of the next one with its tag. */
static void cmd_test_note_of_submission(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct virtscsi_cmd *cmd = &fake->io.cmd;

	cmd->tag = virtscsi_wire_tag(0, 1);
	virtscsi_inflight_write_note(fake->vscsi, cmd->tag, 3);
	KUNIT_EXPECT_EQ(test, virtscsi_inflight_read_note(&fake->io.sc), 3);
	cmd->tag = virtscsi_wire_tag(0, 2);
	KUNIT_EXPECT_EQ(test, virtscsi_inflight_read_note(&fake->io.sc), 0);
}

static const struct back_row {
	const char *name;
	u8 step;
	unsigned int age_s;	/* of the step */
	int retries;
	int allowed;
	int host_byte;
} back_rows[] = {
	{ "without a step", VIRTSCSI_LADDER_NO_STEP, 1, 0, 5, DID_RESET },
	{ "soon after", VIRTSCSI_LADDER_ABORT, 3, 0, 5, DID_TRANSPORT_FAILFAST },
	{ "with its storage", VIRTSCSI_LADDER_ABORT, 10, 0, 5, DID_RESET },
	{ "once too often", VIRTSCSI_LADDER_ABORT, 10, 5, 5, DID_TRANSPORT_FAILFAST },
	{ "ended at once too often", VIRTSCSI_LADDER_NO_STEP, 1, 5, 5, DID_TRANSPORT_FAILFAST },
	{ "retried without limit", VIRTSCSI_LADDER_NO_STEP, 1, 5, -1, DID_RESET },
};

KUNIT_ARRAY_PARAM_DESC(back, back_rows, name);

/* What comes back with its storage is repeated: the path works. */
static void cmd_test_failfast_back(struct kunit *test)
{
	const struct back_row *row = test->param_value;
	struct fake *fake = test->priv;
	struct scsi_cmnd *sc = &fake->io.sc;

	fake->io.rq.cmd_flags = REQ_OP_READ | REQ_FAILFAST_TRANSPORT;
	fake->io.cmd.ladder.step = row->step;
	fake->io.cmd.ladder.taken_at = get_jiffies_64() - row->age_s * HZ;
	sc->retries = row->retries;
	sc->allowed = row->allowed;
	virtscsi_cmd_vq_ops.lose(fake->vscsi, &fake->io.cmd, false);
	KUNIT_EXPECT_EQ(test, host_byte(sc->result), row->host_byte);
}

/* GOOD of what was submitted before a reset was answered, however late it comes. */
static void cmd_test_doubt(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct scsi_cmnd *sc = &fake->io.sc;
	u64 until = get_jiffies_64() - 100 * HZ;

	/* Its end needs no block layer either. */
	sc->submitter = SUBMITTED_BY_SCSI_RESET_IOCTL;
	fake->io.cmd.resp = fake->tags[0].resp;
	virtscsi_cmd_doubt(&fake->sdev, until);
	fake->io.cmd.submitted = until - 1;
	virtscsi_cmd_vq_ops.finish(fake->vscsi, &fake->io.cmd);
	KUNIT_EXPECT_EQ(test, host_byte(sc->result), DID_RESET);
	fake->io.cmd.submitted = until;
	virtscsi_cmd_vq_ops.finish(fake->vscsi, &fake->io.cmd);
	KUNIT_EXPECT_EQ(test, sc->result, 0);
}

/* It takes no step that nobody chose: some releases of QEMU lose what they abort. */
static void cmd_test_failfast_waits(struct kunit *test)
{
	const struct failfast_row *row = test->param_value;
	struct fake *fake = test->priv;

	fake->io.rq.cmd_flags = row->flags;
	KUNIT_EXPECT_EQ(test, virtscsi_ladder_climb(fake->vscsi, &fake->io.sc, 0),
			VIRTSCSI_LADDER_NO_STEP);
}

/* What the device aborts by itself. */
static void cmd_test_aborted_unasked(struct kunit *test)
{
	const struct failfast_row *row = test->param_value;
	struct fake *fake = test->priv;
	struct scsi_cmnd *sc = &fake->io.sc;

	/* Its end needs no block layer. */
	sc->submitter = SUBMITTED_BY_SCSI_RESET_IOCTL;
	fake->io.rq.cmd_flags = row->flags;
	fake->io.cmd.resp = fake->tags[0].resp;
	fake->io.cmd.resp->response = VIRTIO_SCSI_S_ABORTED;
	virtscsi_cmd_vq_ops.finish(fake->vscsi, &fake->io.cmd);
	KUNIT_EXPECT_EQ(test, host_byte(sc->result),
			row->flags & REQ_FAILFAST_TRANSPORT ?
			DID_ABORT : DID_TRANSPORT_DISRUPTED);
}

/* A reset that was not sent, or was refused, leaves what is doubted as it was. */
static void cmd_test_reset_not_done(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct Scsi_Host *shost = fake->vscsi->shost;

	list_add(&fake->sdev.siblings, &shost->__devices);
	fake->vscsi->ladder.step = VIRTSCSI_LADDER_LUN;
	fake->io.cmd.submitted = get_jiffies_64();
	fake->io.cmd.ladder.step = VIRTSCSI_LADDER_ABORT;
	fake->lun.cmds.doubted_until = 7;
	/* The control virtqueue is stopped. */
	KUNIT_EXPECT_EQ(test, virtscsi_ladder_climb(fake->vscsi, &fake->io.sc, 0),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, fake->io.cmd.ladder.step, VIRTSCSI_LADDER_ABORT);
	KUNIT_EXPECT_EQ(test, fake->lun.cmds.doubted_until, 7);
	virtscsi_ladder_doubt(fake->vscsi, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
			      0, 0, VIRTSCSI_LADDER_SENT);
	KUNIT_EXPECT_GT(test, fake->lun.cmds.doubted_until,
			get_jiffies_64() + 50 * HZ);
	virtscsi_ladder_doubt(fake->vscsi, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
			      0, 0, VIRTSCSI_LADDER_DONE);
	KUNIT_EXPECT_LE(test, fake->lun.cmds.doubted_until, get_jiffies_64() + 1);
	KUNIT_EXPECT_GT(test, fake->lun.cmds.doubted_until, 7);
}

/*
 * The block layer dropped the completion (fail_io_timeout). At the first timeout it
 * may still be on its way; after the second the SCSI core ends the command.
 */
static void cmd_test_completion_dropped(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct scsi_cmnd *sc = &fake->io.sc;

	KUNIT_EXPECT_EQ(test, virtscsi_recovery_timed_out(sc), SCSI_EH_RESET_TIMER);
	KUNIT_EXPECT_EQ(test, virtscsi_recovery_timed_out(sc), SCSI_EH_NOT_HANDLED);
	set_bit(SCMD_STATE_COMPLETE, &sc->state);
	KUNIT_EXPECT_EQ(test, virtscsi_recovery_timed_out(sc), SCSI_EH_DONE);
}

/* Other LUNs go on: they wait for no command of the host. */
static void cmd_test_paused(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct scsi_cmnd *sc = &fake->io.sc;

	virtscsi_vq_request(fake->vscsi, 0)->state = VIRTSCSI_VQ_PAUSED;
	KUNIT_EXPECT_EQ(test, virtscsi_cmd_queue(fake->vscsi->shost, sc),
			SCSI_MLQUEUE_TARGET_BUSY);
	KUNIT_EXPECT_FALSE(test, virtscsi_cmd_is_in_flight(sc));
}

/* After SUCCESS the SCSI core reuses the memory of the command. */
static void cmd_test_abort_in_vain(struct kunit *test)
{
	struct fake *fake = test->priv;
	struct scsi_cmnd *sc = &fake->io.sc;

	virtscsi_vq_control(fake->vscsi)->state = VIRTSCSI_VQ_DEAD;
	fake->io.cmd.is_in_flight = true;
	KUNIT_EXPECT_EQ(test, virtscsi_eh_abort(sc), FAILED);
	fake->io.cmd.is_in_flight = false;
	KUNIT_EXPECT_EQ(test, virtscsi_eh_abort(sc), SUCCESS);
}

static struct kunit_case cmd_test_cases[] = {
	KUNIT_CASE(cmd_test_eh_of_polled_queue),
	KUNIT_CASE(cmd_test_eh_without_prot_buffer),
	KUNIT_CASE(cmd_test_prot_buffer),
	KUNIT_CASE_PARAM(cmd_test_failfast_ends, failfast_gen_params),
	KUNIT_CASE_PARAM(cmd_test_failfast_back, back_gen_params),
	KUNIT_CASE(cmd_test_doubt),
	KUNIT_CASE(cmd_test_note_of_submission),
	KUNIT_CASE_PARAM(cmd_test_failfast_waits, failfast_gen_params),
	KUNIT_CASE_PARAM(cmd_test_aborted_unasked, failfast_gen_params),
	KUNIT_CASE(cmd_test_reset_not_done),
	KUNIT_CASE(cmd_test_completion_dropped),
	KUNIT_CASE(cmd_test_paused),
	KUNIT_CASE(cmd_test_abort_in_vain),
	{}
};

static struct kunit_suite cmd_test_suite = {
	.name = "virtio_scsi_cmd",
	.init = cmd_test_init,
	.exit = cmd_test_exit,
	.test_cases = cmd_test_cases,
};

kunit_test_suite(cmd_test_suite);
