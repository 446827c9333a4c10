/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the driver did that the specification forbids. Each is counted, kept
 * (the last ones) for the control socket, and said on stderr. The device goes
 * on as well as it can.
 */
#ifndef VIOLATION_H
#define VIOLATION_H

#include <stdint.h>
#include <stdio.h>

void violation(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t violation_count(void);
void violation_reset(void);
/* From here on only those are forgiven whose message has one of the words; a list that ends in NULL. */
void violation_forgive(char **word);
void violation_print(FILE *out);

#endif
