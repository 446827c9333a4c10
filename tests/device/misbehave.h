/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Misbehaviour on command. A fault names requests (commands, task management
 * functions, events, doorbells) and what befalls them; hba.c asks for each
 * request that comes in, and does what the deed says. Without faults every
 * deed is the good one.
 */
#ifndef MISBEHAVE_H
#define MISBEHAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ring.h"
#include "wire.h"

#define DEED_MAX_BYTES	128
#define DEED_AS_IT_IS	(-1)

struct deed {
	bool lose;		/* never answered; no TMF finds it */
	bool keep;		/* not answered until a TMF or a reset ends it */
	bool nothing;		/* given back, but not executed and nothing written */
	bool skip;		/* answered, but not executed */
	bool twice;		/* given back twice */
	bool stale;		/* before it, the id of the one before is given back again */
	bool silent;		/* without an interrupt */
	bool swap;		/* event: after the next one */
	/* What to say instead of the truth, or DEED_AS_IT_IS. */
	int64_t response, status, qualifier, sense_len, residual, used, id;
	int64_t late_ms;	/* lost for that long, then answered */
	uint8_t bytes[DEED_MAX_BYTES];	/* sense data; or all of an event */
	uint32_t nr_bytes;
	uint8_t tuple[8];	/* flips bits of each protection tuple that is read */
	uint32_t nr_tuple;
	uint8_t data[16];	/* what the command reads instead, not executed */
	uint32_t nr_data;
};

#define DEED_GOOD { \
	.response = DEED_AS_IT_IS, .status = DEED_AS_IT_IS, .qualifier = DEED_AS_IT_IS, \
	.sense_len = DEED_AS_IT_IS, .residual = DEED_AS_IT_IS, .used = DEED_AS_IT_IS, \
	.id = DEED_AS_IT_IS, \
}

/* The words of a `fault` line, NULL behind the last; false with a reason. */
bool misbehave_add(char **word, char *err, size_t err_len);
void misbehave_clear(void);
/* The faults as JSON, each with the number of requests it has befallen. */
void misbehave_print(FILE *out);

struct deed misbehave_command(uint8_t opcode, const struct address *to);
struct deed misbehave_tmf(uint32_t subtype, const struct address *to);
struct deed misbehave_event(void);
struct deed misbehave_doorbell(unsigned int queue);

/* Gives a chain back as the deed says; len is the number of bytes written. */
void misbehave_push(const struct deed *deed, struct ring *r, const struct chain *c, uint32_t len);

#endif
