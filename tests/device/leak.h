/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is there anything in what the driver hands over that is not the device's
 * business: an address of the guest's kernel, bytes of an earlier request.
 * Each is a violation, and counted apart from the others too.
 */
#ifndef LEAK_H
#define LEAK_H

#include <stdbool.h>
#include <stdint.h>

#include "sgl.h"

extern uint64_t nr_leaks;
extern bool leak_check_pages;	/* those of buffers, too */

#define LEAK_MAX_BUFFER	288	/* bytes of a buffer that are remembered: a response with its sense data */

void leak_check_tag(unsigned int queue, uint64_t tag);
void leak_check_cdb(unsigned int queue, const uint8_t *cdb, uint32_t cdb_size);
/* Of a buffer that the device is to write to; it can be read as well. */
void leak_check_writable(unsigned int queue, struct sgl buffer);
/* The device has written to it what is there now. */
void leak_wrote(struct sgl buffer);

#endif
