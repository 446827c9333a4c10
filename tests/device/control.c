// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each command is a row of a table: name, the number of arguments it takes,
 * what it does. Several tests may be connected at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "config.h"
#include "control.h"
#include "events.h"
#include "hba.h"
#include "leak.h"
#include "loop.h"
#include "main.h"
#include "misbehave.h"
#include "mutate.h"
#include "protocol.h"
#include "stats.h"
#include "target.h"
#include "violation.h"

#define MAX_LINE	4096
#define MAX_WORDS	16

struct session {
	struct source src;
	char line[MAX_LINE];
	size_t len;
};

struct alarm {
	TAILQ_ENTRY(alarm) link;
	uint64_t due_ns;
	char line[512];
};

static char reason[512];	/* why the command at hand failed */
static uint64_t argument;	/* for the functions that visit LUNs */
static const char *file, *option;

static bool run_line(char *line, FILE *out);

static bool fail(const char *why)
{
	snprintf(reason, sizeof(reason), "%s", why);
	return false;
}

/* Visits the LUNs of a range; how many it were is the answer. */
static bool visit(FILE *out, const char *range, bool (*each)(struct lun *lun))
{
	int nr;

	reason[0] = 0;
	nr = inventory_each(range, each);
	if (nr < 0)
		return fail("LUNs are TARGET:LUN, each a number or FIRST-LAST, or all");
	if (reason[0])
		return false;
	if (!nr)
		return fail("no such LUN");
	fprintf(out, " %d", nr);
	return true;
}

static void luns_changed(uint8_t target, const struct lun *but)
{
	for (struct lun *l = NULL; (l = inventory_next(l));)
		if (l->target == target && l != but)
			lun_attention(l, SENSE_UA_LUNS_CHANGED);
}

static bool added(struct lun *lun)
{
	luns_changed(lun->target, lun);
	events_about(lun, EVENT_TRANSPORT_RESET, RESET_RESCAN);
	return true;
}

static bool do_add(FILE *out, char **word)
{
	int nr = inventory_add(word[0], added, reason, sizeof(reason));

	fprintf(out, " %d", nr);
	return nr >= 0;
}

static bool removed(struct lun *lun)
{
	struct lun gone = *lun;

	inventory_remove(lun);
	luns_changed(gone.target, NULL);
	events_about(&gone, EVENT_TRANSPORT_RESET, RESET_REMOVED);
	return true;
}

static bool do_remove(FILE *out, char **word)
{
	bool ok = visit(out, word[0], removed);

	hba_run();	/* held commands of a LUN that is gone */
	return ok;
}

/* The LUNs that share the medium change their size with it. */
static bool resized(struct lun *lun)
{
	if (!lun->medium)
		return fail("there is no medium");
	if (!medium_resize(lun->medium, argument))
		return fail(strerror(errno));
	for (struct lun *l = NULL; (l = inventory_next(l));) {
		if (l->medium != lun->medium)
			continue;
		lun_attention(l, SENSE_UA_CAPACITY);
		events_about(l, EVENT_PARAM_CHANGE, 0x2a | 0x09 << 8);
	}
	return true;
}

static bool do_resize(FILE *out, char **word)
{
	if (!parse_size(word[1], &argument))
		return fail("a size is a number of bytes with K, M, G or T behind it");
	return visit(out, word[0], resized);
}

static bool ejected(struct lun *lun)
{
	if (!lun->type->removable)
		return fail("its medium is fixed");
	lun_eject(lun);
	events_about(lun, EVENT_ASYNC_NOTIFY, ASYNC_MEDIA_CHANGE);
	return true;
}

static bool do_eject(FILE *out, char **word)
{
	return visit(out, word[0], ejected);
}

static bool loaded(struct lun *lun)
{
	if (!lun->type->removable)
		return fail("its medium is fixed");
	if (file) {
		struct medium *m = medium_open(file, 0, reason, sizeof(reason));

		if (!m)
			return false;
		m->read_only = true;
		medium_use(lun, m);
	}
	lun_load(lun);
	events_about(lun, EVENT_ASYNC_NOTIFY, ASYNC_MEDIA_CHANGE);
	return true;
}

static bool do_load(FILE *out, char **word)
{
	file = word[1];
	return visit(out, word[0], loaded);
}

static bool hold(struct lun *lun)
{
	lun->held = true;
	return true;
}

static bool do_hold(FILE *out, char **word)
{
	return visit(out, word[0], hold);
}

static bool release(struct lun *lun)
{
	lun->held = false;
	return true;
}

