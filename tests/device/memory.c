// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory: the regions of the last SET_MEM_TABLE, mapped shared.
 *
 * A new table retires the old mappings instead of unmapping them, because
 * commands that are still in flight point into them. They show the same pages,
 * so nothing is lost; hba.c drops them once no command is in flight.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loop.h"
#include "memory.h"

struct mapping {
	struct mapping *next;
	struct mem_region region;
	void *map;
	size_t map_len;
	bool retired;
};

static struct mapping *mappings;

static void unmap_where(bool retired_only)
{
	struct mapping **link = &mappings;

	while (*link) {
		struct mapping *m = *link;

		if (retired_only && !m->retired) {
			link = &m->next;
			continue;
		}
		*link = m->next;
		munmap(m->map, m->map_len);
		free(m);
	}
}

/* Takes the descriptors; returns 0 or a negative errno. */
int mem_set(const struct mem_region *regions, unsigned int nr)
{
	int err = 0;

	for (struct mapping *m = mappings; m; m = m->next)
		m->retired = true;

	for (unsigned int i = 0; i < nr; i++) {
		struct mapping *m = xalloc(NULL, 1, sizeof(*m));

		m->region = regions[i];
		m->retired = false;
		m->map_len = regions[i].size + regions[i].mmap_offset;
		m->map = mmap(NULL, m->map_len, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_NORESERVE, regions[i].fd, 0);
		close(regions[i].fd);
		if (m->map == MAP_FAILED) {
			err = -errno;
			say("mapping memory region %u of %zu bytes: errno %d", i, m->map_len, -err);
			free(m);
			continue;
		}
		m->next = mappings;
		mappings = m;
	}
	return err;
}

void mem_drop_retired(void)
{
	unmap_where(true);
}

void mem_clear(void)
{
	unmap_where(false);
}

static void *translate(const struct mapping *m, uint64_t base, uint64_t addr, uint64_t len)
{
	uint64_t off = addr - base;

	if (m->retired || addr < base || off > m->region.size || len > m->region.size - off)
		return NULL;
	return (char *)m->map + m->region.mmap_offset + off;
}

void *mem_guest(uint64_t addr, uint64_t len)
{
	void *p = NULL;

	for (struct mapping *m = mappings; m && !p; m = m->next)
		p = translate(m, m->region.guest_addr, addr, len);
	return p;
}

void *mem_user(uint64_t addr, uint64_t len)
{
	void *p = NULL;

	for (struct mapping *m = mappings; m && !p; m = m->next)
		p = translate(m, m->region.user_addr, addr, len);
	return p;
}

/* The opposite of mem_guest(), for retired mappings too; UINT64_MAX: not the guest's memory. */
uint64_t mem_guest_addr(const void *p)
{
	for (const struct mapping *m = mappings; m; m = m->next) {
		uint64_t off = (uintptr_t)p - (uintptr_t)m->map - m->region.mmap_offset;

		if (off < m->region.size)
			return m->region.guest_addr + off;
	}
	return UINT64_MAX;
}
