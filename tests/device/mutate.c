// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mutation begins with the truth or, one time in four, with a line of the
 * corpus, and then changes up to three things: a bit, a byte, or a whole field
 * to one of the values at which code tends to go wrong. What comes out as it
 * went in does not count.
 *
 * Half of the changed responses still say OK and GOOD: only those reach the
 * far ends of a driver. Of the others, all but one in `wild` are kept from what
 * sends the guest into error handling, which stops a whole host for seconds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "mutate.h"
#include "random.h"
#include "wire.h"

#define MAX_LINES 64

enum what { RESPONSES, TMFS, EVENTS, CONFIGURATION, NR_WHATS };

static const char *const names[NR_WHATS] = { "responses", "tmfs", "events", "configuration" };

/* Of a response: where each field lies; the used length is not in it. */
static const struct { const char *name; uint8_t offset, size; } fields[] = {
	{ "sense_len", 0, 4 }, { "residual", 4, 4 }, { "qualifier", 8, 2 }, { "status", 10, 1 },
	{ "response", 11, 1 },
};

static struct { uint64_t of[ARRAY_SIZE(fields)], sense, used, wild; } nr_fields;

static struct {
	uint32_t percent;
	uint64_t nr_changed;
	struct { uint8_t bytes[MUTATE_MAX_SENSE]; uint32_t len; } line[MAX_LINES];
	uint32_t nr_lines;
} of[NR_WHATS];

static struct random dice = { 1 };
static uint32_t wild = 1;

static bool load_corpus(enum what what, const char *directory)
{
	char path[512], text[2 * MUTATE_MAX_SENSE + 256];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", directory, names[what]);
	in = fopen(path, "re");
	of[what].nr_lines = 0;
	if (!in)
		return false;
	while (of[what].nr_lines < MAX_LINES && fgets(text, sizeof(text), in)) {
		uint8_t *bytes = of[what].line[of[what].nr_lines].bytes;
		uint32_t len = 0;
		int n;

		for (const char *p = text; len < MUTATE_MAX_SENSE &&
		     sscanf(p, " %2hhx%n", bytes + len, &n) == 1; p += n)
			len++;
		if (text[0] != '#' && len) {
			of[what].line[of[what].nr_lines].len = len;
			of[what].nr_lines++;
		}
	}
	fclose(in);
	return true;
}

bool mutate_set(char **word, char *err, size_t err_len)
{
	for (; *word; word++) {
		char *value = strchr(*word, '=');
		bool ok = false;

		if (value)
			*value++ = 0;
		if (!value && !strcmp(*word, "off"))
			for (int i = 0; i < NR_WHATS; i++) {
				of[i].percent = 0;
				ok = true;
			}
		if (value && !strcmp(*word, "seed")) {
			dice = random_from(strtoull(value, NULL, 0));
			ok = true;
		}
		if (value && !strcmp(*word, "wild"))
			ok = (wild = strtoul(value, NULL, 0));
		for (int i = 0; value && i < NR_WHATS; i++) {
			if (!strcmp(*word, "corpus") && load_corpus(i, value))
				ok = true;
			if (!strcmp(*word, names[i])) {
				of[i].percent = strtoul(value, NULL, 0);
				ok = true;
			}
		}
		if (!ok) {
			snprintf(err, err_len, "'%s' is nothing for mutate: off, seed=N, corpus=DIR, wild=N, or "
				 "responses= tmfs= events= configuration= with a percentage", *word);
			return false;
		}
	}
	return true;
}

void mutate_print(FILE *out)
{
	for (int i = 0; i < NR_WHATS; i++)
		fprintf(out, "%s\"%s\":%llu", i ? "," : "{", names[i],
			(unsigned long long)of[i].nr_changed);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fprintf(out, ",\"%s\":%llu", fields[i].name, (unsigned long long)nr_fields.of[i]);
	fprintf(out, ",\"sense\":%llu,\"used\":%llu,\"wild\":%llu}", (unsigned long long)nr_fields.sense,
		(unsigned long long)nr_fields.used, (unsigned long long)nr_fields.wild);
}

static uint32_t evil_number(void)
{
	static const uint32_t numbers[] = {
		0, 1, 2, 7, 8, 18, 95, 96, 97, 127, 128, 255, 256, 257, 511, 4095, 4096, 4097, 0x7fff,
		0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	};

	return numbers[random_below(&dice, ARRAY_SIZE(numbers))];
}

