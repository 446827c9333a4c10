/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vhost-user back end on a unix socket: one front end (UML or QEMU) at a
 * time. It turns messages into rings that run and stop.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

void protocol_listen(const char *path);
bool protocol_feature_knob(const char *list, char *err, size_t err_len);
bool protocol_config_changed(void);
bool protocol_disconnect(void);
void protocol_away(void);
void protocol_back(void);
void protocol_watch(void);
void protocol_close(void);

#endif
