// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vhost-user. A ring runs from the moment it has a kick descriptor, is enabled
 * and lies in the guest's memory.
 *
 * How a driver's end is seen: QEMU asks for the ring's base while the driver
 * waits in its reset, so what is in flight is cancelled in the ordinary way.
 * UML's virtio_uml has no message for a reset: it closes a ring's interrupt
 * line when the driver deletes the ring, and from then on its memory is no longer
 * ours; whatever was in flight is forgotten once it is set up again. (It also
 * disables the ring, but not after a first reset: then it has forgotten that the
 * rings can be enabled.) A ring whose index goes back in between is the driver's
 * already. In both cases new features while no ring runs mean a new driver.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "config.h"
#include "hba.h"
#include "loop.h"
#include "memory.h"
#include "misbehave.h"
#include "protocol.h"
#include "violation.h"
#include "wire.h"

#define VERSION		1u
#define FLAG_REPLY	4u
#define FLAG_NEED_REPLY	8u

#define MAX_FDS		8
#define MAX_PAYLOAD	1024

#define F_PROTOCOL_FEATURES	30

#define PROTOCOL_F_MQ		0
#define PROTOCOL_F_REPLY_ACK	3
#define PROTOCOL_F_BACKEND_REQ	5
#define PROTOCOL_F_CONFIG	9
#define PROTOCOL_F_RESET_DEVICE	13

#define OFFERED_PROTOCOL (1ull << PROTOCOL_F_MQ | 1ull << PROTOCOL_F_REPLY_ACK | \
			  1ull << PROTOCOL_F_BACKEND_REQ | 1ull << PROTOCOL_F_CONFIG | \
			  1ull << PROTOCOL_F_RESET_DEVICE)

enum {
	GET_FEATURES = 1, SET_FEATURES = 2, SET_OWNER = 3, RESET_OWNER = 4, SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8, SET_VRING_ADDR = 9, SET_VRING_BASE = 10, GET_VRING_BASE = 11,
	SET_VRING_KICK = 12, SET_VRING_CALL = 13, SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15, SET_PROTOCOL_FEATURES = 16, GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18, SET_BACKEND_REQ_FD = 21, GET_CONFIG = 24, SET_CONFIG = 25,
	RESET_DEVICE = 34
};

#define BACKEND_CONFIG_CHANGE 2

struct header {
	uint32_t request, flags, size;
};

struct message {
	uint32_t align;		/* so that the payload follows the header at once */
	struct header h;
	union {
		uint64_t u64;
		struct { uint32_t index, num; } state;
		struct { uint32_t index, flags; uint64_t desc, used, avail, log; } addr;
		struct {
			uint32_t nr, padding;
			struct { uint64_t guest, size, user, offset; } region[MAX_FDS];
		} mem;
		struct { uint32_t offset, size, flags; uint8_t bytes[256]; } config;
		uint8_t raw[MAX_PAYLOAD];
	};
	int fds[MAX_FDS];
	unsigned int nr_fds;
	bool reply;		/* the handler filled in an answer */
};

_Static_assert(offsetof(struct message, raw) ==
	       offsetof(struct message, h) + sizeof(struct header), "one piece on the wire");

static void listener_ready(struct source *src);
static void connection_ready(struct source *src);

static struct source listener = { -1, listener_ready };
static struct source connection = { -1, connection_ready };
static const char *listener_path;
static int backend_fd = -1;
static uint64_t offered = 1ull << VIRTIO_SCSI_F_HOTPLUG | 1ull << VIRTIO_SCSI_F_CHANGE |
			  1ull << VIRTIO_RING_F_INDIRECT_DESC | 1ull << VIRTIO_RING_F_EVENT_IDX |
			  1ull << F_PROTOCOL_FEATURES | 1ull << VIRTIO_F_VERSION_1;
static uint64_t acked, acked_protocol;

