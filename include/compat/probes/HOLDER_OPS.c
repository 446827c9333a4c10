// SPDX-License-Identifier: GPL-2.0-or-later
/* Whoever claims a block device may have operations as its holder (6.5). */
#include <linux/blkdev.h>
const void *probe(struct block_device *bdev);
const void *probe(struct block_device *bdev)
{
	return bdev->bd_holder_ops;
}
