/*
 * client/common/terminal_readers.h - which other processes have a terminal open, and so
 * could read what is typed there.
 */
#ifndef CLIENT_COMMON_TERMINAL_READERS_H
#define CLIENT_COMMON_TERMINAL_READERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct terminal_reader {
	pid_t pid;
	uint64_t start; /* with pid it names one process */
	bool marked;	/* it descends from a session (base/proc.h) */
	char name[32];
};

/*
 * Find processes that have the terminal fd open, in whatever mode but O_PATH, and have no
 * business there.  Not among them: this process and its ancestors, and what is unmarked and
 * has this as its controlling terminal: the shell, its jobs, an editor that is stopped.
 * Every marked one is, also where it cannot be told which terminal it has as /dev/tty.  A
 * process that cannot be looked into, because it is undumpable or somebody else's, is not
 * seen, nor one that keeps the descriptor elsewhere than in a table of descriptors; for
 * these there is client/common/terminal_watch.h.  Returns how many were put into out, at
 * most max.  *whole: all were looked at; not so when that took over three seconds, or when
 * stop(arg), which is asked now and then, said so.
 */
unsigned terminal_readers_find(int fd, struct terminal_reader *out, unsigned max,
			       bool (*stop)(void *arg), void *arg, bool *whole);

/* Does that process have the terminal fd open?  false when it cannot be told. */
bool terminal_reader_is(int fd, pid_t pid);

#endif