/* +NAME or -NAME, separated by commas: changes what is offered. */
bool protocol_feature_knob(const char *list, char *err, size_t err_len)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} names[] = {
		{ "inout", VIRTIO_SCSI_F_INOUT }, { "hotplug", VIRTIO_SCSI_F_HOTPLUG },
		{ "change", VIRTIO_SCSI_F_CHANGE }, { "t10_pi", VIRTIO_SCSI_F_T10_PI },
		{ "indirect", VIRTIO_RING_F_INDIRECT_DESC }, { "event_idx", VIRTIO_RING_F_EVENT_IDX },
		{ "version_1", VIRTIO_F_VERSION_1 }, { "packed", VIRTIO_F_RING_PACKED },
	};
	char *copy = strdup(list), *save;
	bool ok = true;

	for (char *w = strtok_r(copy, ",", &save); w && ok; w = strtok_r(NULL, ",", &save)) {
		ok = false;
		for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
			uint64_t bit = 1ull << names[i].bit;

			if ((*w != '+' && *w != '-') || strcmp(w + 1, names[i].name))
				continue;
			offered = *w == '+' ? offered | bit : offered & ~bit;
			ok = true;
		}
		if (!ok)
			snprintf(err, err_len, "bad feature '%s': +NAME or -NAME, with NAME one of "
				 "inout hotplug change t10_pi indirect event_idx version_1 packed", w);
	}
	free(copy);
	return ok;
}

static void kick_ready(struct source *src)
{
	struct ring *r = container_of(src, struct ring, kick);
	uint64_t n;

	if (read(src->fd, &n, sizeof(n)) != sizeof(n))
		return;
	r->nr_kicks++;
	if (!misbehave_doorbell(r->index).lose)
		hba_kick(r);
}

static void ring_try_start(struct ring *r)
{
	bool enabled = r->enabled || !(acked & 1ull << F_PROTOCOL_FEATURES);

	if (r->running || r->kick.fd < 0 || !enabled || !r->desc_user)
		return;
	if (!ring_map(r, acked)) {
		say("queue %u: its ring is not in the guest's memory", r->index);
		return;
	}
	if (r->index >= QUEUE_REQUEST &&
	    r->index - QUEUE_REQUEST >= max_u64(config_in_force(CONFIG_NUM_QUEUES), 1))
		violation("queue %u is in use, num_queues is %u", r->index,
			  config_in_force(CONFIG_NUM_QUEUES));
	r->is_reset_silent = !(acked_protocol & 1ull << PROTOCOL_F_RESET_DEVICE);
	r->running = true;
	r->kick.ready = kick_ready;
	loop_add(&r->kick);
	hba_kick(r);
}

/* Stops the rings that the driver has deleted, before anything is read or written there. */
void protocol_watch(void)
{
	struct pollfd fds[RING_MAX_RINGS];
	unsigned int nr;

	for (nr = 0; nr < RING_MAX_RINGS && hba_ring(nr)->call_fd >= 0; nr++)
		fds[nr] = (struct pollfd) { .fd = hba_ring(nr)->call_fd };
	if (!nr || poll(fds, nr, 0) <= 0)
		return;
	for (unsigned int i = 0; i < nr; i++)
		if (fds[i].revents & (POLLHUP | POLLERR))
			ring_stop(hba_ring(i));
}

static bool any_ring_runs(void)
{
	for (unsigned int i = 0; i < RING_MAX_RINGS; i++)
		if (hba_ring(i)->running)
			return true;
	return false;
}

