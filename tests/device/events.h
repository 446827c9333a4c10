/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event queue: what the driver is told of LUNs that come, go and change.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#define EVENT_TRANSPORT_RESET	1
#define EVENT_ASYNC_NOTIFY	2
#define EVENT_PARAM_CHANGE	3
#define RESET_RESCAN		1
#define RESET_REMOVED		2
#define ASYNC_MEDIA_CHANGE	16

struct lun;

void events_new_driver(void);
void events_kick(void);

/* true: sent; false: there was no buffer, and EVENTS_MISSED is due. */
bool events_send(uint32_t event, const uint8_t lun[8], uint32_t reason);
bool events_about(const struct lun *lun, uint32_t event, uint32_t reason);
void events_drop(bool drop);
/* Sends it so many times, as fast as the driver gives buffers. */
void events_storm(uint64_t nr, uint32_t event, const uint8_t lun[8], uint32_t reason);

#endif
