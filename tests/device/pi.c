// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which parts are checked follows SBC: the protect field says guard and
 * reference; application tag FFFFh (type 3: with reference tag FFFFFFFFh)
 * switches the checks of that block off; type 3 never checks the reference.
 */
#include <stdbool.h>

#include "bytes.h"
#include "pi.h"

#define POLYNOMIAL 0x8bb7	/* CRC-16/T10-DIF */

uint16_t pi_guard(const void *block, size_t len)
{
	static uint16_t table[256];
	const uint8_t *p = block;
	uint16_t crc = 0;

	if (!table[1]) {
		for (unsigned int i = 0; i < 256; i++) {
			uint16_t v = i << 8;

			for (int bit = 0; bit < 8; bit++)
				v = v << 1 ^ (v & 0x8000 ? POLYNOMIAL : 0);
			table[i] = v;
		}
	}
	while (len--)
		crc = crc << 8 ^ table[crc >> 8 ^ *p++];
	return crc;
}

void pi_make(uint8_t tuple[PI_SIZE], const void *block, size_t len, uint32_t ref)
{
	put_be16(tuple, pi_guard(block, len));
	put_be16(tuple + 2, 0);
	put_be32(tuple + 4, ref);
}

enum pi_verdict pi_check(const struct pi_rule *rule, const uint8_t tuple[PI_SIZE],
			 const void *block, size_t len, uint32_t ref)
{
	bool check_guard = rule->protect == 1 || rule->protect == 4 || rule->protect == 5;
	bool check_ref = rule->protect == 1 || rule->protect == 2 || rule->protect == 5;
	uint16_t app = get_be16(tuple + 2);

	if (app == 0xffff && (rule->type != 3 || get_be32(tuple + 4) == 0xffffffff))
		return PI_GOOD;
	if (check_guard && get_be16(tuple) != pi_guard(block, len))
		return PI_BAD_GUARD;
	if (rule->type == 2 && check_ref && (app ^ rule->app) & rule->app_mask)
		return PI_BAD_APP;
	if (rule->type != 3 && check_ref && get_be32(tuple + 4) != ref)
		return PI_BAD_REF;
	return PI_GOOD;
}
