/*
 * broker/peer.h - who is at the other end, by SO_PEERCRED, a pidfd and /proc.
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
	bool exact;	/* the kernel said who connected, not only which number it had */
	uint64_t start; /* with pid, one process for ever */
};

/* Take down who connected to fd.  FAIL_PEER when that cannot be told. */
int peer_identify(struct peer *p, int fd, struct failure *f);
void peer_release(struct peer *p);

/* Still the process that connected, and no zombie?  FAIL_PEER otherwise. */
int peer_check_alive(const struct peer *p, struct failure *f);

/* 1 marked, 0 not; -1 with FAIL_PEER when it cannot be read. */
int peer_marked(const struct peer *p, struct failure *f);

/* In the broker's own user and pid namespace?  FAIL_POSTURE otherwise. */
int peer_check_namespaces(const struct peer *p, struct failure *f);

/*
 * Is it fit to be given a secret: alive, marked, undumpable, not traced?  For
 * uid 0 undumpable cannot be seen from outside; strict then refuses.
 * FAIL_POSTURE names what is missing.
 */
int peer_check_hardened(const struct peer *p, bool strict, struct failure *f);

/* The same of a process outside the sessions, whose mark is not looked at. */
int peer_check_private(const struct peer *p, bool strict, struct failure *f);

#endif
