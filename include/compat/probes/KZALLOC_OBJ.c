// SPDX-License-Identifier: GPL-2.0-or-later
/* kzalloc_obj() takes the object and not its size (7.0). */
#include <linux/slab.h>
int *probe(void);
int *probe(void)
{
	return kzalloc_obj(int, GFP_KERNEL);
}
