// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mutation begins with the truth or, one time in four, with a line of the
 * corpus, and then changes up to three things: a bit, a byte, or a whole field
 * to one of the values at which code tends to go wrong.
 *
 * Half of the changed responses still say OK and GOOD: only those reach the
 * far ends of a driver, and a guest that handles nothing but errors is slow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "mutate.h"
#include "random.h"
#include "wire.h"

#define MAX_LINES 64

enum what { RESPONSES, EVENTS, CONFIGURATION, NR_WHATS };

static const char *const names[NR_WHATS] = { "responses", "events", "configuration" };

static struct {
	uint32_t percent;
	uint64_t nr_changed;
	struct { uint8_t bytes[MUTATE_MAX_SENSE]; uint32_t len; } line[MAX_LINES];
	uint32_t nr_lines;
} of[NR_WHATS];

static struct random dice = { 1 };

static bool load_corpus(enum what what, const char *directory)
{
	char path[512], text[2 * MUTATE_MAX_SENSE + 256];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", directory, names[what]);
	in = fopen(path, "re");
	if (!in)
		return false;
	of[what].nr_lines = 0;
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
		for (int i = 0; value && i < NR_WHATS; i++) {
			if (!strcmp(*word, "corpus") && load_corpus(i, value))
				ok = true;
			if (!strcmp(*word, names[i])) {
				of[i].percent = strtoul(value, NULL, 0);
				ok = true;
			}
		}
		if (!ok) {
			snprintf(err, err_len, "'%s' is nothing for mutate: off, seed=N, corpus=DIR, or "
				 "responses= events= configuration= with a percentage", *word);
			return false;
		}
	}
	return true;
}

bool mutate_has_begun(void)
{
	return of[RESPONSES].nr_changed;
}

void mutate_print(FILE *out)
{
	for (int i = 0; i < NR_WHATS; i++)
		fprintf(out, "%s\"%s\":%llu", i ? "," : "{", names[i],
			(unsigned long long)of[i].nr_changed);
	fputc('}', out);
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

/* Whether to change this one; then perhaps starts from the corpus, and changes it. */
static bool mutate(enum what what, uint8_t *bytes, uint32_t len)
{
	if (!len || random_below(&dice, 100) >= of[what].percent)
		return false;
	if (of[what].nr_lines && !random_below(&dice, 4)) {
		uint32_t i = random_below(&dice, of[what].nr_lines);

		memcpy(bytes, of[what].line[i].bytes, min_u64(len, of[what].line[i].len));
	}
	for (uint32_t n = 1 + random_below(&dice, 3); n; n--)
		change(bytes, len);
	return true;
}

void mutate_response(uint8_t header[12], uint8_t sense[MUTATE_MAX_SENSE], uint32_t *sense_len,
		     uint64_t *used)
{
	uint8_t both[12 + MUTATE_MAX_SENSE], status = header[10], response = header[11];

	if (!of[RESPONSES].percent)
		return;
	memcpy(both, header, 12);
	memcpy(both + 12, sense, MUTATE_MAX_SENSE);
	/* Most of the changes fall into the header and the beginning of the sense data. */
	if (!mutate(RESPONSES, both, random_below(&dice, 4) ? 32 : sizeof(both)))
		return;
	of[RESPONSES].nr_changed++;
	memcpy(header, both, 12);
	memcpy(sense, both + 12, MUTATE_MAX_SENSE);
	*sense_len = MUTATE_MAX_SENSE;
	if (random_below(&dice, 2)) {
		header[10] = status;
		header[11] = response;
	}
	if (!random_below(&dice, 4))
		*used = evil_number();
}

void mutate_event(uint8_t *bytes, uint32_t len)
{
	of[EVENTS].nr_changed += mutate(EVENTS, bytes, len);
}

/* Counted by the field; sense_size and cdb_size go back to the truth (config.c). */
void mutate_config(uint8_t *space, uint32_t len)
{
	uint8_t before[256];

	memcpy(before, space, min_u64(len, sizeof(before)));
	if (len > sizeof(before) || !mutate(CONFIGURATION, space, len))
		return;
	for (uint32_t i = 0; i + 4 <= len; i += 4)
		of[CONFIGURATION].nr_changed += i != 20 && i != 24 && memcmp(before + i, space + i, 4);
}
