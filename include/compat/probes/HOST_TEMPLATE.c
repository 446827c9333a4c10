// SPDX-License-Identifier: GPL-2.0-or-later
/* The host template has attribute groups and a map_queues() that cannot fail (6.0). */
#include <scsi/scsi_host.h>
void probe(struct Scsi_Host *shost, void (*map)(struct Scsi_Host *s));
void probe(struct Scsi_Host *shost, void (*map)(struct Scsi_Host *s))
{
	static const struct attribute_group *groups[1];
	struct scsi_host_template sht = {
		.shost_groups = groups,
		.map_queues = map,
	};

	scsi_host_alloc(&sht, 0);
}
