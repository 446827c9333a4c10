// SPDX-License-Identifier: GPL-2.0-or-later
/* kzalloc_obj() and its relatives take the object, not its size, and GFP_KERNEL by default (7.0). */
#include <linux/slab.h>
int *probe(void);
int *probe(void)
{
	return kzalloc_objs(int, 2);
}
