// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults are rows of one list; the first that applies to a request decides.
 * A fault is a line of words:
 *
 *	fault KIND DEED... [FILTER...]
 *
 * The words that a kind knows are in one table, which says where in the fault
 * each one's value goes. Chance is a pseudo-random generator whose seed is
 * printed and can be given, so what happened can happen again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "misbehave.h"
#include "random.h"
#include "target.h"

#define MAX_FAULTS 32

enum kind { COMMAND, TMF, EVENT, DOORBELL, NR_KINDS };

static const char *const kind_names[NR_KINDS] = { "command", "tmf", "event", "doorbell" };

struct fault {
	enum kind kind;
	char text[160];
	/* Which requests: */
	int64_t number;			/* opcode, subtype or queue */
	bool is_read, is_write, is_io;
	struct lun_range luns;
	bool has_luns;
	int64_t after, count, chance;	/* requests let off; befallen at most; percent */
	uint64_t nr_seen, nr_befallen;
	struct deed deed;
};

static struct fault faults[MAX_FAULTS];
static unsigned int nr_faults;
static struct random chance = { 1 };

#define IS(kind) (1 << (kind))
#define ANY (IS(COMMAND) | IS(TMF) | IS(EVENT) | IS(DOORBELL))

enum form { FLAG, NUMBER, HEX, LUNS };

static const struct {
	const char *name;
	unsigned int kinds;
	enum form form;
	size_t offset;
	size_t size;			/* HEX: most bytes; their number lies behind them */
} words[] = {
#define FLAG_WORD(n, k, f) { n, k, FLAG, offsetof(struct fault, f), 0 }
#define NUMBER_WORD(n, k, f) { n, k, NUMBER, offsetof(struct fault, f), 0 }
#define HEX_WORD(n, k, f) { n, k, HEX, offsetof(struct fault, f), sizeof(((struct fault *)0)->f) }
	FLAG_WORD("lose", ANY, deed.lose),
	FLAG_WORD("keep", IS(COMMAND), deed.keep),
	FLAG_WORD("nothing", IS(COMMAND) | IS(TMF), deed.nothing),
	FLAG_WORD("skip", IS(COMMAND) | IS(TMF), deed.skip),
	FLAG_WORD("twice", IS(COMMAND) | IS(TMF) | IS(EVENT), deed.twice),
	FLAG_WORD("stale", IS(COMMAND), deed.stale),
	FLAG_WORD("silent", IS(COMMAND) | IS(TMF) | IS(EVENT), deed.silent),
	FLAG_WORD("swap", IS(EVENT), deed.swap),
	NUMBER_WORD("response", IS(COMMAND) | IS(TMF), deed.response),
	NUMBER_WORD("status", IS(COMMAND), deed.status),
	NUMBER_WORD("qualifier", IS(COMMAND), deed.qualifier),
	NUMBER_WORD("sense-len", IS(COMMAND), deed.sense_len),
	NUMBER_WORD("residual", IS(COMMAND), deed.residual),
	NUMBER_WORD("used", IS(COMMAND) | IS(TMF) | IS(EVENT), deed.used),
	NUMBER_WORD("id", IS(COMMAND) | IS(TMF) | IS(EVENT), deed.id),
	NUMBER_WORD("late", IS(COMMAND) | IS(TMF), deed.late_ms),
	HEX_WORD("sense", IS(COMMAND), deed.bytes),
	HEX_WORD("bytes", IS(EVENT), deed.bytes),
	HEX_WORD("tuple", IS(COMMAND), deed.tuple),
	HEX_WORD("data", IS(COMMAND), deed.data),
	NUMBER_WORD("opcode", IS(COMMAND), number),
	NUMBER_WORD("subtype", IS(TMF), number),
	NUMBER_WORD("queue", IS(DOORBELL), number),
	FLAG_WORD("read", IS(COMMAND), is_read),
	FLAG_WORD("write", IS(COMMAND), is_write),
	FLAG_WORD("io", IS(COMMAND), is_io),
	{ "lun", IS(COMMAND) | IS(TMF), LUNS, offsetof(struct fault, luns), 0 },
	NUMBER_WORD("after", ANY, after),
	NUMBER_WORD("count", ANY, count),
	NUMBER_WORD("chance", ANY, chance),
};

static bool parse_number(const char *text, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 0);
	return end != text && !*end && !errno && *value >= 0;
}

static bool parse_hex(const char *text, uint8_t *bytes, size_t size, uint32_t *nr)
{
	size_t len = strlen(text);

	if (len % 2 || len / 2 > size || strspn(text, "0123456789abcdefABCDEF") != len)
		return false;
	for (*nr = 0; *nr < len / 2; ++*nr) {
		char pair[3] = { text[*nr * 2], text[*nr * 2 + 1] };

		bytes[*nr] = strtoul(pair, NULL, 16);
	}
	return true;
}

static bool take_value(struct fault *f, unsigned int i, const char *value)
{
	void *field = (char *)f + words[i].offset;

	switch (words[i].form) {
	case FLAG:
		*(bool *)field = true;
		return !value;
	case NUMBER:
		return value && parse_number(value, field);
	case HEX:
		return value && parse_hex(value, field, words[i].size,
					  (uint32_t *)((char *)field + words[i].size));
	case LUNS:
		f->has_luns = true;
		return value && inventory_parse_range(value, field);
	}
	return false;
}

