/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few helpers of <linux/kernel.h> that the pure files use. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/limits.h>
#include <linux/types.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))

#define min(a, b)						\
({								\
	__auto_type min_a = (a);				\
	__auto_type min_b = (b);				\
	min_a < min_b ? min_a : min_b;				\
})

#define max(a, b)						\
({								\
	__auto_type max_a = (a);				\
	__auto_type max_b = (b);				\
	max_a > max_b ? max_a : max_b;				\
})

#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))

#endif
