// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which logical units there are, and the media behind them. A LUN is named
 * TARGET:LUN, each a number or a range; the LUNs of one range share a medium.
 *
 * A medium is a file or a memfd, mapped whole: reading and writing blocks is
 * copying memory, and a resize is a new mapping.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "loop.h"
#include "pi.h"
#include "target.h"

static struct {
	struct lun **luns;	/* sorted by number */
	unsigned int nr;
} targets[TARGET_MAX];

/* The place of a LUN in its target: where it is, or where it would go. */
static unsigned int place_of(uint8_t target, uint16_t lun)
{
	unsigned int lo = 0, hi = targets[target].nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (targets[target].luns[mid]->lun < lun)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct lun *inventory_find(uint8_t target, uint16_t lun)
{
	unsigned int i = place_of(target, lun);

	if (i < targets[target].nr && targets[target].luns[i]->lun == lun)
		return targets[target].luns[i];
	return NULL;
}

bool inventory_target_exists(uint8_t target)
{
	return targets[target].nr;
}

/* The LUN behind this one in order of target and number; NULL: the first. */
struct lun *inventory_next(const struct lun *after)
{
	unsigned int target = after ? after->target : 0;
	unsigned int i = after ? place_of(target, after->lun) + 1 : 0;

	for (; target < TARGET_MAX; target++, i = 0)
		if (i < targets[target].nr)
			return targets[target].luns[i];
	return NULL;
}

bool parse_size(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	if (end == text || errno)
		return false;
	switch (*end) {
	case 'T': *value <<= 10; /* fall through */
	case 'G': *value <<= 10; /* fall through */
	case 'M': *value <<= 10; /* fall through */
	case 'K': *value <<= 10; end++;
	}
	return !*end;
}

static bool map_medium(struct medium *m, uint64_t size)
{
	int prot = m->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	uint64_t pi_size = max_u64(size / 512 * PI_SIZE, 4096);
	uint8_t *data = MAP_FAILED, *pi = MAP_FAILED;

	if (ftruncate(m->pi_fd, pi_size) == 0)
		pi = mmap(NULL, pi_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			  m->pi_fd, 0);
	if (pi != MAP_FAILED)
		data = mmap(NULL, size, prot, MAP_SHARED | MAP_NORESERVE, m->fd, 0);
	if (data == MAP_FAILED) {
		if (pi != MAP_FAILED)
			munmap(pi, pi_size);
		return false;
	}
	if (m->data) {
		munmap(m->data, m->size);
		munmap(m->pi, m->pi_size);
	}
	m->data = data;
	m->size = size;
	m->pi = pi;
	m->pi_size = pi_size;
	return true;
}

static void medium_close(struct medium *m)
{
	if (m->data) {
		munmap(m->data, m->size);
		munmap(m->pi, m->pi_size);
	}
	close(m->pi_fd);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

/* path NULL: memory. size 0: the size of the file. */
struct medium *medium_open(const char *path, uint64_t size, char *err, size_t err_len)
{
	struct medium *m = xalloc(NULL, 1, sizeof(*m));
	struct stat st;

	*m = (struct medium) { .pi_fd = memfd_create("pi", MFD_CLOEXEC), .synced = path };
	if (!path)
		m->fd = memfd_create("medium", MFD_CLOEXEC);
	else
		m->fd = open(path, O_RDWR | O_CLOEXEC | (size ? O_CREAT : 0), 0644);
	if (m->fd < 0 && path && (errno == EACCES || errno == EROFS)) {
		m->read_only = true;
		m->fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (m->fd < 0 || fstat(m->fd, &st) < 0) {
		snprintf(err, err_len, "%s: %s", path ? path : "memory", strerror(errno));
		goto fail;
	}
	if (!size)
		size = st.st_size;
	if (!size) {
		snprintf(err, err_len, "%s: a medium needs a size", path ? path : "memory");
		goto fail;
	}
	if ((uint64_t)st.st_size < size && (m->read_only || ftruncate(m->fd, size) < 0)) {
		snprintf(err, err_len, "%s: cannot grow it to %llu bytes",
			 path ? path : "memory", (unsigned long long)size);
		goto fail;
	}
	if (!map_medium(m, size)) {
		snprintf(err, err_len, "mapping %llu bytes: %s", (unsigned long long)size,
			 strerror(errno));
		goto fail;
	}
	return m;
fail:
	medium_close(m);
	return NULL;
}

bool medium_resize(struct medium *m, uint64_t size)
{
	return !m->read_only && size && ftruncate(m->fd, size) == 0 && map_medium(m, size);
}

/* Puts a medium (or none) into a LUN; the last user closes the one before. */
void medium_use(struct lun *lun, struct medium *m)
{
	struct medium *old = lun->medium;

	lun->medium = m;
	if (m)
		m->users++;
	if (old && --old->users == 0)
		medium_close(old);
}

static void insert(struct lun *lun)
{
	unsigned int i = place_of(lun->target, lun->lun);
	unsigned int nr = targets[lun->target].nr++;
	struct lun **luns = targets[lun->target].luns;

	luns = xalloc(luns, nr + 1, sizeof(*luns));
	memmove(luns + i + 1, luns + i, (nr - i) * sizeof(*luns));
	luns[i] = lun;
	targets[lun->target].luns = luns;
}

void inventory_remove(struct lun *lun)
{
	unsigned int i = place_of(lun->target, lun->lun);
	unsigned int nr = --targets[lun->target].nr;
	struct lun **luns = targets[lun->target].luns;

	memmove(luns + i, luns + i + 1, (nr - i) * sizeof(*luns));
	medium_use(lun, NULL);
	free(lun);
}

static bool parse_range(const char **text, unsigned int limit, unsigned int *first,
			unsigned int *last)
{
	char *end;

	*first = *last = strtoul(*text, &end, 0);
	if (end == *text)
		return false;
	if (*end == '-') {
		*text = end + 1;
		*last = strtoul(*text, &end, 0);
		if (end == *text)
			return false;
	}
	*text = end;
	return *first <= *last && *last < limit;
}

static bool parse_luns(const char **text, struct lun_range *r)
{
	return parse_range(text, TARGET_MAX, &r->target[0], &r->target[1]) && *(*text)++ == ':' &&
	       parse_range(text, LUN_MAX, &r->lun[0], &r->lun[1]);
}

/* TARGET:LUN, each a number or FIRST-LAST; or all. */
bool inventory_parse_range(const char *text, struct lun_range *r)
{
	*r = (struct lun_range) { { 0, TARGET_MAX - 1 }, { 0, LUN_MAX - 1 } };
	return !strcmp(text, "all") || (parse_luns(&text, r) && !*text);
}

bool inventory_in_range(const struct lun_range *r, uint8_t target, uint16_t lun)
{
	return target >= r->target[0] && target <= r->target[1] && lun >= r->lun[0] &&
	       lun <= r->lun[1];
}

/* Calls each for the LUNs that exist in a range; -1: bad range, else their number. */
int inventory_each(const char *text, bool (*each)(struct lun *lun))
{
	struct lun_range r;
	int nr = 0;

	if (!inventory_parse_range(text, &r))
		return -1;
	for (unsigned int target = r.target[0]; target <= r.target[1]; target++) {
		for (unsigned int i = place_of(target, r.lun[0]); i < targets[target].nr;) {
			struct lun *lun = targets[target].luns[i];
			unsigned int before = targets[target].nr;

			if (lun->lun > r.lun[1])
				break;
			if (!each(lun))
				return nr;
			nr++;
			if (targets[target].nr == before)	/* it may have removed it */
				i++;
		}
	}
	return nr;
}

/* The options that can be changed later too, by the control socket's set. */
bool lun_option(struct lun *lun, const char *word)
{
	uint64_t n;

	if (!strncmp(word, "max_blocks=", 11) && parse_size(word + 11, &n) && n <= UINT32_MAX)
		lun->max_blocks = n;
	else if (!strncmp(word, "opt_blocks=", 11) && parse_size(word + 11, &n) && n <= UINT32_MAX)
		lun->opt_blocks = n;
	else if (!strncmp(word, "max_record=", 11) && parse_size(word + 11, &n) && n < 1 << 24)
		lun->max_record = n;
	else if (!strncmp(word, "refuse=", 7) && parse_size(word + 7, &n))
		lun->refuse = n;
	else if (!strcmp(word, "flat"))
		lun->is_flat = true;
	else if (!strcmp(word, "bare"))
		lun->is_bare = true;
	else if (!strncmp(word, "mute=", 5) && parse_size(word + 5, &n) && n <= UINT8_MAX) {
		if (n)
			lun->mute[n] = true;
		else
			memset(lun->mute, 0, sizeof(lun->mute));
	} else {
		return false;
	}
	return true;
}

/*
 * TARGET:LUN:KEY=VALUE,... with type=disk|cdrom|tape, file=PATH, mem, size=BYTES,
 * block=BYTES, pi=0..3, ro, empty, flat. Returns the number of LUNs or -1 with a reason.
 */
int inventory_add(const char *spec, bool (*each)(struct lun *lun), char *err, size_t err_len)
{
	struct lun like = { .type = &disk_type, .write_cache = true };
	struct lun_range r;
	uint64_t size = 0, n;
	struct medium *m = NULL;
	bool empty = false, ro = false;
	char *options, *file = NULL, *save, *word;
	int nr = 0;

	if (!parse_luns(&spec, &r) || *spec++ != ':') {
		snprintf(err, err_len, "a LUN is TARGET:LUN:OPTION,... with targets to 255, LUNs to 16383");
		return -1;
	}
	options = strdup(spec);
	for (word = strtok_r(options, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (!strcmp(word, "type=disk"))
			like.type = &disk_type;
		else if (!strcmp(word, "type=cdrom"))
			like.type = &cdrom_type;
		else if (!strcmp(word, "type=tape"))
			like.type = &tape_type;
		else if (!strncmp(word, "file=", 5))
			file = word + 5;
		else if (!strcmp(word, "mem"))
			file = NULL;
		else if (!strcmp(word, "empty"))
			empty = true;
		else if (!strcmp(word, "ro"))
			ro = true;
		else if (!strncmp(word, "size=", 5) && parse_size(word + 5, &size))
			;
		else if (!strncmp(word, "block=", 6) && parse_size(word + 6, &n) &&
			 (n == 512 || n == 1024 || n == 2048 || n == 4096))
			like.block = n;
		else if (!strncmp(word, "pi=", 3) && parse_size(word + 3, &n) && n <= 3)
			like.pi = n;
		else if (!lun_option(&like, word)) {
			snprintf(err, err_len, "bad LUN option '%s'", word);
			goto fail;
		}
	}
	if (!like.block)
		like.block = like.type->removable ? 2048 : 512;
	if (empty && !like.type->removable) {
		snprintf(err, err_len, "only a cdrom can be empty");
		goto fail;
	}
	for (unsigned int target = r.target[0]; target <= r.target[1]; target++)
		for (unsigned int lun = r.lun[0]; lun <= r.lun[1]; lun++)
			if (inventory_find(target, lun)) {
				snprintf(err, err_len, "%u:%u exists already", target, lun);
				goto fail;
			}
	if (!empty) {
		m = medium_open(file, size, err, err_len);
		if (!m)
			goto fail;
		m->read_only |= ro || like.type->removable;
	}
	for (unsigned int target = r.target[0]; target <= r.target[1]; target++)
		for (unsigned int n = r.lun[0]; n <= r.lun[1]; n++, nr++) {
			struct lun *lun = xalloc(NULL, 1, sizeof(*lun));

			*lun = like;
			lun->target = target;
			lun->lun = n;
			medium_use(lun, m);
			lun_attention(lun, SENSE_UA_POWER_ON);
			insert(lun);
			if (each)
				each(lun);
		}
	free(options);
	return nr;
fail:
	free(options);
	return -1;
}