/* Replaces a descriptor of ours by one that came with a message, if any. */
static void take_fd(int *fd, struct message *m)
{
	if (*fd >= 0)
		close(*fd);
	*fd = m->nr_fds && !(m->u64 & 0x100) ? m->fds[0] : -1;
	if (*fd >= 0)
		m->nr_fds = 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Everything a front end set up: back to nothing. */
static void forget_all(void)
{
	for (unsigned int i = 0; i < RING_MAX_RINGS; i++) {
		struct ring *r = hba_ring(i);

		ring_stop(r);
		hba_drop(r);
		close_fd(&r->kick.fd);
		close_fd(&r->call_fd);
		ring_init(r, i);
	}
	mem_clear();
	acked = 0;
}

static void protocol_reset(void)
{
	if (connection.fd >= 0) {
		loop_del(&connection);
		close_fd(&connection.fd);
	}
	forget_all();
	close_fd(&backend_fd);
	acked_protocol = 0;
}

static int set_features(uint64_t features)
{
	if (features & ~offered)
		violation("features %llx were not offered",
			  (unsigned long long)(features & ~offered));
	acked = features;
	if (!any_ring_runs()) {
		for (unsigned int i = 0; i < RING_MAX_RINGS; i++)
			hba_drop(hba_ring(i));
		hba_new_driver(features);
	}
	return 0;
}

static int set_mem_table(struct message *m)
{
	struct mem_region regions[MAX_FDS];
	unsigned int nr = m->mem.nr;
	int err;

	if (nr > MAX_FDS || nr != m->nr_fds || m->h.size < 8 + nr * sizeof(m->mem.region[0]))
		return -EINVAL;
	for (unsigned int i = 0; i < nr; i++)
		regions[i] = (struct mem_region) {
			.guest_addr = m->mem.region[i].guest, .size = m->mem.region[i].size,
			.user_addr = m->mem.region[i].user, .mmap_offset = m->mem.region[i].offset,
			.fd = m->fds[i],
		};
	m->nr_fds = 0;
	err = mem_set(regions, nr);
	for (unsigned int i = 0; i < RING_MAX_RINGS; i++) {
		struct ring *r = hba_ring(i);

		if (r->running && !ring_map(r, acked)) {
			say("queue %u: its ring left the guest's memory", i);
			ring_stop(r);
		}
	}
	if (hba_idle())
		mem_drop_retired();
	return err;
}

/* A ring that is set up anew while it does not run has nothing in flight. */
static int set_vring(const struct message *m, struct ring *r)
{
	if (r->running)
		return -EBUSY;
	hba_drop(r);
	switch (m->h.request) {
	case SET_VRING_NUM:
		if (!m->state.num || m->state.num > RING_MAX_SIZE ||
		    (!(acked & 1ull << VIRTIO_F_RING_PACKED) && m->state.num & (m->state.num - 1)))
			return -EINVAL;
		r->num = m->state.num;
		close_fd(&r->kick.fd);	/* of a ring that virtio_uml deleted */
		break;
	case SET_VRING_BASE:
		ring_set_base(r, m->state.num, acked & 1ull << VIRTIO_F_RING_PACKED);
		break;
	case SET_VRING_ADDR:
		r->desc_user = m->addr.desc;
		r->avail_user = m->addr.avail;
		r->used_user = m->addr.used;
		break;
	}
	ring_try_start(r);
	return 0;
}

static int handle(struct message *m)
{
	struct ring *r = hba_ring(m->state.index & 0xff);

	switch (m->h.request) {
	case GET_FEATURES:
		m->u64 = offered;
		m->reply = true;
		m->h.size = 8;
		return 0;
	case SET_FEATURES:
		return set_features(m->u64);
	case GET_PROTOCOL_FEATURES:
		m->u64 = OFFERED_PROTOCOL;
		m->reply = true;
		m->h.size = 8;
		return 0;
	case SET_PROTOCOL_FEATURES:
		acked_protocol = m->u64;
		return m->u64 & ~OFFERED_PROTOCOL ? -EINVAL : 0;
	case GET_QUEUE_NUM:
		m->u64 = RING_MAX_RINGS;
		m->reply = true;
		m->h.size = 8;
		return 0;
	case SET_OWNER:
		return 0;
	case RESET_OWNER:
	case RESET_DEVICE:
		forget_all();
		return 0;
	case SET_MEM_TABLE:
		return set_mem_table(m);
	case SET_VRING_NUM:
	case SET_VRING_BASE:
	case SET_VRING_ADDR:
		return set_vring(m, r);
	case GET_VRING_BASE:
		hba_cancel(r);
		ring_stop(r);
		close_fd(&r->kick.fd);
		m->state.num = ring_base(r);
		m->reply = true;
		m->h.size = 8;
		return 0;
	case SET_VRING_KICK:
		ring_stop(r);
		take_fd(&r->kick.fd, m);
		if (r->kick.fd < 0)
			return -EINVAL;		/* polling is not for us */
		ring_try_start(r);
		return 0;
	case SET_VRING_CALL:
		take_fd(&r->call_fd, m);
		if (r->running)
			ring_signal(r);
		return 0;
	case SET_VRING_ERR:
		return 0;
	case SET_VRING_ENABLE:
		r->enabled = m->state.num;
		if (r->enabled)
			ring_try_start(r);
		else
			ring_stop(r);
		return 0;
	case SET_BACKEND_REQ_FD:
		if (!m->nr_fds)
			return -EINVAL;
		m->u64 = 0;
		take_fd(&backend_fd, m);
		return 0;
	case GET_CONFIG:
		if (m->config.size > sizeof(m->config.bytes))
			return -EINVAL;
		config_read(m->config.offset, m->config.bytes, m->config.size);
		m->reply = true;
		m->h.size = 12 + m->config.size;
		return 0;
	case SET_CONFIG:
		if (m->h.size < 12 || m->config.size > m->h.size - 12)
			return -EINVAL;
		config_write(m->config.offset, m->config.bytes, m->config.size);
		return 0;
	default:
		say("unknown vhost-user request %u", m->h.request);
		return -EOPNOTSUPP;
	}
}

/* Reads the whole of one message; false: the front end is gone or mad. */
static bool receive(struct message *m)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = { &m->h, sizeof(m->h) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};

	memset(m, 0, sizeof(*m));
	if (recvmsg(connection.fd, &msg, MSG_WAITALL | MSG_CMSG_CLOEXEC) != sizeof(m->h))
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			m->nr_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(m->fds, CMSG_DATA(c), m->nr_fds * sizeof(int));
		}
	if ((m->h.flags & 3) != VERSION || m->h.size > MAX_PAYLOAD) {
		say("vhost-user request %u: flags %x, %u bytes", m->h.request, m->h.flags, m->h.size);
		return false;
	}
	return !m->h.size ||
	       recv(connection.fd, m->raw, m->h.size, MSG_WAITALL) == (ssize_t)m->h.size;
}

