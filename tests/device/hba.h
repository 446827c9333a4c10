/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio-scsi host adapter between rings and targets: requests and task
 * management. It owns all requests in flight.
 */
#ifndef HBA_H
#define HBA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ring.h"

#define VIRTIO_SCSI_F_INOUT	0
#define VIRTIO_SCSI_F_HOTPLUG	1
#define VIRTIO_SCSI_F_CHANGE	2
#define VIRTIO_SCSI_F_T10_PI	3

/* The life of a driver: SET_FEATURES first, then rings, then stop. */
void hba_new_driver(uint64_t features);
struct ring *hba_ring(unsigned int index);
void hba_kick(struct ring *r);
void hba_cancel(struct ring *r);
void hba_drop(struct ring *r);
bool hba_idle(void);

/* Requests that wait. */
void hba_run(void);
int hba_poll_ms(void);
void hba_set_delay_ms(uint64_t delay_ms);
void hba_stop(bool stop);
void hba_ignore_requests(bool ignore);

bool hba_has_feature(unsigned int bit);

void hba_stats_print(FILE *out);

#endif
