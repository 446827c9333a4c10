// SPDX-License-Identifier: GPL-2.0-or-later
/* blk_mq_map_hw_queues() asks the bus for the affinity (6.14). */
#include <linux/blk-mq.h>
void probe(struct blk_mq_queue_map *map, struct device *dev);
void probe(struct blk_mq_queue_map *map, struct device *dev)
{
	blk_mq_map_hw_queues(map, dev, 2);
}
