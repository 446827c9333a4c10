/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration space. Any value can be given to any field; what the
 * device itself goes by is config_in_force().
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What SPC-6 has room for, and more than that. */
#define CONFIG_MAX_CDB_SIZE	260
#define CONFIG_MAX_SENSE_SIZE	1024

enum config_field {
	CONFIG_NUM_QUEUES, CONFIG_SEG_MAX, CONFIG_MAX_SECTORS, CONFIG_CMD_PER_LUN,
	CONFIG_EVENT_INFO_SIZE, CONFIG_SENSE_SIZE, CONFIG_CDB_SIZE, CONFIG_MAX_CHANNEL,
	CONFIG_MAX_TARGET, CONFIG_MAX_LUN, CONFIG_NR_FIELDS
};

extern bool config_ignores_writes;

bool config_set(const char *assignment, char *err, size_t err_len);
void config_print(FILE *out);
void config_reset(void);
uint32_t config_in_force(enum config_field field);
void config_read(uint32_t offset, void *buf, uint32_t len);
void config_write(uint32_t offset, const void *buf, uint32_t len);

#endif
