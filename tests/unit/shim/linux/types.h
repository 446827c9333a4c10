/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's short integer names, on top of the user-space API's types. */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define __packed	__attribute__((packed))
#define __aligned(x)	__attribute__((aligned(x)))

#endif
