/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracepoints: what passes between the midlayer and the device, in host order.
 * Scripts use the fields: they may be added at the end of an event, but none is
 * renamed or changes its meaning. None has variable length, so bpftrace can read
 * each of them directly.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM virtio_scsi

#if !defined(VIRTSCSI_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VIRTSCSI_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/virtio_scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>

#include "virtscsi.h"
#include "wire.h"

/* The verdict of virtscsi_timeout. */
#define VIRTSCSI_TIMEOUT_FOUND		0	/* was in the used ring */
#define VIRTSCSI_TIMEOUT_HELD		1	/* the timer is started again */
#define VIRTSCSI_TIMEOUT_NOT_HANDLED	2	/* goes to the error handler */

/* The response of virtscsi_complete, if the device did not return the command. */
#define VIRTSCSI_TRACE_NO_RESPONSE	-1

/* Longer CDBs are truncated; no command set in use has any. */
#define VIRTSCSI_TRACE_CDB	32

u32 virtscsi_trace_sense(const struct scsi_cmnd *sc);

#define virtscsi_show_tmf(_subtype)					\
	__print_symbolic(_subtype,					\
		{ VIRTIO_SCSI_T_TMF_ABORT_TASK, "abort_task" },		\
		{ VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET, "i_t_nexus_reset" }, \
		{ VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, "logical_unit_reset" }, \
		{ VIRTIO_SCSI_T_TMF_QUERY_TASK, "query_task" })

#define virtscsi_show_event(_event)					\
	__print_symbolic((_event) & ~VIRTIO_SCSI_T_EVENTS_MISSED,	\
		{ VIRTIO_SCSI_T_NO_EVENT, "none" },			\
		{ VIRTIO_SCSI_T_TRANSPORT_RESET, "transport_reset" },	\
		{ VIRTIO_SCSI_T_PARAM_CHANGE, "param_change" })

#define virtscsi_show_direction(_direction)				\
	__print_symbolic(_direction,					\
		{ 1, "write" }, { 2, "read" }, { 3, "none" })

#define virtscsi_show_verdict(_verdict)					\
	__print_symbolic(_verdict,					\
		{ VIRTSCSI_TIMEOUT_FOUND, "found" },			\
		{ VIRTSCSI_TIMEOUT_HELD, "held" },			\
		{ VIRTSCSI_TIMEOUT_NOT_HANDLED, "not_handled" })

/* What the events of a command @sc have in common. */
#define virtscsi_trace_struct(...)					\
	TP_STRUCT__entry(__field(u32, host)				\
			 __field(u32, target)				\
			 __field(u64, lun)				\
			 __field(u64, tag)				\
			 __field(u32, queue)				\
			 __VA_ARGS__)

#define virtscsi_trace_assign(...)					\
	TP_fast_assign(__entry->host = sc->device->host->host_no;	\
		       __entry->target = sc->device->id;		\
		       __entry->lun = sc->device->lun;			\
		       __entry->tag = virtscsi_cmd_tag(sc);		\
		       __entry->queue = blk_mq_unique_tag_to_hwq(	\
				virtscsi_wire_tag_unique(__entry->tag)); \
		       __VA_ARGS__)

#define virtscsi_trace_printk(_format, ...)				\
	TP_printk("host=%u target=%u lun=%llu tag=0x%llx queue=%u " _format, \
		  __entry->host, __entry->target, __entry->lun,		\
		  __entry->tag, __entry->queue, __VA_ARGS__)

TRACE_EVENT(virtscsi_submit,
	    TP_PROTO(struct scsi_cmnd *sc),
	    TP_ARGS(sc),
	    virtscsi_trace_struct(__field(u32, direction)
				  __field(u32, bytes)
				  __field(u32, segments)
				  __field(u32, prot_segments)
				  __field(u32, retries)
				  __field(u32, cdb_len)
				  __array(u8, cdb, VIRTSCSI_TRACE_CDB)),
	    virtscsi_trace_assign(__entry->direction = sc->sc_data_direction;
				  __entry->bytes = scsi_bufflen(sc);
				  __entry->segments = scsi_sg_count(sc);
				  __entry->prot_segments = scsi_prot_sg_count(sc);
				  __entry->retries = sc->retries;
				  __entry->cdb_len = sc->cmd_len;
				  memset(__entry->cdb, 0, VIRTSCSI_TRACE_CDB);
				  memcpy(__entry->cdb, sc->cmnd,
					 min_t(u32, sc->cmd_len, VIRTSCSI_TRACE_CDB));),
	    virtscsi_trace_printk("%s bytes=%u segments=%u prot_segments=%u retries=%u cdb_len=%u cdb=%s",
				  virtscsi_show_direction(__entry->direction),
				  __entry->bytes, __entry->segments,
				  __entry->prot_segments, __entry->retries,
				  __entry->cdb_len, __print_hex(__entry->cdb, 16))
);

