/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * T10 protection information: the eight bytes that go with a block (guard,
 * application tag, reference tag), made and checked.
 */
#ifndef PI_H
#define PI_H

#include <stddef.h>
#include <stdint.h>

#define PI_SIZE 8

enum pi_verdict { PI_GOOD, PI_BAD_GUARD, PI_BAD_APP, PI_BAD_REF };

/* What a command says about the check of its blocks. */
struct pi_rule {
	unsigned int type;	/* 1..3 */
	unsigned int protect;	/* the WRPROTECT or RDPROTECT field */
	uint16_t app, app_mask;	/* type 2 */
};

uint16_t pi_guard(const void *block, size_t len);
void pi_make(uint8_t tuple[PI_SIZE], const void *block, size_t len, uint32_t ref);
enum pi_verdict pi_check(const struct pi_rule *rule, const uint8_t tuple[PI_SIZE],
			 const void *block, size_t len, uint32_t ref);

#endif
