// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The version of the module and of its packages; nowhere else is it written.
 * Within a kernel tree the driver has the version of the kernel.
 */
#include <linux/module.h>

MODULE_VERSION("1.0");
