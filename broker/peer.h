/*
 * broker/peer.h - the process at the other end of a connection, by SO_PEERCRED, a
 * pidfd and /proc.  What cannot be read counts as a refusal.
 */
#ifndef BROKER_PEER_H
#define BROKER_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct failure;

struct peer {
	pid_t pid;
	uid_t uid;
	int pidfd;	/* -1 where the kernel has none */
	bool exact;	/* pidfd is of the process that connected (SO_PEERPIDFD); else it
			 * was opened by pid, which may have been reused before */
	uint64_t start; /* start time in clock ticks: with pid it names one process */
	unsigned tty;	/* its controlling terminal when it connected, as proc_stat; 0: none */
	pid_t sid;	/* the session of processes that it was in then */
};

/* How a process stands to the controlling terminal that it had when it connected. */
enum peer_terminal {
	PEER_NO_TERMINAL, /* it had none, has left it by itself (setsid(2)), or that cannot be told */
	PEER_FOREGROUND,
	PEER_BACKGROUND,
	PEER_TERMINAL_GONE,
	PEER_HELD /* gone, and the process stands still: stopped or traced */
};

/* Fill p in with the process that connected to fd.  FAIL_PEER.  peer_release, which
 * also takes a p that failed, closes the pidfd. */
int peer_identify(struct peer *p, int fd, struct failure *f);
void peer_release(struct peer *p);

/* Is it still the process that connected, and no zombie?  FAIL_PEER. */
int peer_check_alive(const struct peer *p, struct failure *f);

/* *marked: is the process inside a session (base/proc.h)?  0, or -1 with FAIL_PEER. */
int peer_read_mark(const struct peer *p, bool *marked, struct failure *f);

/* Is it in the broker's own user and pid namespaces?  FAIL_POSTURE. */
int peer_check_namespaces(const struct peer *p, struct failure *f);

/* How it stands to its terminal now.  What cannot be read decides nothing: PEER_NO_TERMINAL. */
enum peer_terminal peer_see_terminal(const struct peer *p);

/* Does its terminal's end say nothing to it: it ignores SIGHUP (nohup)?  Or that cannot be told. */
bool peer_ignores_hangup(const struct peer *p);

/*
 * May it be given a session's secret: alive, marked, undumpable, not traced?  strict:
 * refuse uid 0, for which undumpable cannot be seen from outside.  FAIL_PEER, or
 * FAIL_POSTURE, whose message names what is missing.
 */
int peer_check_hardened(const struct peer *p, bool strict, struct failure *f);

/* The same without the mark, for a process outside the sessions. */
int peer_check_private(const struct peer *p, bool strict, struct failure *f);

/*
 * Has it confined itself, as ccrun does, as far as the kernel tells (proc_confined)?
 * FAIL_PEER, FAIL_POSTURE.
 */
int peer_check_confined(const struct peer *p, struct failure *f);

#endif
