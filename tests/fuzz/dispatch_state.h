/*
 * tests/fuzz/dispatch_state.h - the world of an input of fuzz_dispatch.c: the broker, and those
 * that it sees.  It is of one process and one thread.  Who changes it after an input has begun:
 *
 *	process[], client[]	the steps; what the kernel says of a process is read from them
 *	relay[]			one begins where the broker starts it, as the kernel would, and
 *				ends by a step, or where the broker hangs up
 *	claim_ends		a step; closed once what came back is heard, before the next
 *	now_ms, wall_s		the steps
 *
 * A descriptor that is not open is -1.  The input itself, and what the broker has told, are in
 * dispatch_request.h.
 */
#ifndef CCRUN_TESTS_FUZZ_DISPATCH_STATE_H
#define CCRUN_TESTS_FUZZ_DISPATCH_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "broker/broker.h"

#define CLIENTS 6
#define PROCESSES 4
#define RELAYS 8
#define FIRST_PID 5000001 /* above all that the kernel gives */

static struct broker b;

static struct process {
	bool marked, dumpable, unconfined, elsewhere, reused, traced, dead;
	int life; /* a descriptor that is ready once it has ended */
} process[PROCESSES];

static struct client {
	int fd;
	unsigned process;
	bool deaf;
	bool awaits; /* it sent a usage-next, which may be answered at any time */
	char op[32]; /* of its last request */
} client[CLIENTS];

static struct {
	int fd;
	bool sees; /* what process it is of */
	unsigned process;
} relay[RELAYS];

/* The pair that the last fixed message was sent with, whose other end is the broker's; -1: none. */
static int claim_ends[2] = { -1, -1 };
static const struct client *claimant;

static unsigned connecting, sending;	  /* the process that does */
static unsigned steps;			  /* that the input may still take */
static int64_t now_ms, wall_s;		  /* what the clocks say */
static int sealed_file, session_listener; /* what clients pass */
static struct sockaddr_un listener_address;
static size_t arena_empty; /* what is in use of it between inputs */

#endif
