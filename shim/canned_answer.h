/*
 * shim/canned_answer.h - a server that gives every question of the Messages API the same
 * answer, for trying a client.
 */
#ifndef SHIM_CANNED_ANSWER_H
#define SHIM_CANNED_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pollfd;

#define CANNED_WORD "ccrun-relay-works" /* what the model says */
#define CANNED_CLIENTS 8
#define CANNED_FDS (1 + CANNED_CLIENTS)
#define CANNED_HEAD_MAX 16384

struct canned_client {
	int fd;	   /* -1: free */
	pid_t pid; /* who connected */
	char head[CANNED_HEAD_MAX + 1];
	size_t n;
	uint64_t body; /* bytes of it that are still to come */
	bool in_body;
	bool question; /* of the Messages API */
};

struct canned {
	int listener;
	pid_t client_pid; /* who is to be answered */
	pid_t child;	  /* another process that had a question, and got no answer; or 0 */
	struct canned_client client[CANNED_CLIENTS];
};

/* Serve process pid at a listening, non-blocking socket, which stays the caller's.  A relay would
 * answer no other process either. */
void canned_begin(struct canned *s, int listener, pid_t pid);

/* Fill fds (CANNED_FDS) with what to wait for; returns how many.  Then canned_serve takes those. */
unsigned canned_poll(const struct canned *s, struct pollfd *fds);
void canned_serve(struct canned *s, const struct pollfd *fds);

/* Close the connections. */
void canned_end(struct canned *s);

#endif
