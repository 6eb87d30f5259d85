/*
 * base/progress.h - a word to a person who waits for more than a second.
 *
 * A line on standard error, if that is a terminal.  A thread of its own writes it: a signal
 * would put the registers of what goes on, maybe parts of a key, into memory that nobody wipes.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>

struct progress {
	char line[128];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool runs, ended;
};

/* "PROGRAM: WHAT ..." in a second, unless progress_end comes first.  Where no thread can be
 * had nothing is said.  In between the caller must not fork. */
void progress_begin(struct progress *p, const char *program, const char *what);
void progress_end(struct progress *p);

#endif
