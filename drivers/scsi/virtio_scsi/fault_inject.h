/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults on demand, see fault_inject.c, where the kernel can do that.
 */
#ifndef VIRTSCSI_FAULT_INJECT_H
#define VIRTSCSI_FAULT_INJECT_H

#include "virtscsi.h"

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
bool virtscsi_fault_take(struct virtscsi *vscsi, struct virtscsi_vq *vq,
			 void *buf);
void virtscsi_fault_lose(struct virtscsi *vscsi, struct virtscsi_vq *vq,
			 bool is_gone);
void virtscsi_fault_add(struct virtscsi *vscsi, struct dentry *dir);
void virtscsi_fault_remove(struct virtscsi *vscsi);
#else
static inline bool virtscsi_fault_take(struct virtscsi *vscsi,
				       struct virtscsi_vq *vq, void *buf)
{
	return false;
}

static inline void virtscsi_fault_lose(struct virtscsi *vscsi,
				       struct virtscsi_vq *vq, bool is_gone)
{
}

static inline void virtscsi_fault_add(struct virtscsi *vscsi,
				      struct dentry *dir)
{
}

static inline void virtscsi_fault_remove(struct virtscsi *vscsi)
{
}
#endif

#endif
