/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's names for the ends of its integer types. */
#ifndef SHIM_LINUX_LIMITS_H
#define SHIM_LINUX_LIMITS_H

#include_next <linux/limits.h>

#define U8_MAX		0xff
#define S16_MAX		0x7fff
#define U16_MAX		0xffff
#define U32_MAX		0xffffffffU
#define U64_MAX		0xffffffffffffffffULL
#ifndef INT_MAX
#define INT_MAX		__INT_MAX__
#endif

#endif
