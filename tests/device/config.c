// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * struct virtio_scsi_config as a table of fields. The driver may write two of
 * them; both go back to the device's own value with each new driver.
 */
#include <errno.h>
#include <stdlib.h>

#include "bytes.h"
#include "config.h"
#include "loop.h"
#include "mutate.h"
#include "violation.h"

#define CONFIG_SIZE 36

static struct {
	const char *name;
	uint8_t offset, size;
	uint32_t device, now;	/* the device's value; the one in force */
} fields[] = {
	[CONFIG_NUM_QUEUES]	= { "num_queues", 0, 4, 4, 4 },
	[CONFIG_SEG_MAX]	= { "seg_max", 4, 4, 126, 126 },
	[CONFIG_MAX_SECTORS]	= { "max_sectors", 8, 4, 65535, 65535 },
	[CONFIG_CMD_PER_LUN]	= { "cmd_per_lun", 12, 4, 128, 128 },
	[CONFIG_EVENT_INFO_SIZE] = { "event_info_size", 16, 4, 16, 16 },
	[CONFIG_SENSE_SIZE]	= { "sense_size", 20, 4, 96, 96 },
	[CONFIG_CDB_SIZE]	= { "cdb_size", 24, 4, 32, 32 },
	[CONFIG_MAX_CHANNEL]	= { "max_channel", 28, 2, 0, 0 },
	[CONFIG_MAX_TARGET]	= { "max_target", 30, 2, 255, 255 },
	[CONFIG_MAX_LUN]	= { "max_lun", 32, 4, 16383, 16383 },
};

bool config_ignores_writes;

/* FIELD=VALUE */
bool config_set(const char *assignment, char *err, size_t err_len)
{
	const char *eq = strchr(assignment, '=');
	unsigned long long value;
	char *end;

	for (unsigned int i = 0; eq && i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].name) != (size_t)(eq - assignment) ||
		    strncmp(fields[i].name, assignment, eq - assignment))
			continue;
		errno = 0;
		value = strtoull(eq + 1, &end, 0);
		if (errno || end == eq + 1 || *end || value >> 8 * fields[i].size) {
			snprintf(err, err_len, "%s takes a number of %u bits", fields[i].name,
				 8 * fields[i].size);
			return false;
		}
		fields[i].device = fields[i].now = value;
		return true;
	}
	snprintf(err, err_len, "no configuration field in '%s'", assignment);
	return false;
}

void config_print(FILE *out)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
		fprintf(out, "%s\"%s\":%u", i ? "," : "{", fields[i].name, fields[i].now);
	fputc('}', out);
}

void config_reset(void)
{
	fields[CONFIG_SENSE_SIZE].now = fields[CONFIG_SENSE_SIZE].device;
	fields[CONFIG_CDB_SIZE].now = fields[CONFIG_CDB_SIZE].device;
}

/* A size that cannot be meant stands there for show: the specification's default is used. */
static uint32_t size_in_force(uint32_t value, uint32_t max, uint32_t otherwise)
{
	return value && value <= max ? value : otherwise;
}

uint32_t config_in_force(enum config_field field)
{
	uint32_t value = fields[field].now;

	if (field == CONFIG_SENSE_SIZE)
		return size_in_force(value, CONFIG_MAX_SENSE_SIZE, 96);
	if (field == CONFIG_CDB_SIZE)
		return size_in_force(value, CONFIG_MAX_CDB_SIZE, 32);
	return value;
}

static void format(uint8_t space[CONFIG_SIZE])
{
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].size == 4)
			put_le32(space + fields[i].offset, fields[i].now);
		else
			put_le16(space + fields[i].offset, fields[i].now);
}

/* Is the field that ends there another one? A front end may read from the beginning up to it. */
static bool field_differs(uint32_t end, const uint8_t *a, const uint8_t *b)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].offset + fields[i].size == end)
			return memcmp(a + fields[i].offset, b + fields[i].offset, fields[i].size);
	return false;
}

/* Behind its end the space reads as zeros. */
void config_read(uint32_t offset, void *buf, uint32_t len)
{
	uint8_t space[CONFIG_SIZE], truth[CONFIG_SIZE];

	format(truth);
	memcpy(space, truth, sizeof(space));
	if (mutate_config(space, CONFIG_SIZE)) {
		/* All but the two on whose sizes both sides must agree. */
		put_le32(space + fields[CONFIG_SENSE_SIZE].offset, fields[CONFIG_SENSE_SIZE].now);
		put_le32(space + fields[CONFIG_CDB_SIZE].offset, fields[CONFIG_CDB_SIZE].now);
		if (field_differs(offset + len, space, truth))
			mutate_config_seen();
	}
	memset(buf, 0, len);
	if (offset < CONFIG_SIZE)
		memcpy(buf, space + offset, min_u64(len, CONFIG_SIZE - offset));
}

void config_write(uint32_t offset, const void *buf, uint32_t len)
{
	uint8_t before[CONFIG_SIZE], after[CONFIG_SIZE];
	uint32_t sense_size, cdb_size;

	format(before);
	memcpy(after, before, sizeof(after));
	if (offset >= CONFIG_SIZE || len > CONFIG_SIZE - offset) {
		violation("configuration write of %u bytes at %u", len, offset);
		return;
	}
	memcpy(after + offset, buf, len);
	if (offset < fields[CONFIG_SENSE_SIZE].offset ||
	    offset + len > fields[CONFIG_MAX_CHANNEL].offset)
		violation("configuration write to a read-only field: %u bytes at %u", len, offset);
	if (config_ignores_writes)
		return;
	sense_size = get_le32(after + fields[CONFIG_SENSE_SIZE].offset);
	cdb_size = get_le32(after + fields[CONFIG_CDB_SIZE].offset);
	if (sense_size > CONFIG_MAX_SENSE_SIZE || cdb_size > CONFIG_MAX_CDB_SIZE) {
		say("configuration write refused: sense_size %u cdb_size %u", sense_size, cdb_size);
		return;
	}
	fields[CONFIG_SENSE_SIZE].now = sense_size;
	fields[CONFIG_CDB_SIZE].now = cdb_size;
}
