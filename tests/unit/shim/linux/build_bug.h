/* SPDX-License-Identifier: GPL-2.0-or-later */
/* static_assert() with the message left out, as in the kernel. */
#ifndef SHIM_LINUX_BUILD_BUG_H
#define SHIM_LINUX_BUILD_BUG_H

#define static_assert(condition)	_Static_assert(condition, #condition)

#endif