static bool do_release(FILE *out, char **word)
{
	bool ok = visit(out, word[0], release);

	hba_run();
	return ok;
}

static bool has_set(struct lun *lun)
{
	return lun_option(lun, option) || fail("options are max_blocks= opt_blocks= max_record= refuse= mute=");
}

static bool do_set(FILE *out, char **word)
{
	bool ok;

	option = word[1];
	ok = visit(out, word[0], has_set);
	hba_run();	/* commands that are mute no more */
	return ok;
}

static bool attended(struct lun *lun)
{
	lun_attention(lun, argument);
	return true;
}

static bool do_attention(FILE *out, char **word)
{
	argument = strtoul(word[1], NULL, 16);
	return visit(out, word[0], attended);
}

static bool do_delay(FILE *out, char **word)
{
	char *end;
	uint64_t ms = strtoull(word[0], &end, 0);

	(void)out;
	if (*end || end == word[0])
		return fail("a delay is a number of milliseconds");
	hba_set_delay_ms(ms);
	return true;
}

static bool do_config(FILE *out, char **word)
{
	for (; *word; word++)
		if (!config_set(*word, reason, sizeof(reason)))
			return false;
	fputc(' ', out);
	config_print(out);
	return true;
}

static bool do_config_interrupt(FILE *out, char **word)
{
	(void)out;
	(void)word;
	return protocol_config_changed() || fail("the front end gave no channel for that");
}

static bool parse_lun_bytes(const char *hex, uint8_t lun[8])
{
	memset(lun, 0, 8);
	for (unsigned int i = 0; i < 16 && hex[i]; i++) {
		char digit[2] = { hex[i] }, *end;
		unsigned int v = strtoul(digit, &end, 16);

		if (*end)
			return false;
		lun[i / 2] |= i % 2 ? v : v << 4;
	}
	return strlen(hex) <= 16;
}

static bool do_event(FILE *out, char **word)
{
	uint8_t lun[8];

	if (!parse_lun_bytes(word[1], lun))
		return fail("a lun field is up to 16 hexadecimal digits");
	fputs(events_send(strtoul(word[0], NULL, 0), lun, strtoul(word[2], NULL, 0)) ?
	      " sent" : " missed", out);
	return true;
}

static bool do_storm(FILE *out, char **word)
{
	uint8_t lun[8];

	(void)out;
	if (!parse_lun_bytes(word[2], lun))
		return fail("a lun field is up to 16 hexadecimal digits");
	events_storm(strtoull(word[0], NULL, 0), strtoul(word[1], NULL, 0), lun,
		     strtoul(word[3], NULL, 0));
	return true;
}

static bool do_fault(FILE *out, char **word)
{
	(void)out;
	if (!strcmp(word[0], "off")) {
		misbehave_clear();
		return true;
	}
	return misbehave_add(word, reason, sizeof(reason));
}

static bool do_faults(FILE *out, char **word)
{
	(void)word;
	fputc(' ', out);
	misbehave_print(out);
	return true;
}

static bool do_mutate(FILE *out, char **word)
{
	(void)out;
	return mutate_set(word, reason, sizeof(reason));
}

static bool do_stop(FILE *out, char **word)
{
	(void)out;
	(void)word;
	hba_stop(true);
	return true;
}

static bool do_go(FILE *out, char **word)
{
	(void)out;
	(void)word;
	hba_stop(false);
	return true;
}

static bool do_freeze(FILE *out, char **word)
{
	(void)out;
	usleep(strtoul(word[0], NULL, 0) * 1000);
	return true;
}

static bool do_disconnect(FILE *out, char **word)
{
	(void)out;
	(void)word;
	return protocol_disconnect() || fail("no front end is connected");
}

static bool do_away(FILE *out, char **word)
{
	(void)out;
	(void)word;
	protocol_away();
	return true;
}

static bool do_back(FILE *out, char **word)
{
	(void)out;
	(void)word;
	protocol_back();
	return true;
}

/* Lines for later, in the order in which they are due. */
static TAILQ_HEAD(, alarm) alarms = TAILQ_HEAD_INITIALIZER(alarms);

