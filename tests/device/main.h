/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends the device after the event at hand. */
#ifndef MAIN_H
#define MAIN_H

void quit(void);

#endif
