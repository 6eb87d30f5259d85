/*
 * shim/session.h - getting a session from the broker, with the user's help where
 * there is a terminal.
 */
#ifndef SHIM_SESSION_H
#define SHIM_SESSION_H

#include <stdbool.h>
#include <sys/types.h>
#include "shim/image.h"
#include "wire/limits.h"
#include "wire/policy.h"

struct failure;
struct provider;
struct target;
struct wire_out;

/* Where a session's processes find its ticket, which lets them open sessions inside it. */
#define TICKET_VARIABLE "CCRUN_TICKET"

/* A session that the broker has granted. */
struct opened_session {
	int connection;			/* blocking, close-on-exec; the caller's to close */
	pid_t broker;			/* who granted it: later answers must come from it too */
	char ticket[TICKET_LEN + 1];	/* for sessions inside it; or "" */
	char manager[NAME_MAX_LEN + 1]; /* the password manager that the key stays in
					 * ("pass"), or "": the vault */
	struct image_answer image;	/* what was said of the program; its note is shown */
	bool renewable;			/* its relay may want a key again from such a manager */
	bool background; /* asked for: sessions inside it may outlive it, as background agents do */
};

/*
 * Open a session for p's secrets, and to execute t.  A vault that the user did not lock is unlocked
 * without a person where that can be.  On a terminal a missing vault is made, a
 * locked one unlocked, and a missing key asked for, by ccctl; without a terminal
 * the failure's hint names the command.  Where the key wants a person's yes, that is waited
 * for.  0, or -1 and nothing is open.
 */
int session_open(const struct provider *p, enum delivery d, const struct target *t,
		 struct opened_session *out, struct failure *f);

/*
 * Before the mark: start who fetches this session's keys again when its relay wants them,
 * where some stay in a password manager.
 */
void session_keep_tokens(const struct opened_session *session, const struct provider *p);

/*
 * One request more on the session's connection, which is freed in every case, with
 * descriptor pass beside it (-1: none).  0, or -1 with the broker's failure.
 */
int session_call(const struct opened_session *session, struct wire_out *request, int pass,
		 struct failure *f);

/* The descriptor of a pipe that holds the secret (pipe delivery), or -1. */
int session_pipe(const struct opened_session *session, struct failure *f);

#endif
