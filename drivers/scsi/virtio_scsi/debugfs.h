/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables in debugfs, see debugfs.c.
 */
#ifndef VIRTSCSI_DEBUGFS_H
#define VIRTSCSI_DEBUGFS_H

struct dentry;
struct virtscsi;

struct virtscsi_debugfs {
	struct dentry *dir;	/* or an error pointer */
};

void virtscsi_debugfs_module_init(void);
void virtscsi_debugfs_module_exit(void);
void virtscsi_debugfs_init(struct virtscsi *vscsi);
void virtscsi_debugfs_exit(struct virtscsi *vscsi);

#endif
