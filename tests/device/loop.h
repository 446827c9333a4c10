/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one thread of the device: a source is a descriptor and what to do when
 * it is readable. A source embeds in its owner, which may delete it (or any
 * other) while it runs. Also the words for ending and complaining.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

struct source {
	int fd;
	void (*ready)(struct source *src);
};

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - __builtin_offsetof(type, member)))

void loop_add(struct source *src);
void loop_del(struct source *src);
struct source *loop_wait(int timeout_ms);
uint64_t now_ns(void);

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

int listen_unix(const char *path);
void *xalloc(void *old, uint64_t count, uint64_t size);

#endif
