/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a test writes a line, the device answers with one line,
 * `ok ...` or `error: ...`.
 */
#ifndef CONTROL_H
#define CONTROL_H

void control_listen(const char *path);

#endif
