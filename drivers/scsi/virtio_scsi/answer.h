/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading what a LUN answers when it is asked for its limits.
 */
#ifndef VIRTSCSI_ANSWER_H
#define VIRTSCSI_ANSWER_H

#include <linux/types.h>

struct virtscsi_answers;

bool virtscsi_answer_lists_page(const u8 *buf, u32 len, u8 page);
void virtscsi_answer_block_limits(struct virtscsi_answers *answers,
				  const u8 *buf, u32 len);
void virtscsi_answer_capacity10(struct virtscsi_answers *answers,
				const u8 *buf, u32 len);
void virtscsi_answer_capacity16(struct virtscsi_answers *answers,
				const u8 *buf, u32 len);
void virtscsi_answer_tape(struct virtscsi_answers *answers,
			  const u8 *buf, u32 len);

#endif
