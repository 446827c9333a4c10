// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernels of 64-bit machines live in the upper half of the address space; that
 * of User-Mode Linux has the guest's memory at 0x60000000.
 */
#include <stdbool.h>

#include "bytes.h"
#include "leak.h"
#include "memory.h"
#include "mutate.h"
#include "violation.h"

#define UML_PHYSMEM	0x60000000
#define UPPER_HALF	0x1ffff		/* bits 47 to 63 */

uint64_t nr_leaks;

static bool is_uml_address(uint64_t value)
{
	return value >= UML_PHYSMEM && mem_guest(value - UML_PHYSMEM, 1);
}

/* The length that the opcode's group gives a CDB; 0: not known. */
static uint32_t cdb_len(const uint8_t *cdb)
{
	static const uint8_t len_of_group[] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	return cdb[0] == 0x7f ? 8 + cdb[7] : len_of_group[cdb[0] >> 5];
}

void leak_check_request(unsigned int queue, uint64_t tag, const uint8_t *cdb, uint32_t cdb_size)
{
	uint32_t len = cdb_len(cdb);

	if (is_uml_address(tag) || tag >> 47 == UPPER_HALF) {
		nr_leaks++;
		violation("queue %u: tag %llx is an address of the kernel", queue,
			  (unsigned long long)tag);
	}
	for (uint32_t i = len; len && i < cdb_size; i++)
		if (cdb[i]) {
			nr_leaks++;
			violation("queue %u: byte %u of a CDB of %u bytes is %02x", queue, i, len, cdb[i]);
			return;
		}
}

void leak_check_writable(unsigned int queue, struct sgl buffer)
{
	uint8_t word[8];

	/* Sense data made by chance lies there still, and may look like anything. */
	if (mutate_has_begun())
		return;
	for (unsigned int at = 0; sgl_get(&buffer, word, 8) == 8; at += 8)
		if (is_uml_address(get_le64(word))) {
			nr_leaks++;
			violation("queue %u: %016llx at byte %u of a response is an address of the kernel",
				  queue, (unsigned long long)get_le64(word), at);
			return;
		}
}
