// SPDX-License-Identifier: GPL-2.0-or-later
/* Flags of a request have a type of their own (6.0). */
#include <linux/blk_types.h>
blk_opf_t probe(void);
blk_opf_t probe(void)
{
	return REQ_OP_DRV_IN;
}