static bool take_word(struct fault *f, const char *word)
{
	size_t len = strcspn(word, "=");
	const char *value = word[len] ? word + len + 1 : NULL;

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].kinds & IS(f->kind) && strlen(words[i].name) == len &&
		    !strncmp(words[i].name, word, len))
			return take_value(f, i, value);
	return false;
}

static void say_words(enum kind kind, const char *bad, char *err, size_t err_len)
{
	size_t n = snprintf(err, err_len, "'%s' is nothing for fault %s, whose words are:", bad,
			    kind_names[kind]);

	for (unsigned int i = 0; i < ARRAY_SIZE(words) && n < err_len; i++)
		if (words[i].kinds & IS(kind))
			n += snprintf(err + n, err_len - n, " %s%s", words[i].name,
				      words[i].form == FLAG ? "" : "=");
}

bool misbehave_add(char **word, char *err, size_t err_len)
{
	struct fault f = { .number = DEED_AS_IT_IS, .count = INT64_MAX, .chance = 100, .deed = DEED_GOOD };
	size_t len = 0;

	if (!strncmp(word[0], "seed=", 5) && !word[1]) {
		int64_t seed;

		if (parse_number(word[0] + 5, &seed)) {
			chance = random_from(seed);
			return true;
		}
	}
	while (f.kind < NR_KINDS && strcmp(kind_names[f.kind], word[0]))
		f.kind++;
	if (f.kind == NR_KINDS) {
		snprintf(err, err_len, "a fault is about a command, tmf, event or doorbell, not '%s'", word[0]);
		return false;
	}
	if (nr_faults == MAX_FAULTS) {
		snprintf(err, err_len, "no more than %u faults at a time", MAX_FAULTS);
		return false;
	}
	for (; *word && len < sizeof(f.text); word++) {
		if (len && !take_word(&f, *word)) {
			say_words(f.kind, *word, err, err_len);
			return false;
		}
		len += snprintf(f.text + len, sizeof(f.text) - len, "%s%s", len ? " " : "", *word);
	}
	faults[nr_faults++] = f;
	return true;
}

void misbehave_clear(void)
{
	nr_faults = 0;
}

void misbehave_print(FILE *out)
{
	fputc('[', out);
	for (unsigned int i = 0; i < nr_faults; i++)
		fprintf(out, "%s{\"fault\":\"%s\",\"seen\":%llu,\"befallen\":%llu}", i ? "," : "",
			faults[i].text, (unsigned long long)faults[i].nr_seen,
			(unsigned long long)faults[i].nr_befallen);
	fputc(']', out);
}

static bool is_read(uint8_t opcode)
{
	return opcode == 0x08 || opcode == 0x28 || opcode == 0x88 || opcode == 0xa8;
}

static bool is_write(uint8_t opcode)
{
	return opcode == 0x0a || opcode == 0x2a || opcode == 0x8a || opcode == 0xaa;
}

static bool is_meant(const struct fault *f, enum kind kind, int64_t number, const struct address *to)
{
	if (f->kind != kind || (f->number != DEED_AS_IT_IS && f->number != number))
		return false;
	if (f->is_read && !is_read(number))
		return false;
	if (f->is_write && !is_write(number))
		return false;
	if (f->is_io && !is_read(number) && !is_write(number))
		return false;
	return !f->has_luns || (to->kind == TO_LUN && inventory_in_range(&f->luns, to->target, to->lun));
}

static struct deed pick(enum kind kind, int64_t number, const struct address *to)
{
	static const struct deed good = DEED_GOOD;

	for (struct fault *f = faults; f < faults + nr_faults; f++) {
		if (!is_meant(f, kind, number, to) || f->nr_seen++ < (uint64_t)f->after ||
		    f->nr_befallen >= (uint64_t)f->count ||
		    (f->chance < 100 && random_below(&chance, 100) >= f->chance))
			continue;
		f->nr_befallen++;
		return f->deed;
	}
	return good;
}

struct deed misbehave_command(uint8_t opcode, const struct address *to)
{
	return pick(COMMAND, opcode, to);
}

struct deed misbehave_tmf(uint32_t subtype, const struct address *to)
{
	return pick(TMF, subtype, to);
}

struct deed misbehave_event(void)
{
	return pick(EVENT, 0, NULL);
}

struct deed misbehave_doorbell(unsigned int queue)
{
	return pick(DOORBELL, queue, NULL);
}

void misbehave_push(const struct deed *deed, struct ring *r, const struct chain *c, uint32_t len)
{
	bool pushed = r->pushed;
	struct chain as = *c;

	if (deed->used != DEED_AS_IT_IS)
		len = deed->used;
	if (deed->stale) {
		as.id = r->last_id;
		ring_push(r, &as, len);
	}
	as.id = deed->id == DEED_AS_IT_IS ? c->id : deed->id;
	ring_push(r, &as, len);
	if (deed->twice)
		ring_push(r, &as, len);
	if (deed->silent)
		r->pushed = pushed;
}
