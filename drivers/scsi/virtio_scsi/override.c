// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The grammar of the module parameter "limits":
 *
 *	limits  := entry [ "," entry ]...
 *	entry   := [ HBA "/" ] [ TARGET ":" LUN "/" ] NAME "=" VALUE
 *
 * HBA is a device name, NAME one of max_sectors and seg_max, numbers are
 * decimal. Without HBA the entry is for all of them, without TARGET:LUN for the
 * HBA itself. Of entries about the same thing the last one counts.
 *
 * The text stays what it is and is read whenever an HBA or a LUN appears; there
 * is nothing to be kept or freed. Pure, as limits.c is.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "override.h"

#define TARGET_LAST	255

/* As the kernel shows them, LUNs from 256 on have the flat format's prefix. */
#define LUN_LAST	0x7fff
#define LUN_MASK	0x3fff

/* sg and SG_IO compute byte counts in an int. */
#define MAX_SECTORS_LAST	(INT_MAX >> 9)
#define SEG_MAX_LAST	U16_MAX

/* A decimal number; returns what follows it, or NULL if there is none. */
static const char *override_number(const char *text, const char *end,
				   u32 *value)
{
	const char *at = text;
	u64 number = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + *at - '0';
		if (number > U32_MAX)
			return NULL;
	}
	*value = number;
	return at > text ? at : NULL;
}

static bool override_address(const char *text, const char *end,
			     struct virtscsi_override *override)
{
	const char *at = override_number(text, end, &override->target);

	if (!at || at == end || *at != ':')
		return false;
	at = override_number(at + 1, end, &override->lun);
	if (at != end || override->target > TARGET_LAST ||
	    override->lun > LUN_LAST)
		return false;
	override->lun &= LUN_MASK;
	override->has_lun = true;
	return true;
}

static bool override_assignment(const char *text, const char *end,
				struct virtscsi_override *override)
{
	unsigned int id;

	for (id = 0; id < VIRTSCSI_NR_OVERRIDES; id++) {
		const char *name = virtscsi_limits_lun_name(id);
		size_t len = strlen(name);

		if ((size_t)(end - text) <= len || strncmp(text, name, len) ||
		    text[len] != '=')
			continue;
		override->id = id;
		return override_number(text + len + 1, end,
				       &override->value) == end;
	}
	return false;
}

static const char *override_slash(const char *text, const char *end)
{
	while (text < end && *text != '/')
		text++;
	return text < end ? text : NULL;
}

/**
 * virtscsi_override_parse() - read one entry
 * @text: entries, to the end of the string or of the line
 * @override: becomes the first of them
 *
 * Context: any. Pure.
 * Return: where the next entry begins, or the end; NULL if this is no entry.
 */
const char *virtscsi_override_parse(const char *text,
				    struct virtscsi_override *override)
{
	const char *end = text + strcspn(text, ",\n");
	const char *slash = override_slash(text, end);

	*override = (struct virtscsi_override){};
	if (slash && !override_address(text, slash, override)) {
		*override = (struct virtscsi_override){
			.hba = text,
			.hba_len = slash - text,
		};
		if (!override->hba_len)
			return NULL;
		text = slash + 1;
		slash = override_slash(text, end);
		if (slash && !override_address(text, slash, override))
			return NULL;
	}
	if (slash)
		text = slash + 1;
	if (!override_assignment(text, end, override))
		return NULL;
	return *end == ',' ? end + 1 : end;
}

static bool override_is_for(const struct virtscsi_override *override,
			    const char *const names[], u32 nr,
			    const struct virtscsi_override *wanted)
{
	u32 i;

	if (override->id != wanted->id || override->has_lun != wanted->has_lun)
		return false;
	if (wanted->has_lun && (override->target != wanted->target ||
				override->lun != wanted->lun))
		return false;
	for (i = 0; override->hba_len && i < nr; i++)
		if (strlen(names[i]) == override->hba_len &&
		    !strncmp(names[i], override->hba, override->hba_len))
			return true;
	return !override->hba_len;
}

/**
 * virtscsi_override_find() - the override for an HBA or a LUN
 * @text: entries
 * @names: the names of the HBA
 * @nr: how many names it has
 * @wanted: which limit, and of which LUN
 *
 * Context: any. Pure.
 * Return: its value, or 0 if there is none.
 */
u32 virtscsi_override_find(const char *text, const char *const names[], u32 nr,
			   const struct virtscsi_override *wanted)
{
	struct virtscsi_override override;
	u32 value = 0;

	while (text && *text && *text != '\n') {
		text = virtscsi_override_parse(text, &override);
		if (text && override_is_for(&override, names, nr, wanted))
			value = override.value;
	}
	return value;
}

/**
 * virtscsi_override_last() - the largest value that a limit can have
 * @id: which
 *
 * Context: any. Pure.
 * Return: the value.
 */
u32 virtscsi_override_last(enum virtscsi_lun_limit_id id)
{
	return id == VIRTSCSI_LUN_MAX_SECTORS ? MAX_SECTORS_LAST : SEG_MAX_LAST;
}

/**
 * virtscsi_override_is_valid() - is the value one that a limit can have
 * @override: from virtscsi_override_parse()
 * @page_size: bytes; less than that no block device can do with
 *
 * Context: any. Pure.
 * Return: true if it is.
 */
bool virtscsi_override_is_valid(const struct virtscsi_override *override,
				u32 page_size)
{
	u32 first = override->id == VIRTSCSI_LUN_MAX_SECTORS ? page_size >> 9 : 1;

	return override->value >= first &&
	       override->value <= virtscsi_override_last(override->id);
}
