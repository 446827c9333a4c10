/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and addresses of the virtio-scsi wire format.
 *
 * With T10_PI the two length fields stand *before* the CDB, as in the uapi
 * header and in every implementation; the text of the specification (1.3) has
 * them behind it.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_CONTROL	0
#define QUEUE_EVENT	1
#define QUEUE_REQUEST	2

#define REQ_HEADER	19	/* lun, tag, task_attr, prio, crn */
#define REQ_PI		8	/* pi_bytesout, pi_bytesin */
#define RESP_HEADER	12	/* sense_len, residual, status_qualifier, status, response */
#define CTRL_TMF_REQ	24
#define CTRL_AN_REQ	16
#define CTRL_AN_RESP	5
#define EVENT_SIZE	16

enum {
	S_OK = 0, S_FUNCTION_COMPLETE = 0, S_OVERRUN = 1, S_ABORTED = 2, S_BAD_TARGET = 3,
	S_RESET = 4, S_BUSY = 5, S_FAILURE = 9, S_FUNCTION_SUCCEEDED = 10,
	S_FUNCTION_REJECTED = 11, S_INCORRECT_LUN = 12
};

enum { CTRL_TMF, CTRL_AN_QUERY, CTRL_AN_SUBSCRIBE };

enum {
	TMF_ABORT_TASK, TMF_ABORT_TASK_SET, TMF_CLEAR_ACA, TMF_CLEAR_TASK_SET,
	TMF_I_T_NEXUS_RESET, TMF_LOGICAL_UNIT_RESET, TMF_QUERY_TASK, TMF_QUERY_TASK_SET
};

#define EVENT_NONE	0
#define EVENTS_MISSED	0x80000000u

struct address {
	enum { TO_NOWHERE, TO_LUN, TO_REPORT_LUNS } kind;
	uint8_t target;
	uint16_t lun;		/* LUN_WELL_KNOWN for that of a target */
};

void address_parse(struct address *to, const uint8_t lun[8]);
void address_format(uint8_t lun[8], uint8_t target, uint16_t number);
bool address_same_lun(const struct address *a, const struct address *b);

#endif
