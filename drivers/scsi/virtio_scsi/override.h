/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the administrator says of limits when the module is loaded.
 */
#ifndef VIRTSCSI_OVERRIDE_H
#define VIRTSCSI_OVERRIDE_H

#include "limits.h"

/* Limits that can be overridden are the first of enum virtscsi_lun_limit_id. */
#define VIRTSCSI_NR_OVERRIDES	(VIRTSCSI_LUN_SEG_MAX + 1)

/**
 * struct virtscsi_override - one entry of the module parameter
 * @hba: name of an HBA, not terminated; meaningless if @hba_len is 0
 * @hba_len: its length; 0 is all HBAs
 * @has_lun: the entry is about a LUN and not about an HBA
 * @target: target of the LUN
 * @lun: LUN, as the specification counts them
 * @id: which limit
 * @value: its upper bound
 */
struct virtscsi_override {
	const char *hba;
	u32 hba_len;
	bool has_lun;
	u32 target;
	u32 lun;
	enum virtscsi_lun_limit_id id;
	u32 value;
};

const char *virtscsi_override_parse(const char *text,
				    struct virtscsi_override *override);
u32 virtscsi_override_find(const char *text, const char *const names[], u32 nr,
			   const struct virtscsi_override *wanted);
u32 virtscsi_override_last(enum virtscsi_lun_limit_id id);
bool virtscsi_override_is_valid(const struct virtscsi_override *override,
				u32 page_size);

#endif