static void change(uint8_t *bytes, uint32_t len)
{
	uint32_t at = random_below(&dice, len), field = at & ~3;

	switch (random_below(&dice, 3)) {
	case 0:
		bytes[at] ^= 1 << random_below(&dice, 8);
		break;
	case 1:
		bytes[at] = random_next(&dice);
		break;
	default:
		if (field + 4 <= len)
			put_le32(bytes + field, evil_number());
	}
}

/* Perhaps changes these bytes, perhaps to those of the corpus first. True when they are others. */
static bool mutate(enum what what, uint8_t *bytes, uint32_t len)
{
	uint8_t before[12 + MUTATE_MAX_SENSE];

	if (!len || len > sizeof(before) || random_below(&dice, 100) >= of[what].percent)
		return false;
	memcpy(before, bytes, len);
	if (of[what].nr_lines && !random_below(&dice, 4)) {
		uint32_t i = random_below(&dice, of[what].nr_lines);

		memcpy(bytes, of[what].line[i].bytes, min_u64(len, of[what].line[i].len));
	}
	for (uint32_t n = 1 + random_below(&dice, 3); n; n--)
		change(bytes, len);
	return memcmp(before, bytes, len);
}

/*
 * CHECK CONDITION without sense data that can be read, a LUN that wants to be
 * started, and unknown states are for error handling; BUSY and TASK SET FULL
 * make the guest wait.
 */
static void tame(uint8_t *header, uint8_t *sense)
{
	static const uint8_t harmless[] = { 0x00, 0x02, 0x04, 0x18, 0x30, 0x40 };
	uint8_t *key;

	if (!memchr(harmless, header[10], sizeof(harmless)))
		header[10] = harmless[random_below(&dice, sizeof(harmless))];
	if (header[10] != 2)
		return;
	if (get_le32(header) < 18)
		put_le32(header, 18);
	sense[0] = (sense[0] & 0x83) | 0x70;
	key = sense + (sense[0] & 2 ? 1 : 2);
	if ((*key & 0xf) == 2)
		*key ^= 1;
}

void mutate_response(uint8_t header[12], uint8_t sense[MUTATE_MAX_SENSE], uint32_t *sense_len,
		     uint64_t *used)
{
	uint8_t both[12 + MUTATE_MAX_SENSE];
	uint64_t used_before = *used;
	bool is_changed = false;

	if (!of[RESPONSES].percent)
		return;
	memcpy(both, header, 12);
	memcpy(both + 12, sense, MUTATE_MAX_SENSE);
	/* Most of the changes fall into the header and the beginning of the sense data. */
	if (!mutate(RESPONSES, both, random_below(&dice, 4) ? 32 : sizeof(both)))
		return;
	if (random_below(&dice, 2)) {
		both[10] = header[10];
		both[11] = header[11];
	}
	if (!random_below(&dice, 4))
		*used = evil_number();
	if (random_below(&dice, wild))
		tame(both, both + 12);
	else
		nr_fields.wild++;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (memcmp(header + fields[i].offset, both + fields[i].offset, fields[i].size)) {
			nr_fields.of[i]++;
			is_changed = true;
		}
	if (memcmp(sense, both + 12, MUTATE_MAX_SENSE)) {
		nr_fields.sense++;
		is_changed = true;
	}
	if (*used != used_before) {
		nr_fields.used++;
		is_changed = true;
	}
	of[RESPONSES].nr_changed += is_changed;
	memcpy(header, both, 12);
	memcpy(sense, both + 12, MUTATE_MAX_SENSE);
	*sense_len = MUTATE_MAX_SENSE;
}

void mutate_tmf(uint8_t *bytes, uint32_t len)
{
	of[TMFS].nr_changed += mutate(TMFS, bytes, len);
}

void mutate_event(uint8_t *bytes, uint32_t len)
{
	of[EVENTS].nr_changed += mutate(EVENTS, bytes, len);
}

bool mutate_config(uint8_t *space, uint32_t len)
{
	return mutate(CONFIGURATION, space, len);
}

void mutate_config_seen(void)
{
	of[CONFIGURATION].nr_changed++;
}