static bool do_in(FILE *out, char **word)
{
	struct alarm *a = xalloc(NULL, 1, sizeof(*a)), *next;
	size_t len = 0;

	(void)out;
	a->due_ns = now_ns() + strtoull(word[0], NULL, 0) * 1000000;
	while (*++word && len < sizeof(a->line))
		len += snprintf(a->line + len, sizeof(a->line) - len, "%s ", *word);
	TAILQ_FOREACH(next, &alarms, link)
		if (next->due_ns > a->due_ns)
			break;
	if (next)
		TAILQ_INSERT_BEFORE(next, a, link);
	else
		TAILQ_INSERT_TAIL(&alarms, a, link);
	return true;
}

int control_poll_ms(void)
{
	const struct alarm *a = TAILQ_FIRST(&alarms);
	uint64_t now = now_ns();

	if (!a)
		return -1;
	return a->due_ns <= now ? 0 : (int)min_u64((a->due_ns - now) / 1000000 + 1, 60000);
}

void control_run(void)
{
	struct alarm *a;

	while ((a = TAILQ_FIRST(&alarms)) && a->due_ns <= now_ns()) {
		FILE *out = fopen("/dev/null", "w");

		TAILQ_REMOVE(&alarms, a, link);
		if (!run_line(a->line, out))
			say("%s: %s", a->line, reason);
		fclose(out);
		free(a);
	}
}

static bool do_scenario(FILE *out, char **word)
{
	return control_scenario(word[0], out);
}

/* A file of lines; one that begins with # is for readers. */
bool control_scenario(const char *path, FILE *out)
{
	FILE *in = fopen(path, "re");
	char line[MAX_LINE];
	bool ok = true;

	if (!in)
		return fail("there is no such scenario");
	while (ok && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0] && line[0] != '#')
			ok = run_line(line, out);
	}
	fclose(in);
	return ok;
}

const char *control_reason(void)
{
	return reason;
}

static bool take_switch(const char *word, bool *on)
{
	*on = !strcmp(word, "on");
	return *on || !strcmp(word, "off") || fail("it is neither on nor off");
}

static bool do_drop_events(FILE *out, char **word)
{
	bool on;

	(void)out;
	if (!take_switch(word[0], &on))
		return false;
	events_drop(on);
	return true;
}

static bool do_ignore_requests(FILE *out, char **word)
{
	bool on;

	(void)out;
	if (!take_switch(word[0], &on))
		return false;
	hba_ignore_requests(on);
	return true;
}

static bool do_check_pages(FILE *out, char **word)
{
	bool on;

	(void)out;
	if (!take_switch(word[0], &on))
		return false;
	leak_check_pages = on;
	return true;
}

static bool do_luns(FILE *out, char **word)
{
	(void)word;
	fputs(" [", out);
	for (struct lun *l = NULL, *first = inventory_next(NULL); (l = inventory_next(l));)
		fprintf(out, "%s{\"lun\":\"%u:%u\",\"type\":\"%s\",\"blocks\":%llu,\"block\":%u,\"pi\":%u}",
			l == first ? "" : ",", l->target, l->lun, l->type->name,
			(unsigned long long)lun_blocks(l), l->block, l->pi);
	fputc(']', out);
	return true;
}

static bool do_stats(FILE *out, char **word)
{
	(void)word;
	fputc(' ', out);
	hba_stats_print(out);
	return true;
}

static bool do_reset_stats(FILE *out, char **word)
{
	(void)out;
	(void)word;
	stats_reset();
	return true;
}

static bool do_reset_violations(FILE *out, char **word)
{
	(void)out;
	(void)word;
	violation_reset();
	return true;
}

static bool do_forgive(FILE *out, char **word)
{
	(void)out;
	violation_forgive(word);
	return true;
}

static bool do_violations(FILE *out, char **word)
{
	(void)word;
	fputc(' ', out);
	violation_print(out);
	return true;
}

static bool do_quit(FILE *out, char **word)
{
	(void)out;
	(void)word;
	quit();
	return true;
}

