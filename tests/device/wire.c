// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The eight bytes of a lun field. A LUN below 256 may come in the peripheral
 * (00) or the flat form (40); one from 256 on only in the flat form.
 */
#include <string.h>

#include "bytes.h"
#include "target.h"
#include "violation.h"
#include "wire.h"

void address_parse(struct address *to, const uint8_t lun[8])
{
	uint16_t number = get_be16(lun + 2);
	bool tail = get_be32(lun + 4);

	*to = (struct address) { .kind = TO_NOWHERE };
	if (lun[0] == 0xc1 && lun[1] == 0x01 && !number && !tail) {
		to->kind = TO_REPORT_LUNS;
		return;
	}
	to->target = lun[1];
	if (lun[0] == 1 && !tail && (number < 256 || number >> 14 == 1)) {
		to->kind = TO_LUN;
		to->lun = number & 0x3fff;
	} else if (lun[0] == 1 && !tail && number == LUN_WELL_KNOWN) {
		to->kind = TO_LUN;
		to->lun = LUN_WELL_KNOWN;
	} else {
		violation("bad lun field %016llx", (unsigned long long)get_be64(lun));
	}
}

void address_format(uint8_t lun[8], uint8_t target, uint16_t number)
{
	memset(lun, 0, 8);
	lun[0] = 1;
	lun[1] = target;
	put_be16(lun + 2, number < 256 ? number : 0x4000 | number);
}

bool address_same_lun(const struct address *a, const struct address *b)
{
	return a->kind == b->kind && a->target == b->target && a->lun == b->lun;
}
