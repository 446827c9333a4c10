/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's memory as the front end shares it. mem_guest() takes guest
 * physical addresses (descriptors), mem_user() the front end's own virtual
 * addresses (ring addresses); both return NULL for a range that is not wholly
 * inside one region.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct mem_region {
	uint64_t guest_addr, size, user_addr, mmap_offset;
	int fd;
};

int mem_set(const struct mem_region *regions, unsigned int nr);
void mem_drop_retired(void);
void mem_clear(void);
void *mem_guest(uint64_t addr, uint64_t len);
void *mem_user(uint64_t addr, uint64_t len);
uint64_t mem_guest_addr(const void *p);

#endif
