// SPDX-License-Identifier: GPL-2.0-or-later
/* A queue knows its disk, and the disk who has claimed it (5.15). */
#include <linux/blkdev.h>
void *probe(struct request_queue *q);
void *probe(struct request_queue *q)
{
	return q->disk->open_partitions ? NULL : q->disk->part0->bd_holder;
}
