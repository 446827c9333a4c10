/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing: while it is on, part of what the device says is changed at random,
 * from a seed: responses, TMF responses, events, fields of the configuration space.
 */
#ifndef MUTATE_H
#define MUTATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define MUTATE_MAX_SENSE 256

/* The words of a `mutate` line; false with a reason. */
bool mutate_set(char **word, char *err, size_t err_len);
/* What was changed since the start, as JSON. */
void mutate_print(FILE *out);

void mutate_response(uint8_t header[12], uint8_t sense[MUTATE_MAX_SENSE], uint32_t *sense_len,
		     uint64_t *used);
void mutate_tmf(uint8_t *bytes, uint32_t len);
void mutate_event(uint8_t *bytes, uint32_t len);
/* Counted only when the driver reads a field that is not as it was. */
bool mutate_config(uint8_t *space, uint32_t len);
void mutate_config_seen(void);

#endif
