/*
 * broker/held.h - a session whose process is kept from ending.
 *
 * When a terminal goes, its window closed or its line lost, the client there is sent SIGHUP, and
 * its session ends with it.  A program of the session can stop the client at that moment: the
 * signal waits then for as long as that program likes, and what shows the session's ticket would
 * go on.  So a session by relay whose process stands still without the terminal that it began on
 * is ended as by a person.  One that runs without it (nohup) goes on, and so does one that a
 * person stopped on it.
 */
#ifndef BROKER_HELD_H
#define BROKER_HELD_H

#include <stdint.h>

struct tenant;

#define HELD_MS 10000 /* between two looks of held_check */

/* End the live session of that id, if its process is held now.  NULL, or one that is none of
 * t's by relay: does nothing. */
void held_check_session(struct tenant *t, const char *id);

/* The same for all of them, not more often than every HELD_MS.  now: clock_now_ms(). */
void held_check(struct tenant *t, int64_t now);

#endif
