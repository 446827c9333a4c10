// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record of violations: a counter and the last 32 messages, as a JSON
 * array of strings (no message contains a quote or a backslash). A test may
 * say by a word of the message that it has made the driver break a rule.
 */
#include <stdarg.h>
#include <stdbool.h>

#include "bytes.h"
#include "loop.h"
#include "violation.h"

#define NR_KEPT 32

static char kept[NR_KEPT][160];
static uint64_t count;
static char forgiven[16][32];

static bool is_forgiven(const char *text)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(forgiven); i++)
		if (*forgiven[i] && strstr(text, forgiven[i]))
			return true;
	return false;
}

void violation(const char *fmt, ...)
{
	char *text = kept[count % NR_KEPT], new[sizeof(kept[0])];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(new, sizeof(new), fmt, ap);
	va_end(ap);
	if (is_forgiven(new))
		return;
	strcpy(text, new);
	count++;
	if (count <= 1000)
		say("violation %llu: %s", (unsigned long long)count, text);
}

uint64_t violation_count(void)
{
	return count;
}

void violation_reset(void)
{
	count = 0;
}

void violation_forgive(char **word)
{
	memset(forgiven, 0, sizeof(forgiven));
	for (unsigned int i = 0; i < ARRAY_SIZE(forgiven) && word[i]; i++)
		snprintf(forgiven[i], sizeof(forgiven[0]), "%s", word[i]);
}

void violation_print(FILE *out)
{
	uint64_t nr = min_u64(count, NR_KEPT);

	fputc('[', out);
	for (uint64_t i = count - nr; i < count; i++)
		fprintf(out, "%s\"%s\"", i == count - nr ? "" : ",", kept[i % NR_KEPT]);
	fputc(']', out);
}
