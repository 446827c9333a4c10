// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernels of 64-bit machines live in the upper half of the address space; that
 * of User-Mode Linux has the guest's memory at 0x60000000.
 *
 * Of a request every byte that is not the CDB proper is pinned down: here, and
 * by the rules in hba.c (lun, task_attr, prio, crn, protection lengths). In a
 * buffer that the device is to write may lie what the device wrote there last;
 * a copy of that is kept, by the buffer's address, so that what we say at
 * random is not taken for the driver's.
 *
 * Behind an IOMMU a device reaches all of the pages that hold a buffer, so no address
 * of the kernel may lie on those either. This is looked at only when asked for: it
 * takes a kernel that clears what it allocates and hides the addresses in what is free
 * (CONFIG_INIT_ON_ALLOC_DEFAULT_ON, CONFIG_SLAB_FREELIST_HARDENED), as Debian's do.
 */
#include <search.h>

#include "bytes.h"
#include "leak.h"
#include "loop.h"
#include "memory.h"
#include "violation.h"

#define UML_PHYSMEM	0x60000000
#define UPPER_HALF	0x1ffff		/* bits 47 to 63 */
#define LAST_ADDRESS	0xffffffffff000000	/* what is above are small negative numbers */
#define PAGE		4096

uint64_t nr_leaks;
bool leak_check_pages;

static bool is_uml_address(uint64_t value)
{
	return value >= UML_PHYSMEM && mem_guest(value - UML_PHYSMEM, 1);
}

static bool is_upper_address(uint64_t value)
{
	return value >> 47 == UPPER_HALF;
}

/* The length that the opcode's group gives a CDB; 0: not known. */
static uint32_t cdb_len(const uint8_t *cdb)
{
	static const uint8_t len_of_group[] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	return cdb[0] == 0x7f ? 8 + cdb[7] : len_of_group[cdb[0] >> 5];
}

void leak_check_tag(unsigned int queue, uint64_t tag)
{
	if (is_uml_address(tag) || is_upper_address(tag)) {
		nr_leaks++;
		violation("queue %u: tag %llx is an address of the kernel", queue,
			  (unsigned long long)tag);
	}
}

void leak_check_cdb(unsigned int queue, const uint8_t *cdb, uint32_t cdb_size)
{
	uint32_t len = cdb_len(cdb);

	for (uint32_t i = len; len && i < cdb_size; i++)
		if (cdb[i]) {
			nr_leaks++;
			violation("queue %u: byte %u of a CDB of %u bytes is %02x", queue, i, len, cdb[i]);
			return;
		}
}

/* What the device has written to a buffer, known by the guest's address of its first byte. */
struct writing {
	uint64_t at;
	uint8_t bytes[LEAK_MAX_BUFFER];
};

static void *writings;

static int compare(const void *a, const void *b)
{
	const struct writing *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void check_page(unsigned int queue, const uint8_t *first)
{
	const uint8_t *page = first - ((uintptr_t)first & (PAGE - 1));

	for (unsigned int at = 0; at < PAGE; at += 8) {
		uint64_t value = get_le64(page + at);

		if (is_upper_address(value) && value < LAST_ADDRESS) {
			nr_leaks++;
			violation("queue %u: %016llx on the page of a buffer for the device is an address of the kernel",
				  queue, (unsigned long long)value);
			return;
		}
	}
}

void leak_check_writable(unsigned int queue, struct sgl buffer)
{
	struct writing key = { .at = mem_guest_addr(sgl_first(buffer)) };
	struct writing **ours = tfind(&key, &writings, compare);
	uint8_t word[8];

	if (leak_check_pages && sgl_first(buffer))
		check_page(queue, sgl_first(buffer));
	for (unsigned int at = 0; sgl_get(&buffer, word, 8) == 8; at += 8)
		if (is_uml_address(get_le64(word)) &&
		    !(ours && at + 8 <= LEAK_MAX_BUFFER && !memcmp(word, (*ours)->bytes + at, 8))) {
			nr_leaks++;
			violation("queue %u: %016llx at byte %u of a buffer for the device is an address of the kernel",
				  queue, (unsigned long long)get_le64(word), at);
			return;
		}
}

void leak_wrote(struct sgl buffer)
{
	struct writing key = { .at = mem_guest_addr(sgl_first(buffer)) }, **ours;

	ours = tfind(&key, &writings, compare);
	if (!ours) {
		struct writing *new = xalloc(NULL, 1, sizeof(*new));

		*new = key;
		ours = tsearch(new, &writings, compare);
	}
	sgl_get(&buffer, (*ours)->bytes, LEAK_MAX_BUFFER);
}
