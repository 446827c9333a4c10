// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record of violations: a counter and the last 32 messages, as a JSON
 * array of strings (no message contains a quote or a backslash).
 */
#include <stdarg.h>

#include "bytes.h"
#include "loop.h"
#include "violation.h"

#define NR_KEPT 32

static char kept[NR_KEPT][160];
static uint64_t count;

void violation(const char *fmt, ...)
{
	char *text = kept[count++ % NR_KEPT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(kept[0]), fmt, ap);
	va_end(ap);
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

void violation_print(FILE *out)
{
	uint64_t nr = min_u64(count, NR_KEPT);

	fputc('[', out);
	for (uint64_t i = count - nr; i < count; i++)
		fprintf(out, "%s\"%s\"", i == count - nr ? "" : ",", kept[i % NR_KEPT]);
	fputc(']', out);
}
