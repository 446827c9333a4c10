// SPDX-License-Identifier: GPL-2.0-or-later
/* kzalloc_obj() and its like take the object, and GFP_KERNEL by default (7.0). */
#include <linux/slab.h>
int *probe(void);
int *probe(void)
{
	return kzalloc_objs(int, 2);
}
