/* SPDX-License-Identifier: GPL-2.0-or-later */
/* offsetof(), which the user-space API's header of this name does not have. */
#ifndef SHIM_LINUX_STDDEF_H
#define SHIM_LINUX_STDDEF_H

#include_next <linux/stddef.h>
#include <stddef.h>

#endif