static const struct {
	const char *name;
	int min, max;
	bool (*run)(FILE *out, char **word);
	const char *usage;
} commands[] = {
	{ "config", 0, MAX_WORDS - 2, do_config, "[FIELD=VALUE...]" },
	{ "config-interrupt", 0, 0, do_config_interrupt, "" },
	{ "event", 3, 3, do_event, "TYPE LUN-BYTES REASON" },
	{ "storm", 4, 4, do_storm, "COUNT TYPE LUN-BYTES REASON" },
	{ "drop-events", 1, 1, do_drop_events, "on|off" },
	{ "check-pages", 1, 1, do_check_pages, "on|off" },
	{ "luns", 0, 0, do_luns, "" },
	{ "add", 1, 1, do_add, "LUNS:OPTION,..." },
	{ "remove", 1, 1, do_remove, "LUNS" },
	{ "resize", 2, 2, do_resize, "LUNS SIZE" },
	{ "eject", 1, 1, do_eject, "LUNS" },
	{ "load", 1, 2, do_load, "LUNS [FILE]" },
	{ "hold", 1, 1, do_hold, "LUNS" },
	{ "release", 1, 1, do_release, "LUNS" },
	{ "set", 2, 2, do_set, "LUNS OPTION=VALUE" },
	{ "attention", 2, 2, do_attention, "LUNS SENSE" },
	{ "delay", 1, 1, do_delay, "MILLISECONDS" },
	{ "fault", 1, MAX_WORDS - 2, do_fault, "KIND DEED... [FILTER...] | seed=N | off" },
	{ "faults", 0, 0, do_faults, "" },
	{ "mutate", 1, MAX_WORDS - 2, do_mutate, "off | [seed=N] [corpus=DIR] [wild=N] [responses=|tmfs=|events=|configuration=PERCENT]" },
	{ "stop", 0, 0, do_stop, "" },
	{ "go", 0, 0, do_go, "" },
	{ "ignore-requests", 1, 1, do_ignore_requests, "on|off" },
	{ "freeze", 1, 1, do_freeze, "MILLISECONDS" },
	{ "disconnect", 0, 0, do_disconnect, "" },
	{ "away", 0, 0, do_away, "" },
	{ "back", 0, 0, do_back, "" },
	{ "in", 2, MAX_WORDS - 2, do_in, "MILLISECONDS COMMAND..." },
	{ "scenario", 1, 1, do_scenario, "FILE" },
	{ "stats", 0, 0, do_stats, "" },
	{ "reset-stats", 0, 0, do_reset_stats, "" },
	{ "violations", 0, 0, do_violations, "" },
	{ "reset-violations", 0, 0, do_reset_violations, "" },
	{ "forgive", 0, MAX_WORDS - 2, do_forgive, "[WORD...]" },
	{ "quit", 0, 0, do_quit, "" },
};

static bool run_line(char *line, FILE *out)
{
	char *word[MAX_WORDS + 1] = { NULL }, *save;
	int nr = 0;

	for (char *w = strtok_r(line, " \t\r", &save); w && nr < MAX_WORDS;
	     w = strtok_r(NULL, " \t\r", &save))
		word[nr++] = w;
	if (!nr)
		return fail("an empty line");
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, word[0]))
			continue;
		if (nr - 1 >= commands[i].min && nr - 1 <= commands[i].max)
			return commands[i].run(out, word + 1);
		snprintf(reason, sizeof(reason), "usage: %s %s", word[0], commands[i].usage);
		return false;
	}
	return fail("unknown command");
}

/* Runs one line and sends one line back; false: nobody is there to read it. */
static bool serve(int fd, char *line)
{
	char *text = NULL;
	size_t len = 0, done = 0;
	FILE *out = open_memstream(&text, &len);
	ssize_t n = 0;

	fputs("ok", out);
	if (!run_line(line, out)) {
		rewind(out);
		fprintf(out, "error: %s", reason);
	}
	fputc('\n', out);
	fclose(out);
	for (; done < len && n >= 0; done += n > 0 ? n : 0)
		n = send(fd, text + done, len - done, MSG_NOSIGNAL);
	free(text);
	return n >= 0;
}

static void session_end(struct session *s)
{
	loop_del(&s->src);
	close(s->src.fd);
	free(s);
}

static void session_ready(struct source *src)
{
	struct session *s = container_of(src, struct session, src);
	ssize_t n = recv(src->fd, s->line + s->len, MAX_LINE - s->len, 0);
	char *end;

	if (n <= 0) {
		session_end(s);
		return;
	}
	s->len += n;
	while ((end = memchr(s->line, '\n', s->len))) {
		*end++ = 0;
		if (!serve(src->fd, s->line)) {
			session_end(s);
			return;
		}
		s->len -= end - s->line;
		memmove(s->line, end, s->len);
	}
	if (s->len == MAX_LINE)
		session_end(s);
}

static void listener_ready(struct source *src)
{
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC);
	struct session *s;

	if (fd < 0)
		return;
	s = xalloc(NULL, 1, sizeof(*s));
	*s = (struct session) { .src = { fd, session_ready } };
	loop_add(&s->src);
}

void control_listen(const char *path)
{
	static struct source listener = { -1, listener_ready };

	listener.fd = listen_unix(path);
	loop_add(&listener);
}
