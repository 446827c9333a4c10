/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memset() and its like come from the C library. */
#ifndef SHIM_LINUX_STRING_H
#define SHIM_LINUX_STRING_H

#include <string.h>

#endif
