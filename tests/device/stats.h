/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the device has seen, for tests to ask about: printed as one line of
 * JSON by the control socket.
 */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>
#include <stdio.h>

struct ring;

struct stats {
	uint64_t drivers, events_sent, events_dropped, notification_queries, subscriptions;
	uint64_t last_ns;	/* when the last command was finished; CLOCK_MONOTONIC */
};

extern struct stats stats;

void stats_chain(unsigned int queue, unsigned int nr_descs);
void stats_segments(unsigned int nr_out, unsigned int nr_in);
void stats_pages(unsigned int nr);
void stats_data(uint64_t out, uint64_t in);
void stats_response(uint8_t response, uint8_t status);
void stats_in_flight(int by);
void stats_tmf(uint32_t subtype, const uint8_t lun[8], uint64_t tag, uint8_t response);
void stats_print(FILE *out, const struct ring *rings, uint64_t features);
void stats_reset(void);

#endif
