/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a test writes a line, the device answers with one line,
 * `ok ...` or `error: ...`.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stdio.h>

void control_listen(const char *path);

/* Runs a file of commands; false: control_reason() says what is wrong with it. */
bool control_scenario(const char *path, FILE *out);
const char *control_reason(void);

/* Commands that were put off (in MILLISECONDS ...). */
void control_run(void);
int control_poll_ms(void);

#endif
