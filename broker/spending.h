/*
 * broker/spending.h - what a tenant's entries were used for, and whether the next request
 * may go out: the limit that is sealed with an entry, enforced.
 *
 * A request is *reserved* before it goes out, by an estimate, and *settled* when its answer
 * ended, by the numbers that the provider gave.  What is reserved counts as used, so that
 * requests at the same time cannot pass the limit together.  What never gets settled (the
 * session or the broker ended) is counted by its estimate, or by what had passed of the answer.
 *
 * How far over a limit use can go: by what an answer takes more than its estimate, once
 * for every request that was under way when the limit was reached.
 *
 * All of it is kept in a file beside the vault (broker/spending_file.h).  No secret and
 * nothing of a conversation is in it.
 */
#ifndef BROKER_SPENDING_H
#define BROKER_SPENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/tokens.h"

struct book;
struct failure;
struct limit;
struct limit_time;
struct price_list;
struct spending_refusal;
struct spent;
struct tenant;

#define SPENDING_RESERVATIONS 1024 /* of one tenant at once */

/* One request that was answered, or ended otherwise.  Texts may be "" or NULL. */
struct use {
	const char *entry;    /* the first one of its session */
	const char *provider; /* these four are for `ccctl spent` alone */
	const char *model;    /* not trusted: what is no printable ASCII becomes '?' */
	const char *project;
	const char *session;
	uint64_t tokens[TOKEN_KINDS]; /* where not known: 0 or a lower bound */
	bool known[TOKEN_KINDS];
	bool has_cost;	      /* the provider said what it cost */
	uint64_t cost_micros; /* micro-dollars */
	bool surcharged;      /* it costs more than its tokens do */
	unsigned status;      /* HTTP's; 0: no answer came */
	bool complete;	      /* the numbers are whole */
	bool billed;	      /* providers bill it, and it was sent */
	uint64_t request_bytes, answer_bytes;
};

/* Has the entry a limit?  True, too, when that cannot be told (locked, no such entry). */
bool spending_limited(const struct tenant *t, const char *entry);

/*
 * May a request of so many body bytes (0: not known) go out?  0: it is reserved under
 * (session, id), in the file before this returns.  -1: it must not go out, and *out says
 * why: over the limit, or it cannot be told (locked; the file cannot be written).  An
 * entry without a limit is reserved too, and never refused for what it used.
 */
int spending_reserve(struct tenant *t, const char *entry, const char *session, uint64_t id,
		     uint64_t body_bytes, const char *model, struct spending_refusal *out);

/*
 * The request (u->session, id) ended; id need not have been reserved.  Its reservation
 * ends, and what it used is counted: the numbers where they are complete; of an answer
 * that was billed and is not complete (cut off, or none came), the larger of numbers and
 * estimate; of one that is not billed, or not 2xx, that there was a request.  *counted:
 * that (NULL: not wanted).  -1: counted in memory, but the file could not be written, or
 * there is no memory.
 */
int spending_settle(struct tenant *t, const struct use *u, uint64_t id, struct spent *counted,
		    struct failure *f);

/*
 * Of the request (session, id), which is under way, so many bytes of the answer are about to
 * have passed, and its answer may have so many tokens (0: not known).  Counted if it never
 * gets settled; in the file before this returns, as far as that can be written.
 */
void spending_pass(struct tenant *t, const char *session, uint64_t id, uint64_t answer_bytes,
		   uint64_t tokens);

/*
 * The session or its relay ended: what it still has reserved was sent and may have been
 * billed, so it is counted by its estimate, or by what passed.  counted: told of each; NULL:
 * nobody asks.
 */
void spending_release_session(struct tenant *t, const char *session,
			      void (*counted)(void *arg, const struct spent *sum), void *arg);

/* The prices of an entry's models from now on: those that an unmarked `open` brought. */
void spending_set_prices(struct tenant *t, const char *entry, const struct price_list *prices);

/* An entry got another name: its counters go with it. */
void spending_rename(struct tenant *t, const char *from, const char *to);

/* The state, read from its file if need be, for what shows it.  NULL with f set. */
struct book *spending_book(struct tenant *t, struct failure *f);

/* The time that limits are counted by.  A clock that was set is noted in the audit log. */
struct limit_time spending_now(struct tenant *t);

/* What is sealed with an entry.  FAIL_LOCKED, FAIL_NO_ENTRY, FAIL_BAD_VALUE. */
int spending_limit_of(const struct tenant *t, const char *entry, struct limit *out,
		      struct failure *f);

/* Sync what is due at now (clock_now_ms()).  Cheap. */
void spending_sync(struct tenant *t, int64_t now);

/* Write what is pending and free all.  Safe when nothing was used. */
void spending_close(struct tenant *t);

#endif
