// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading what a LUN answers when it is asked for its limits (SBC-4, SPC-6,
 * SSC-5).
 *
 * Each function takes what came back and how much of it. An answer that is too
 * short, or about something else, is as good as none. Pure, as limits.c is.
 */
#include <linux/kernel.h>
#include <linux/limits.h>

#include "answer.h"
#include "limits.h"

#define PAGE_HEADER_LEN		4
#define PAGE_LIST		0x00
#define PAGE_BLOCK_LIMITS	0xb0

static u32 answer_get(const u8 *buf, u32 nr_bytes)
{
	u32 value = 0;

	while (nr_bytes--)
		value = value << 8 | *buf++;
	return value;
}

/* How much of the buffer is this VPD page, header included; 0 if none of it. */
static u32 answer_page_len(const u8 *buf, u32 len, u8 page)
{
	if (len < PAGE_HEADER_LEN || buf[1] != page)
		return 0;
	return min(len, PAGE_HEADER_LEN + answer_get(buf + 2, 2));
}

/**
 * virtscsi_answer_lists_page() - is a page named in VPD page 00h
 * @buf: what the LUN answered
 * @len: how much it was
 * @page: VPD page
 *
 * Context: any. Pure.
 * Return: true if it is.
 */
bool virtscsi_answer_lists_page(const u8 *buf, u32 len, u8 page)
{
	u32 end = answer_page_len(buf, len, PAGE_LIST);
	u32 at;

	for (at = PAGE_HEADER_LEN; at < end; at++)
		if (buf[at] == page)
			return true;
	return false;
}

/**
 * virtscsi_answer_block_limits() - take in VPD page B0h
 * @answers: gets maximum and optimal transfer length
 * @buf: what the LUN answered
 * @len: how much it was
 *
 * Context: any. Pure.
 */
void virtscsi_answer_block_limits(struct virtscsi_answers *answers,
				  const u8 *buf, u32 len)
{
	u32 end = answer_page_len(buf, len, PAGE_BLOCK_LIMITS);

	if (end >= 12)
		answers->max_blocks = answer_get(buf + 8, 4);
	if (end >= 16)
		answers->opt_blocks = answer_get(buf + 12, 4);
}

/**
 * virtscsi_answer_capacity10() - take in the answer to READ CAPACITY (10)
 * @answers: gets the size of a block
 * @buf: what the LUN answered
 * @len: how much it was
 *
 * Context: any. Pure.
 */
void virtscsi_answer_capacity10(struct virtscsi_answers *answers,
				const u8 *buf, u32 len)
{
	if (len >= 8)
		answers->block_size = answer_get(buf + 4, 4);
}

/**
 * virtscsi_answer_capacity16() - take in the answer to READ CAPACITY (16)
 * @answers: gets the size of a block
 * @buf: what the LUN answered
 * @len: how much it was
 *
 * Context: any. Pure.
 */
void virtscsi_answer_capacity16(struct virtscsi_answers *answers,
				const u8 *buf, u32 len)
{
	if (len >= 12)
		answers->block_size = answer_get(buf + 8, 4);
}

/**
 * virtscsi_answer_tape() - take in the answer to READ BLOCK LIMITS
 * @answers: gets the length of the longest block
 * @buf: what the LUN answered
 * @len: how much it was
 *
 * Context: any. Pure.
 */
void virtscsi_answer_tape(struct virtscsi_answers *answers,
			  const u8 *buf, u32 len)
{
	if (len >= 6)
		answers->max_bytes = answer_get(buf + 1, 3);
}
