/* SPDX-License-Identifier: GPL-2.0-or-later */
/* READ_ONCE(): the one look that the codec takes at shared memory. */
#ifndef SHIM_LINUX_COMPILER_H
#define SHIM_LINUX_COMPILER_H

#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))

#endif
