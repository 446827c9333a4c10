// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The commands that the device has: finding them, and what is known of each.
 */
#include <linux/blk-mq.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "virtscsi.h"
#include "wire.h"

/* Bits of a generation that virtscsi_tag.note holds, and of the byte below. */
#define NOTE_GENERATION	GENMASK(23, 0)
#define NOTE_BITS	8

void virtscsi_inflight_init(struct virtscsi *vscsi)
{
	init_rwsem(&vscsi->inflight.iterating);
}

/*
 * Keeps a byte about a submission, which may be over by now: the byte is kept with
 * the tag, so this needs no reference on the command. Any context.
 */
void virtscsi_inflight_write_note(struct virtscsi *vscsi, u64 tag, u8 note)
{
	u32 generation = virtscsi_wire_tag_generation(tag);
	struct virtscsi_tag *of = virtscsi_tags_find(vscsi, virtscsi_wire_tag_unique(tag));

	WRITE_ONCE(of->note, (generation & NOTE_GENERATION) << NOTE_BITS | note);
}

/* The byte kept about the latest submission of a command, or 0. */
u8 virtscsi_inflight_read_note(struct scsi_cmnd *sc)
{
	struct virtscsi *vscsi = shost_priv(sc->device->host);
	u64 tag = virtscsi_cmd_tag(sc);
	u32 generation = virtscsi_wire_tag_generation(tag);
	u32 note = READ_ONCE(virtscsi_tags_find(vscsi, virtscsi_wire_tag_unique(tag))->note);

	if (note >> NOTE_BITS != (generation & NOTE_GENERATION))
		return 0;
	return note & GENMASK(NOTE_BITS - 1, 0);
}

struct inflight_visitor {
	bool (*fn)(struct scsi_cmnd *sc, void *data);
	void *data;
};

static bool inflight_visit(struct scsi_cmnd *sc, void *data)
{
	const struct inflight_visitor *visitor = data;

	return !virtscsi_cmd_is_in_flight(sc) || visitor->fn(sc, visitor->data);
}

/*
 * Visits the commands that the device has, until fn returns false. It must not
 * sleep, and the command may come back at any time. None is visited after
 * virtscsi_inflight_close(). Process context.
 */
void virtscsi_inflight_for_each(struct virtscsi *vscsi,
				bool (*fn)(struct scsi_cmnd *sc, void *data),
				void *data)
{
	struct inflight_visitor visitor = { .fn = fn, .data = data };

	down_read(&vscsi->inflight.iterating);
	if (!vscsi->inflight.is_closed)
		scsi_host_busy_iter(vscsi->shost, inflight_visit, &visitor);
	up_read(&vscsi->inflight.iterating);
}

/* The SCSI core is about to free the tags; an ioctl may still want to visit. */
void virtscsi_inflight_close(struct virtscsi *vscsi)
{
	down_write(&vscsi->inflight.iterating);
	vscsi->inflight.is_closed = true;
	up_write(&vscsi->inflight.iterating);
}
