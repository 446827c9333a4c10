// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tracepoints of trace.h, made once.
 */
#include <linux/jiffies.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
