// SPDX-License-Identifier: GPL-2.0-or-later
/* blk_mq_freeze_queue() returns what blk_mq_unfreeze_queue() takes (6.14). */
#include <linux/blk-mq.h>
void probe(struct request_queue *q);
void probe(struct request_queue *q)
{
	blk_mq_unfreeze_queue(q, blk_mq_freeze_queue(q));
}
