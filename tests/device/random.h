/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that repeat with their seed (xorshift64*). */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state;
};

static inline struct random random_from(uint64_t seed)
{
	return (struct random) { seed * 0x9e3779b97f4a7c15ull + 1 };
}

static inline uint64_t random_next(struct random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 0x2545f4914f6cdd1dull;
}

/* 0 to limit - 1 */
static inline uint32_t random_below(struct random *r, uint32_t limit)
{
	return (random_next(r) >> 32) * limit >> 32;
}

#endif
