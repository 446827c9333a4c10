/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is there anything in what the driver hands over that is not the device's
 * business: an address of the guest's kernel, bytes of an earlier request.
 * Each is a violation, and counted apart from the others too.
 */
#ifndef LEAK_H
#define LEAK_H

#include <stdint.h>

#include "sgl.h"

extern uint64_t nr_leaks;

void leak_check_request(unsigned int queue, uint64_t tag, const uint8_t *cdb, uint32_t cdb_size);
/* Of a buffer that the device is to write to; it can be read as well. */
void leak_check_writable(unsigned int queue, struct sgl buffer);

#endif
