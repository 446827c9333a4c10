// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * epoll, one event at a time: so a source that is deleted while another runs is
 * never called afterwards.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

static int epoll_fd = -1;

void loop_add(struct source *src)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = src };

	if (epoll_fd < 0)
		epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, src->fd, &ev) < 0)
		die("watching descriptor %d: %s", src->fd, strerror(errno));
}

void loop_del(struct source *src)
{
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, src->fd, NULL);
}

/* Waits for a source that can be served; after timeout_ms there may be none, NULL. */
struct source *loop_wait(int timeout_ms)
{
	struct epoll_event ev;

	return epoll_wait(epoll_fd, &ev, 1, timeout_ms) == 1 ? ev.data.ptr : NULL;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void complain(const char *fmt, va_list ap)
{
	fputs("vscsi-device: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	exit(1);
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
}

/* New memory is zeroed where old is NULL. */
void *xalloc(void *old, uint64_t count, uint64_t size)
{
	void *p = old ? realloc(old, count * size) : calloc(count, size);

	if (!p)
		die("out of memory");
	return p;
}

int listen_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path))
		die("socket path too long (%zu, at most %zu): %s", strlen(path),
		    sizeof(addr.sun_path) - 1, path);
	strcpy(addr.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 8) < 0)
		die("listening on %s: %s", path, strerror(errno));
	return fd;
}
