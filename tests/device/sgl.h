/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cursor over the segments of a buffer: takes bytes off its front, either as
 * a copy or as a smaller cursor.
 */
#ifndef SGL_H
#define SGL_H

#include <stdint.h>
#include <sys/uio.h>

struct sgl {
	const struct iovec *seg;
	size_t skip;		/* bytes of the first segment already taken */
	uint64_t left;
};

struct sgl sgl_new(const struct iovec *seg, unsigned int nr);
struct sgl sgl_split(struct sgl *s, uint64_t len);
uint64_t sgl_get(struct sgl *s, void *buf, uint64_t len);
uint64_t sgl_put(struct sgl *s, const void *buf, uint64_t len);
uint64_t sgl_fill(struct sgl *s, uint8_t byte, uint64_t len);
unsigned int sgl_count(struct sgl s);
/* Of 4 KiB, that its pieces touch, as vhost-scsi counts them. */
unsigned int sgl_pages(struct sgl s);
/* Where its first byte lies; NULL: it is empty. */
const void *sgl_first(struct sgl s);

#endif
