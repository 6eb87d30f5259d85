/*
 * start/console_vt.h - what the kernel and systemd-logind say of a text console.
 *
 * The test build has another console_vt.c: a test has no console.
 */
#ifndef START_CONSOLE_VT_H
#define START_CONSOLE_VT_H

#include <stdbool.h>

/* The number of the virtual terminal (/dev/ttyN, N from 1 to 63) that fd is; 0: it is none. */
unsigned console_vt(int fd);

/*
 * Are the console's keys those of its terminal, its screen text, and its switching the kernel's?
 * logind changes all three when a program takes control of the log-in (session_prepare_vt).
 */
bool console_vt_is_usual(int fd);

/* The directory of logind's files, one for each log-in. */
const char *console_log_ins(void);

#endif
