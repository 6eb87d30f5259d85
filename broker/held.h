/*
 * broker/held.h - a session whose process is kept from ending.
 *
 * When a terminal goes, its window closed or its line lost, the client there is sent SIGHUP, and
 * its session ends with it.  A program of the session can keep the client from that: it stops it
 * at that moment, so that the signal waits, or puts a FIFO where the client saves something, and
 * it waits in open(2).  What shows the session's ticket would go on for as long as that program
 * likes.  So a session by relay is ended as by a person when the terminal that its process began
 * on is gone, and the process
 *  - stands still, or
 *  - has not ended HELD_MS after that was first seen, however it waits.
 * The second holds for a process that the terminal's end is told: it was seen in the foreground,
 * and does not ignore SIGHUP.  One that was begun in the background, by nohup or with a session
 * of processes of its own (setsid) goes on without its terminal, and one that a person stopped
 * on it with it.
 */
#ifndef BROKER_HELD_H
#define BROKER_HELD_H

#include <stdbool.h>
#include <stdint.h>

struct relay;
struct tenant;

#define HELD_MS 10000 /* between two looks of held_check, and to save in and end */

/* What is known of a session's process and its terminal. */
struct held {
	bool spared;	 /* it ignored SIGHUP when the session began */
	bool foreground; /* it was seen in its terminal's foreground */
	int64_t until;	 /* clock_now_ms(): it is to have ended; 0: its terminal was not missed */
};

/* A session by relay begins, whose process is known. */
void held_begin(struct relay *r);

/* End the live session of that id, if its process is held now.  NULL, or one that is none of
 * t's by relay: does nothing. */
void held_check_session(struct tenant *t, const char *id);

/* The same for all of them, not more often than every HELD_MS.  now: clock_now_ms(). */
void held_check(struct tenant *t, int64_t now);

#endif
