/*
 * client/doctor/checkup.h - one run of ccctl doctor: what is known so far, and what was found.
 */
#ifndef CLIENT_DOCTOR_CHECKUP_H
#define CLIENT_DOCTOR_CHECKUP_H

#include <stdbool.h>
#include "base/fail.h"
#include "client/facts/broker_facts.h"
#include "client/facts/kernel_facts.h"

struct client;
struct checkup;

enum check_state { CHECK_OK, CHECK_ADVICE, CHECK_BROKEN };

/* A check looks at one thing and says what it found, once or several times; nothing: it does not
 * apply here. */
typedef void check_run(struct checkup *d);

/* A row of the table in client/doctor/checks.c. */
struct check {
	const char *name; /* for programs: it stays */
	check_run *run;
};

struct finding {
	const struct check *check;
	enum check_state state;
	struct failure said; /* its texts alone */
};

#define FINDINGS_MAX 256

struct checkup {
	struct client *c;
	bool marked;		    /* this process is inside a session */
	struct failure broker_why;  /* code set: what listens there is no broker of ours */
	struct broker_facts broker; /* its state is NULL then */
	struct kernel_facts kernel;
	const struct check *at; /* the one that runs */
	struct finding finding[FINDINGS_MAX];
	unsigned n; /* what is beyond FINDINGS_MAX is left out */
};

/* What a check found; the last two with the mend, which may be NULL. */
void found_ok(struct checkup *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void found_advice(struct checkup *d, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void found_broken(struct checkup *d, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The texts of a failure; hint: where it has none. */
void found_failure(struct checkup *d, enum check_state state, const struct failure *f,
		   const char *hint);

/* Replace the mend of what was found last. */
void found_hint(struct checkup *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same by fail_hint: for a command with words that may be another's choice. */
void found_hint(struct checkup *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Has the check that runs found anything yet? */
bool found_any(const struct checkup *d);

#endif
