// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vscsi-device: a virtio-scsi host adapter behind a vhost-user socket.
 *
 * Arguments, the loop, and a tidy end: on SIGTERM, SIGINT, the control socket's
 * quit, or the death of the process that started us.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config.h"
#include "control.h"
#include "hba.h"
#include "loop.h"
#include "main.h"
#include "protocol.h"
#include "target.h"

static const char usage[] =
"usage: vscsi-device --socket PATH --lun SPEC... [OPTION...]\n"
"  --socket PATH          where a vhost-user front end (UML, QEMU) connects\n"
"  --control PATH         where tests give commands, one line each\n"
"  --lun SPEC             TARGET:LUN:OPTION,... with numbers or FIRST-LAST, and\n"
"                         type=disk|cdrom|tape file=PATH mem size=N[K|M|G|T]\n"
"                         block=512|1024|2048|4096 pi=0|1|2|3 ro empty\n"
"                         max_blocks=N opt_blocks=N max_record=BYTES\n"
"                         refuse=BYTES mute=OPCODE\n"
"  --config FIELD=VALUE   a field of the configuration space, any value\n"
"  --features LIST        +NAME,-NAME: inout hotplug change t10_pi indirect\n"
"                         event_idx version_1 packed\n"
"  --ignore-config-writes the driver cannot change cdb_size and sense_size\n"
"  --scenario FILE        commands to begin with, as the control socket takes them\n";

static volatile bool quitting;
static const char *socket_path, *control_path;

void quit(void)
{
	quitting = true;
}

static void signal_ready(struct source *src)
{
	(void)src;
	quit();
}

static void remove_sockets(void)
{
	if (socket_path)
		unlink(socket_path);
	if (control_path)
		unlink(control_path);
}

static void watch_signals(void)
{
	static struct source src = { -1, signal_ready };
	pid_t parent = getppid();
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		die("the parent process is gone");
	src.fd = signalfd(-1, &set, SFD_CLOEXEC);
	loop_add(&src);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "control", required_argument, NULL, 'c' },
		{ "lun", required_argument, NULL, 'l' },
		{ "config", required_argument, NULL, 'f' },
		{ "features", required_argument, NULL, 'F' },
		{ "ignore-config-writes", no_argument, NULL, 'i' },
		{ "scenario", required_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	char err[256];
	const char *to_serve = NULL, *to_control = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			to_serve = optarg;
			break;
		case 'c':
			to_control = optarg;
			break;
		case 'l':
			if (inventory_add(optarg, NULL, err, sizeof(err)) < 0)
				die("--lun %s: %s", optarg, err);
			break;
		case 'f':
			if (!config_set(optarg, err, sizeof(err)))
				die("--config %s: %s", optarg, err);
			break;
		case 'F':
			if (!protocol_feature_knob(optarg, err, sizeof(err)))
				die("--features %s: %s", optarg, err);
			break;
		case 'i':
			config_ignores_writes = true;
			break;
		case 'S':
			if (!control_scenario(optarg, stderr))
				die("--scenario %s: %s", optarg, control_reason());
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (!to_serve || optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	watch_signals();
	atexit(remove_sockets);
	protocol_listen(to_serve);
	socket_path = to_serve;
	if (to_control) {
		control_listen(to_control);
		control_path = to_control;
	}
	puts("ready");
	fflush(stdout);
	while (!quitting) {
		int a = hba_poll_ms(), b = control_poll_ms();
		struct source *src = loop_wait(a < 0 || (b >= 0 && b < a) ? b : a);

		/* before anybody looks at a ring, for the driver may have deleted it meanwhile */
		protocol_watch();
		if (src)
			src->ready(src);
		protocol_watch();
		control_run();
		hba_run();
	}
	protocol_close();
	return 0;
}
