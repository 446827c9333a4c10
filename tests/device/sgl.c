// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One walk over the segments serves all: each step sees one contiguous piece.
 * All of them stop at the end of the buffer and say how far they came.
 */
#include <string.h>

#include "bytes.h"
#include "sgl.h"

struct sgl sgl_new(const struct iovec *seg, unsigned int nr)
{
	struct sgl s = { .seg = seg };

	for (unsigned int i = 0; i < nr; i++)
		s.left += seg[i].iov_len;
	return s;
}

/* The next piece, at most max bytes, already taken off; NULL at the end. */
static void *next_piece(struct sgl *s, uint64_t max, size_t *len)
{
	void *p;

	if (!s->left || !max)
		return NULL;
	while (s->skip == s->seg->iov_len) {
		s->seg++;
		s->skip = 0;
	}
	p = (char *)s->seg->iov_base + s->skip;
	*len = min_u64(min_u64(s->seg->iov_len - s->skip, max), s->left);
	s->skip += *len;
	s->left -= *len;
	return p;
}

struct sgl sgl_split(struct sgl *s, uint64_t len)
{
	struct sgl head = *s;
	uint64_t want = head.left = min_u64(len, s->left);
	size_t n;

	for (; next_piece(s, want, &n); want -= n)
		;
	return head;
}

uint64_t sgl_get(struct sgl *s, void *buf, uint64_t len)
{
	uint64_t done = 0;
	size_t n;
	void *p;

	for (; (p = next_piece(s, len - done, &n)); done += n)
		memcpy((char *)buf + done, p, n);
	return done;
}

uint64_t sgl_put(struct sgl *s, const void *buf, uint64_t len)
{
	uint64_t done = 0;
	size_t n;
	void *p;

	for (; (p = next_piece(s, len - done, &n)); done += n)
		memcpy(p, (const char *)buf + done, n);
	return done;
}

uint64_t sgl_fill(struct sgl *s, uint8_t byte, uint64_t len)
{
	uint64_t done = 0;
	size_t n;
	void *p;

	for (; (p = next_piece(s, len - done, &n)); done += n)
		memset(p, byte, n);
	return done;
}

unsigned int sgl_count(struct sgl s)
{
	unsigned int nr = 0;
	size_t n;

	while (next_piece(&s, UINT64_MAX, &n))
		nr++;
	return nr;
}

unsigned int sgl_pages(struct sgl s)
{
	unsigned int nr = 0;
	uintptr_t p;
	size_t n;

	while ((p = (uintptr_t)next_piece(&s, UINT64_MAX, &n)))
		nr += (p + n - 1) / 4096 - p / 4096 + 1;
	return nr;
}

const void *sgl_first(struct sgl s)
{
	size_t n;

	return next_piece(&s, 1, &n);
}
