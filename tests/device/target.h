/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets and their logical units. A task is one SCSI command: CDB and buffers
 * in, status, sense and the number of bytes moved out. target.c knows LUNs,
 * unit attentions and the commands that every type has; disk.c, cdrom.c and
 * tape.c have the rest of their type's commands in one table each.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sgl.h"

#define TARGET_MAX	256
#define LUN_MAX		16384
#define LUN_WELL_KNOWN	0xc101

#define SAM_GOOD		0x00
#define SAM_CHECK_CONDITION	0x02

/* sense key << 16 | asc << 8 | ascq */
#define SENSE_NOT_READY_NO_MEDIUM	0x023a00
#define SENSE_NOT_READY_STOPPED		0x020402
#define SENSE_BAD_OPCODE		0x052000
#define SENSE_LBA_RANGE			0x052100
#define SENSE_BAD_CDB_FIELD		0x052400
#define SENSE_NO_LUN			0x052500
#define SENSE_BAD_PARAMETER		0x052600
#define SENSE_REMOVAL_PREVENTED		0x055302
#define SENSE_UA_MEDIUM			0x062800
#define SENSE_UA_POWER_ON		0x062900
#define SENSE_UA_DEVICE_RESET		0x062903
#define SENSE_UA_NEXUS_LOSS		0x062907
#define SENSE_UA_CAPACITY		0x062a09
#define SENSE_UA_LUNS_CHANGED		0x063f0e
#define SENSE_WRITE_PROTECTED		0x072700
#define SENSE_PI_GUARD			0x0b1001
#define SENSE_PI_APP			0x0b1002
#define SENSE_PI_REF			0x0b1003
#define SENSE_MISCOMPARE		0x0e1d00

/* What a LUN's blocks are kept in; a range of LUNs shares one. */
struct medium {
	int fd;			/* a file or a memfd, mapped whole */
	uint8_t *data;
	uint64_t size;
	int pi_fd;
	uint8_t *pi;		/* the tuples, inverted, so that a fresh page says FFh */
	uint64_t pi_size;
	unsigned int users;
	bool read_only;
	bool synced;		/* a real file: SYNCHRONIZE CACHE means something */
};

struct lun {
	uint8_t target;
	uint16_t lun;
	const struct lun_type *type;
	struct medium *medium;	/* NULL: a drive without a disc */
	unsigned int block;
	unsigned int pi;	/* protection type, 0: none */
	bool d_sense, write_cache, stopped;
	bool open, locked;	/* the tray of a removable medium */
	uint32_t max_record;	/* tape: of how many bytes at the most; 0: a MiB */
	uint32_t max_blocks, opt_blocks;	/* announced in VPD page B0h; 0: none */
	uint64_t refuse;	/* more bytes than this are refused, announced or not; 0: none */
	bool mute[256];		/* commands with these opcodes wait */
	bool is_flat;		/* reported in the flat form though it is below 256 */
	bool is_bare;		/* REPORT LUNS has it without the flat prefix */
	bool held;		/* commands wait for a release (see hba.c) */
	uint8_t media_event;	/* cdrom: what GET EVENT STATUS has to tell */
	uint64_t position;	/* tape: bytes of the medium before it */
	uint32_t record;	/* tape: how long records of fixed length are; 0: they vary */
	uint32_t subscribed;	/* asynchronous notifications */
	uint32_t attention[4];	/* pending unit attentions, oldest first */
	unsigned int nr_attention;
};

struct task {
	const uint8_t *cdb;	/* padded with zeros to at least 32 bytes */
	struct sgl out, in;	/* data */
	struct sgl pi_out, pi_in;
	uint8_t status;
	uint8_t sense[32];
	unsigned int sense_len;
	uint64_t moved;		/* data bytes moved either way */
	const uint8_t *tuple_flip;	/* what misbehave.c does to tuples read; NULL: nothing */
	bool overrun;		/* the CDB asks for more than the buffers hold */
};

/* One row per command; service is -1 where the opcode has no service action. */
struct scsi_command {
	uint8_t opcode;
	int16_t service;
	uint8_t cdb_len;
	void (*run)(struct lun *lun, struct task *t);
};

struct lun_type {
	const char *name;
	uint8_t peripheral_type;
	bool removable;
	const char *product;
	const struct scsi_command *commands;
	unsigned int nr_commands;
	unsigned int (*mode_page)(struct lun *lun, uint8_t page, bool changeable, uint8_t *buf);
	unsigned int (*vpd)(struct lun *lun, uint8_t page, uint8_t *buf);
};

extern const struct lun_type disk_type, cdrom_type, tape_type;

/* inventory.c */
struct lun_range {
	unsigned int target[2], lun[2];		/* first and last */
};

bool inventory_parse_range(const char *text, struct lun_range *range);
bool inventory_in_range(const struct lun_range *range, uint8_t target, uint16_t lun);
int inventory_add(const char *spec, bool (*each)(struct lun *lun), char *err, size_t err_len);
int inventory_each(const char *range, bool (*each)(struct lun *lun));
void inventory_remove(struct lun *lun);
struct lun *inventory_find(uint8_t target, uint16_t lun);
bool inventory_target_exists(uint8_t target);
struct lun *inventory_next(const struct lun *after);
struct medium *medium_open(const char *path, uint64_t size, char *err, size_t err_len);
bool medium_resize(struct medium *m, uint64_t size);
void medium_use(struct lun *lun, struct medium *m);
bool lun_option(struct lun *lun, const char *word);
bool parse_size(const char *text, uint64_t *value);

/* target.c */
void target_execute(uint8_t target, uint16_t lun, struct task *t);
void target_report_luns(bool all_targets, uint8_t target, struct task *t);
void lun_attention(struct lun *lun, uint32_t sense);
uint64_t lun_blocks(const struct lun *lun);
void lun_eject(struct lun *lun);
void lun_load(struct lun *lun);

/* For the commands. */
void task_sense(struct lun *lun, struct task *t, uint32_t sense);
void task_sense_info(struct lun *lun, struct task *t, uint32_t sense, uint64_t info);
void task_reply(struct task *t, const void *buf, uint64_t len, uint64_t allocation);
bool task_param(struct task *t, void *buf, uint64_t len);
bool task_ready(struct lun *lun, struct task *t);
void scsi_nothing(struct lun *lun, struct task *t);
void scsi_test_unit_ready(struct lun *lun, struct task *t);
void scsi_request_sense(struct lun *lun, struct task *t);
void scsi_inquiry(struct lun *lun, struct task *t);
void scsi_mode_sense(struct lun *lun, struct task *t);
void scsi_mode_select(struct lun *lun, struct task *t);
void scsi_report_luns(struct lun *lun, struct task *t);
void scsi_report_opcodes(struct lun *lun, struct task *t);
void scsi_report_tmfs(struct lun *lun, struct task *t);
void scsi_prevent_removal(struct lun *lun, struct task *t);
void scsi_start_stop(struct lun *lun, struct task *t);
void disk_read(struct lun *lun, struct task *t);
void disk_read_capacity10(struct lun *lun, struct task *t);
unsigned int mode_page_control(struct lun *lun, bool changeable, uint8_t *buf);

#endif
