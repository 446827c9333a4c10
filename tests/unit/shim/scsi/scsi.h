/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host bytes of the SCSI midlayer, numbered as there, and where they are in a result. */
#ifndef SHIM_SCSI_H
#define SHIM_SCSI_H

#define DID_OK			0x00
#define DID_NO_CONNECT		0x01
#define DID_BUS_BUSY		0x02
#define DID_TIME_OUT		0x03
#define DID_BAD_TARGET		0x04
#define DID_ABORT		0x05
#define DID_PARITY		0x06
#define DID_ERROR		0x07
#define DID_RESET		0x08
#define DID_BAD_INTR		0x09
#define DID_PASSTHROUGH		0x0a
#define DID_SOFT_ERROR		0x0b
#define DID_IMM_RETRY		0x0c
#define DID_REQUEUE		0x0d
#define DID_TRANSPORT_DISRUPTED	0x0e
#define DID_TRANSPORT_FAILFAST	0x0f
#define DID_TRANSPORT_MARGINAL	0x14

#define host_byte(result)	((result) >> 16 & 0xff)

#endif