TRACE_EVENT(virtscsi_complete,
	    TP_PROTO(struct scsi_cmnd *sc, int response),
	    TP_ARGS(sc, response),
	    virtscsi_trace_struct(__field(u32, opcode)
				  __field(s32, response)
				  __field(u32, status)
				  __field(u32, host_byte)
				  __field(u32, sense)
				  __field(u32, bytes)
				  __field(u32, residual)
				  __field(u32, age_ms)),
	    virtscsi_trace_assign(__entry->opcode = sc->cmnd[0];
				  __entry->response = response;
				  __entry->status = sc->result & 0xff;
				  __entry->host_byte = host_byte(sc->result);
				  __entry->sense = virtscsi_trace_sense(sc);
				  __entry->bytes = scsi_bufflen(sc);
				  __entry->residual = scsi_get_resid(sc);
				  __entry->age_ms = virtscsi_cmd_age_ms(sc);),
	    virtscsi_trace_printk("opcode=0x%02x response=%d status=0x%02x host_byte=0x%02x sense=%02x/%02x/%02x bytes=%u residual=%u age_ms=%u",
				  __entry->opcode, __entry->response, __entry->status,
				  __entry->host_byte, __entry->sense >> 16,
				  __entry->sense >> 8 & 0xff, __entry->sense & 0xff,
				  __entry->bytes, __entry->residual, __entry->age_ms)
);

TRACE_EVENT(virtscsi_timeout,
	    TP_PROTO(struct scsi_cmnd *sc, u32 verdict),
	    TP_ARGS(sc, verdict),
	    virtscsi_trace_struct(__field(u32, opcode)
				  __field(u32, age_ms)
				  __field(u32, verdict)),
	    virtscsi_trace_assign(__entry->opcode = sc->cmnd[0];
				  __entry->age_ms = virtscsi_cmd_age_ms(sc);
				  __entry->verdict = verdict;),
	    virtscsi_trace_printk("opcode=0x%02x age_ms=%u verdict=%s", __entry->opcode,
				  __entry->age_ms, virtscsi_show_verdict(__entry->verdict))
);

TRACE_EVENT(virtscsi_tmf,
	    TP_PROTO(struct virtscsi *vscsi, u32 target, u64 lun, u32 subtype,
		     u64 tag, int answer),
	    TP_ARGS(vscsi, target, lun, subtype, tag, answer),
	    TP_STRUCT__entry(__field(u32, host)
			     __field(u32, target)
			     __field(u64, lun)
			     __field(u64, tag)
			     __field(u32, subtype)
			     __field(s32, answer)),
	    TP_fast_assign(__entry->host = vscsi->shost->host_no;
			   __entry->target = target;
			   __entry->lun = lun;
			   __entry->tag = tag;
			   __entry->subtype = subtype;
			   __entry->answer = answer;),
	    TP_printk("host=%u target=%u lun=%llu tag=0x%llx subtype=%s answer=%d",
		      __entry->host, __entry->target, __entry->lun, __entry->tag,
		      virtscsi_show_tmf(__entry->subtype), __entry->answer)
);

TRACE_EVENT(virtscsi_event,
	    TP_PROTO(struct virtscsi *vscsi, const struct virtscsi_event *event),
	    TP_ARGS(vscsi, event),
	    TP_STRUCT__entry(__field(u32, host)
			     __field(u32, event)
			     __field(u32, reason)
			     __array(u8, lun_field, VIRTSCSI_WIRE_LUN_LEN)),
	    TP_fast_assign(__entry->host = vscsi->shost->host_no;
			   __entry->event = event->event;
			   __entry->reason = event->reason;
			   memcpy(__entry->lun_field, event->lun,
				  VIRTSCSI_WIRE_LUN_LEN);),
	    TP_printk("host=%u event=%s reason=0x%x missed=%u lun_field=%s",
		      __entry->host, virtscsi_show_event(__entry->event),
		      __entry->reason, __entry->event >> 31,
		      __print_hex(__entry->lun_field, 8))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
