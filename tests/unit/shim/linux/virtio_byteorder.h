/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte order of the device, chosen by a parameter: both are tested on any host. */
#ifndef SHIM_LINUX_VIRTIO_BYTEORDER_H
#define SHIM_LINUX_VIRTIO_BYTEORDER_H

#include <linux/types.h>
#include <linux/virtio_types.h>

static inline bool shim_is_host_order(bool is_le)
{
	return is_le == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
}

static inline u16 __virtio16_to_cpu(bool is_le, __virtio16 value)
{
	return shim_is_host_order(is_le) ? value : __builtin_bswap16(value);
}

static inline __virtio16 __cpu_to_virtio16(bool is_le, u16 value)
{
	return __virtio16_to_cpu(is_le, value);
}

static inline u32 __virtio32_to_cpu(bool is_le, __virtio32 value)
{
	return shim_is_host_order(is_le) ? value : __builtin_bswap32(value);
}

static inline __virtio32 __cpu_to_virtio32(bool is_le, u32 value)
{
	return __virtio32_to_cpu(is_le, value);
}

static inline u64 __virtio64_to_cpu(bool is_le, __virtio64 value)
{
	return shim_is_host_order(is_le) ? value : __builtin_bswap64(value);
}

static inline __virtio64 __cpu_to_virtio64(bool is_le, u64 value)
{
	return __virtio64_to_cpu(is_le, value);
}

#endif
