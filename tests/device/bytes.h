/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unaligned integers in the two byte orders of the wire: SCSI is big-endian,
 * virtio (this device runs on little-endian hosts and offers VERSION_1) little.
 */
#ifndef BYTES_H
#define BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BYTES_ACCESSORS(bits)						\
static inline uint##bits##_t get_be##bits(const void *p)		\
{									\
	uint##bits##_t v;						\
	memcpy(&v, p, sizeof(v));					\
	return be##bits##toh(v);					\
}									\
static inline uint##bits##_t get_le##bits(const void *p)		\
{									\
	uint##bits##_t v;						\
	memcpy(&v, p, sizeof(v));					\
	return le##bits##toh(v);					\
}									\
static inline void put_be##bits(void *p, uint##bits##_t v)		\
{									\
	v = htobe##bits(v);						\
	memcpy(p, &v, sizeof(v));					\
}									\
static inline void put_le##bits(void *p, uint##bits##_t v)		\
{									\
	v = htole##bits(v);						\
	memcpy(p, &v, sizeof(v));					\
}

BYTES_ACCESSORS(16)
BYTES_ACCESSORS(32)
BYTES_ACCESSORS(64)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
