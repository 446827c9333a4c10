// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A QEMU plugin that counts the guest kernel's instructions, exactly.
 *
 * TCG runs the guest in translation blocks, which end at each branch. Each
 * block of kernel code gets a counter; how often a block ran times its length
 * are the instructions, and how often the block at a function's first address
 * ran are the calls of that function.
 *
 * Blocks are counted inline where the guest has one CPU; with several of them
 * through a call, one counter a CPU, and then the instructions between taking
 * and releasing a lock can be measured as well.
 *
 *   -plugin file=insn.so,socket=PATH[,cpus=N]
 *
 * Each connection to the socket carries one line:
 *
 *   counts                      the answer is a struct record for each block
 *   lock START END TAKE RELEASE code in START..END calls TAKE and RELEASE;
 *                               forget what was measured so far
 *   held                        the answer is a struct held for each place in
 *                               the code from where the lock was taken
 *
 * QEMU's interface is declared here, version 1: Debian ships no header.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info;
typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*tb_exec_cb)(unsigned int cpu, void *data);
enum { FLAGS_NO_REGS = 0, INLINE_ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  tb_exec_cb cb, int flags, void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op,
					      void *counter, uint64_t add);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

EXPORT int qemu_plugin_version = 1;

#define MAX_CPUS	8
#define NR_BLOCKS	(1u << 20)
#define NR_PLACES	16
#define KERNEL_START	(1ull << 63)

struct block {
	uint64_t address;
	uint64_t nr_insns;
	uint64_t nr_runs[MAX_CPUS];
};

struct record {
	uint64_t address;
	uint64_t nr_insns;
	uint64_t nr_runs;
};

/* By where the code went on when it had the lock. */
struct held {
	uint64_t address;
	uint64_t nr;
	uint64_t insns;
	uint64_t max_insns;
};

/* What one CPU is doing about the lock; only that CPU writes here. */
struct cpu {
	uint64_t insns;
	uint64_t taken_at;
	struct held *holding;
	bool was_inside;
	bool is_taking;
	struct held held[NR_PLACES];
} __attribute__((aligned(128)));

static struct block *blocks;
static unsigned int nr_blocks;
static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cpu cpus[MAX_CPUS];
static volatile uint64_t code_start, code_end, lock_take, lock_release;
static unsigned int nr_cpus = 1;
static int listener;

/* A block is found again when it is translated again. */
static struct block *block_of(uint64_t address, uint64_t nr_insns)
{
	uint64_t hash = (address * 31 + nr_insns) * 0x9e3779b97f4a7c15ull;
	unsigned int i = hash >> 44;

	for (;; i = (i + 1) % NR_BLOCKS) {
		struct block *block = &blocks[i];

		if (block->address == address && block->nr_insns == nr_insns)
			return block;
		if (!block->address) {
			if (++nr_blocks == NR_BLOCKS) {
				fputs("insn: too many blocks\n", stderr);
				exit(1);
			}
			block->nr_insns = nr_insns;
			block->address = address;
			return block;
		}
	}
}

/* All places beyond the last share it. */
static struct held *held_from(struct held held[NR_PLACES], uint64_t address)
{
	unsigned int i = 0;

	while (held[i].address && held[i].address != address &&
	       i < NR_PLACES - 1)
		i++;
	held[i].address = address;
	return &held[i];
}

static void look_at_lock(struct cpu *cpu, uint64_t address)
{
	bool is_inside = address >= code_start && address < code_end;

	if (cpu->was_inside && address == lock_take) {
		cpu->is_taking = true;
	} else if (cpu->is_taking && is_inside) {
		cpu->is_taking = false;
		cpu->holding = held_from(cpu->held, address);
		cpu->taken_at = cpu->insns;
	} else if (cpu->holding && cpu->was_inside &&
		   address == lock_release) {
		uint64_t insns = cpu->insns - cpu->taken_at;

		cpu->holding->nr++;
		cpu->holding->insns += insns;
		if (insns > cpu->holding->max_insns)
			cpu->holding->max_insns = insns;
		cpu->holding = NULL;
	}
	cpu->was_inside = is_inside;
}

static void on_exec(unsigned int index, void *data)
{
	struct block *block = data;
	struct cpu *cpu = &cpus[index % MAX_CPUS];

	block->nr_runs[index % MAX_CPUS]++;
	if (lock_take)
		look_at_lock(cpu, block->address);
	cpu->insns += block->nr_insns;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	struct block *block;

	(void)id;
	if (address < KERNEL_START)
		return;
	pthread_mutex_lock(&blocks_lock);
	block = block_of(address, qemu_plugin_tb_n_insns(tb));
	pthread_mutex_unlock(&blocks_lock);
	if (nr_cpus == 1)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64,
							 &block->nr_runs[0], 1);
	else
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_exec, FLAGS_NO_REGS,
						     block);
}

static void answer_counts(FILE *file)
{
	for (unsigned int i = 0; i < NR_BLOCKS; i++) {
		struct record record = {
			.address = blocks[i].address,
			.nr_insns = blocks[i].nr_insns,
		};

		for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
			record.nr_runs += blocks[i].nr_runs[cpu];
		if (record.nr_runs)
			fwrite(&record, sizeof(record), 1, file);
	}
}

static void answer_held(FILE *file)
{
	struct held all[NR_PLACES] = { 0 };

	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++) {
		for (unsigned int i = 0; i < NR_PLACES; i++) {
			struct held *one = &cpus[cpu].held[i];
			struct held *sum;

			if (!one->nr)
				continue;
			sum = held_from(all, one->address);
			sum->nr += one->nr;
			sum->insns += one->insns;
			if (one->max_insns > sum->max_insns)
				sum->max_insns = one->max_insns;
		}
	}
	fwrite(all, sizeof(all), 1, file);
}

static void watch_lock(const char *line)
{
	unsigned long long start, end, take, release;

	if (sscanf(line, "lock %llx %llx %llx %llx", &start, &end, &take,
		   &release) != 4)
		return;
	lock_take = 0;
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
		cpus[cpu] = (struct cpu){ 0 };
	code_start = start;
	code_end = end;
	lock_release = release;
	lock_take = take;
}

static void *serve(void *unused)
{
	char line[256];

	(void)unused;
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
		ssize_t len;

		if (!file)
			continue;
		len = read(fd, line, sizeof(line) - 1);
		line[len > 0 ? len : 0] = 0;
		if (!strcmp(line, "counts\n"))
			answer_counts(file);
		else if (!strcmp(line, "held\n"))
			answer_held(file);
		else
			watch_lock(line);
		fclose(file);
	}
	return NULL;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			       int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pthread_t thread;

	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "socket=", 7))
			snprintf(address.sun_path, sizeof(address.sun_path),
				 "%s", argv[i] + 7);
		else if (!strncmp(argv[i], "cpus=", 5))
			nr_cpus = atoi(argv[i] + 5);
	}
	blocks = calloc(NR_BLOCKS, sizeof(*blocks));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (!blocks || nr_cpus < 1 || nr_cpus > MAX_CPUS || listener < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 1) || pthread_create(&thread, NULL, serve, NULL)) {
		perror("insn: cannot start");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
