/*
 * broker/confirm.h - launches that wait for a person's yes.
 *
 * An open vault says that a person was here, not that one is: what runs as the user outside
 * every session can start sessions with it.  So an entry whose policy says `confirm` is opened
 * by a process only after a person said yes to this launch.  A yes comes with a person's slot
 * (broker/person.h): whoever runs as the user can type "y" into a terminal of his own.
 *
 * MUST: a yes is for the process that asked (pid and start time), for one `open`, and for all
 * that the person was shown.  What differs is another launch, and is asked about anew.
 */
#ifndef BROKER_CONFIRM_H
#define BROKER_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "broker/session.h"

struct connection;
struct failure;
struct tenant;

#define CONFIRM_LAUNCHES_MAX 16 /* of one tenant, that wait */
#define CONFIRM_WAIT_MS 60000	/* for a yes; no is the answer then */
#define CONFIRM_TAKE_MS 10000	/* from a yes to the `open` that it is for */
#define CONFIRM_TOLD_MS 10000	/* how long after its end a launch can ask what became of it */
#define CONFIRM_ID_LEN 8

enum launch_state { LAUNCH_WAITS, LAUNCH_CONFIRMED, LAUNCH_DENIED, LAUNCH_LATE, LAUNCH_LOCKED };

/* What a person is shown, which is also what the yes is compared with: zeroed first. */
struct launch_facts {
	struct session session; /* as it was asked for, and nothing that was granted */
	char directory[256];	/* the process's own, by the kernel; "" where that cannot be told */
	char program[PROGRAM_SHOWN]; /* what it says that it starts; or "" */
};

struct launch {
	struct launch *next;
	char id[CONFIRM_ID_LEN + 1];
	pid_t pid;
	uint64_t start;
	enum launch_state state;
	bool unsaid;	   /* its end is not in the audit log yet */
	int64_t ends_ms;   /* clock_now_ms(): of the wait; of the yes; of being told */
	uint64_t asked_at; /* seconds since the epoch */
	struct launch_facts facts;
};

/* An entry with `confirm = first` whose first launch since the vault was opened was confirmed. */
struct first_launch {
	struct first_launch *next;
	char entry[NAME_MAX_LEN + 1];
};

/*
 * May this launch be granted?  level: what is wanted for each entry.  c->session has what `open`
 * asked for, and its entries were allowed.  0, with session.confirmed set where
 * a yes was wanted and is there; or -1: FAIL_CONFIRM, and the launch waits; FAIL_LOCKED: kept
 * entries of a locked vault, where no person can be told; FAIL_BUSY, FAIL_NO_MEMORY; FAIL_PEER for a
 * yes that is not to be used by an unverified message.
 */
int confirm_check(struct connection *c, const enum confirm *level, const char *program,
		  struct failure *f);

/* The launch was granted: its yes is used up. */
void confirm_granted(struct connection *c);

/* The launch of this process, whatever became of it; or NULL. */
struct launch *confirm_find_process(const struct tenant *t, pid_t pid, uint64_t start);

/* One that waits, and whose process lives; or NULL with FAIL_NO_ENTRY. */
struct launch *confirm_find(const struct tenant *t, const char *id, struct failure *f);

/* Does it wait, and does its process live? */
bool confirm_waits(const struct launch *l);

/* How many wait. */
unsigned confirm_count(const struct tenant *t);

/* A person's answer. */
void confirm_answer(struct launch *l, bool yes);

/* The vault was locked or opened: every yes is void, and nothing waits any more. */
void confirm_lock(struct tenant *t);

/* An entry changed: what was confirmed of it is void. */
void confirm_forget(struct tenant *t, const char *entry);

/* End what is due at now (clock_now_ms()), and put on record what has ended.  Cheap. */
void confirm_expire(struct tenant *t, int64_t now);

/* Forget all of a tenant that is closed. */
void confirm_free(struct tenant *t);

#endif
