// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load SECONDS THREADS SEED
 *
 * Sends commands of many kinds straight to every LUN of this machine (SG_IO),
 * from many threads, for so long, whatever becomes of them. LUNs may come and
 * go; one that error handling has given up on is set running again; now and then
 * a LUN is reset. Prints what came of it; fails when a thread does not come back,
 * or nothing was ever sent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <scsi/sg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#ifndef SG_SCSI_RESET_NO_ESCALATE	/* the kernel has it, the C library does not */
#define SG_SCSI_RESET_NO_ESCALATE 0x100
#endif

#define MAX_THREADS	256
#define MAX_LUNS	64
#define BLOCK		512
#define MAX_BLOCKS	64
#define TIMEOUT_MS	2000
#define GRACE_S		60	/* after the end, for what error handling still has */
#define A_WHILE		500	/* commands until a thread looks for another LUN */
#define RESET_ONE_IN	5000	/* commands */

/* A block count, where there is one, goes into the last byte but one of 10 and 16. */
static const struct {
	uint8_t cdb[16], len, is_out;
	uint16_t bytes;		/* 0: so many blocks */
} commands[] = {
	{ { 0x28 }, 10, false, 0 },				/* READ(10) */
	{ { 0x28 }, 10, false, 0 },
	{ { 0x2a }, 10, true, 0 },				/* WRITE(10) */
	{ { 0x2a }, 10, true, 0 },
	{ { 0x88 }, 16, false, 0 },				/* READ(16) */
	{ { 0x8a }, 16, true, 0 },				/* WRITE(16) */
	{ { 0x00 }, 6, false, 0 },				/* TEST UNIT READY */
	{ { 0x03, 0, 0, 0, 252 }, 6, false, 252 },		/* REQUEST SENSE */
	{ { 0x12, 0, 0, 0, 96 }, 6, false, 96 },		/* INQUIRY */
	{ { 0x12, 1, 0xb0, 0, 64 }, 6, false, 64 },
	{ { 0x25 }, 10, false, 8 },				/* READ CAPACITY */
	{ { 0x9e, 0x10, [13] = 32 }, 16, false, 32 },
	{ { 0xa0, [9] = 32 }, 12, false, 8192 },		/* REPORT LUNS */
	{ { 0x1a, 0, 0x3f, 0, 252 }, 6, false, 252 },		/* MODE SENSE */
};

static atomic_bool over;
static atomic_uint nr_running;
static atomic_ullong nr_sent, nr_good, nr_failed, nr_again, nr_resets, longest_ms;
static uint64_t seed;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static uint32_t below(uint64_t *dice, uint32_t limit)
{
	*dice = *dice * 6364136223846793005ull + 1442695040888963407ull;
	return (*dice >> 32) * limit >> 32;
}

/* The name of the LUN whose turn it is, or an empty one. */
static void choose(unsigned int turn, char name[64])
{
	static const char class[] = "/sys/class/scsi_generic";
	char names[MAX_LUNS][64];
	unsigned int nr = 0;
	struct dirent *entry;
	DIR *dir = opendir(class);

	while (dir && nr < MAX_LUNS && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(names[nr++], sizeof(names[0]), "%.63s", entry->d_name);
	if (dir)
		closedir(dir);
	strcpy(name, nr ? names[turn % nr] : "");
}

static void set_running(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/class/scsi_generic/%s/device/state", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return;
	if (write(fd, "running", 7) == 7)
		nr_again++;
	close(fd);
}

static bool send(int fd, uint64_t *dice)
{
	static _Thread_local uint8_t data[MAX_BLOCKS * BLOCK];
	uint32_t i = below(dice, sizeof(commands) / sizeof(commands[0])), blocks = 1 + below(dice, 8);
	uint8_t cdb[16], sense[252], lba = below(dice, 256);
	struct sg_io_hdr io = {
		.interface_id = 'S', .cmdp = cdb, .sbp = sense, .mx_sb_len = sizeof(sense),
		.dxferp = data, .timeout = TIMEOUT_MS,
	};
	uint64_t began = now_ms(), took;
	int err;

	memcpy(cdb, commands[i].cdb, sizeof(cdb));
	io.cmd_len = commands[i].len;
	io.dxfer_len = commands[i].bytes;
	io.dxfer_direction = cdb[0] == 0 ? SG_DXFER_NONE :
			     commands[i].is_out ? SG_DXFER_TO_DEV : SG_DXFER_FROM_DEV;
	if (cdb[0] && !io.dxfer_len) {
		if (!below(dice, 32))
			blocks = MAX_BLOCKS;
		io.dxfer_len = blocks * BLOCK;
		cdb[io.cmd_len == 10 ? 5 : 9] = lba;
		cdb[io.cmd_len == 10 ? 8 : 13] = blocks;
	}
	err = ioctl(fd, SG_IO, &io);
	took = now_ms() - began;
	if (took > longest_ms)
		longest_ms = took;	/* about */
	nr_sent++;
	if (!err)
		*(io.info & SG_INFO_OK_MASK ? &nr_failed : &nr_good) += 1;
	return !err && io.host_status != 1;	/* DID_NO_CONNECT */
}

static void reset_lun(int fd)
{
	int what = SG_SCSI_RESET_DEVICE | SG_SCSI_RESET_NO_ESCALATE;

	nr_resets += !ioctl(fd, SG_SCSI_RESET, &what);
}

static void *run(void *arg)
{
	unsigned int number = (uintptr_t)arg, turn = number;
	uint64_t dice = seed * MAX_THREADS + number;
	char name[64], path[128];
	bool is_good;
	int fd;

	while (!over) {
		choose(turn++, name);
		snprintf(path, sizeof(path), "/dev/%s", name);
		fd = name[0] ? open(path, O_RDWR | O_NONBLOCK) : -1;
		is_good = fd >= 0;
		for (unsigned int n = 0; is_good && n < A_WHILE && !over; n++) {
			is_good = send(fd, &dice);
			if (!below(&dice, RESET_ONE_IN))
				reset_lun(fd);
		}
		if (fd >= 0)
			close(fd);
		if (!is_good && !over) {
			set_running(name);
			usleep(20000);
		}
	}
	nr_running--;
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int seconds, threads;

	if (argc != 4) {
		fprintf(stderr, "usage: load SECONDS THREADS SEED\n");
		return 2;
	}
	seconds = strtoul(argv[1], NULL, 0);
	threads = strtoul(argv[2], NULL, 0);
	seed = strtoull(argv[3], NULL, 0);
	for (unsigned int i = 0; i < threads && i < MAX_THREADS; i++) {
		pthread_t thread;

		nr_running++;
		if (pthread_create(&thread, NULL, run, (void *)(uintptr_t)i))
			nr_running--;
	}
	sleep(seconds);
	over = true;
	for (unsigned int i = 0; nr_running && i < GRACE_S * 10; i++)
		usleep(100000);
	printf("%llu commands, %llu good, %llu not, the longest took %llu ms, LUNs reset %llu times, set running %llu times, %u threads hang\n",
	       nr_sent, nr_good, nr_failed, longest_ms, nr_resets, nr_again, nr_running);
	fflush(stdout);
	_exit(nr_running || !nr_sent);
}