static bool answer(struct message *m, int err)
{
	bool ack = m->h.flags & FLAG_NEED_REPLY && acked_protocol & 1ull << PROTOCOL_F_REPLY_ACK;

	if (!m->reply && !ack)
		return true;
	if (!m->reply) {
		m->u64 = err ? 1 : 0;
		m->h.size = 8;
	}
	m->h.flags = VERSION | FLAG_REPLY;
	return send(connection.fd, &m->h, sizeof(m->h) + m->h.size, MSG_NOSIGNAL) ==
	       (ssize_t)(sizeof(m->h) + m->h.size);
}

static void connection_ready(struct source *src)
{
	static struct message m;
	int err;

	(void)src;
	if (!receive(&m)) {
		say("front end disconnected");
		protocol_reset();
		return;
	}
	err = handle(&m);
	if (err)
		say("vhost-user request %u failed: errno %d", m.h.request, -err);
	while (m.nr_fds)
		close(m.fds[--m.nr_fds]);
	if (!answer(&m, err))
		protocol_reset();
}

static void listener_ready(struct source *src)
{
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (connection.fd >= 0) {
		say("a second front end was turned away");
		close(fd);
		return;
	}
	say("front end connected");
	connection.fd = fd;
	loop_add(&connection);
}

void protocol_listen(const char *path)
{
	forget_all();
	listener_path = path;
	protocol_back();
}

/* Away, nobody can connect, as when the back end is not running; back, QEMU connects again. */
void protocol_away(void)
{
	if (listener.fd < 0)
		return;
	loop_del(&listener);
	close_fd(&listener.fd);
	unlink(listener_path);
	protocol_disconnect();
}

void protocol_back(void)
{
	if (listener.fd >= 0)
		return;
	listener.fd = listen_unix(listener_path);
	loop_add(&listener);
}

/* Tells the driver to look at the configuration space; false: there is no way to. */
bool protocol_config_changed(void)
{
	struct header h = { BACKEND_CONFIG_CHANGE, VERSION, 0 };

	return backend_fd >= 0 &&
	       send(backend_fd, &h, sizeof(h), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(h);
}

/*
 * Leaves the front end, which may connect again. false: there is none. UML, which
 * alone takes the configuration space from us, learns of it from the end of the
 * back end's channel; it would warn of any message that then fails, so the socket
 * stays until it has sent the last one.
 */
bool protocol_disconnect(void)
{
	if (connection.fd < 0)
		return false;
	if (backend_fd < 0 || !(acked_protocol & 1ull << PROTOCOL_F_CONFIG)) {
		protocol_reset();
		return true;
	}
	for (unsigned int i = 0; i < RING_MAX_RINGS; i++)
		ring_stop(hba_ring(i));
	close_fd(&backend_fd);
	return true;
}

void protocol_close(void)
{
	protocol_reset();
	close_fd(&listener.fd);
}
