/*
 * helpers/source/keep.c - wait until the broker wants a token, and have it fetched.
 */
#include "helpers/source/keep.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fail.h"
#include "base/proc.h"
#include "dial/dial.h"
#include "start/source.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/pack.h"

#define SESSION_FD 3

static uint8_t answer[WIRE_PACKET_MAX]; /* the broker's; none holds a secret */

static struct wire_out *build_wait(char *const names[])
{
	struct wire_out *o = wire_request("source-wait");

	wire_begin_array(o, "names");
	for (; *names; names++) {
		wire_begin_item(o);
		wire_put_str(o, "name", *names);
	}
	wire_end_array(o);
	return o;
}

static int tell_failure(struct dial *d, const char *name, const struct failure *why,
			struct failure *f)
{
	struct wire_out *o = wire_request("source-fail");

	wire_put_str(o, "name", name);
	wire_put_str(o, "message", why->what);
	wire_put_str(o, "hint", why->hint);
	return dial_call(d, o, NULL, f);
}

/* Fetch what the broker named.  0 or -1: the broker did not hear how it went. */
static int fetch_named(struct dial *d, struct failure *f)
{
	struct failure why = { .code = FAIL_NONE };
	char name[NAME_MAX_LEN + 1];
	const char *names[] = { name, NULL };

	if (wire_get_text(d->in.top, "name", name, sizeof(name), f) != 0)
		return -1;
	/* The program that does it is one of its own, which has hardened itself. */
	return source_fetch(names, false, &why) == 0 ? 0 : tell_failure(d, name, &why, f);
}

/* Over one connection.  1: the session has ended; -1 with f set. */
static int serve_connected(struct dial *d, char *const names[], struct failure *f)
{
	int r;

	do {
		r = dial_call_watching(d, build_wait(names), SESSION_FD, f);
		if (r == 0)
			r = fetch_named(d, f);
	} while (r == 0);
	return r;
}

/* The broker disconnects clients that are late, which happens when the computer slept. */
static bool broker_is_gone(const struct failure *f)
{
	return f->code == FAIL_NO_BROKER || f->code == FAIL_TIMEOUT;
}

static int serve_session(char *const names[], struct failure *f)
{
	struct dial d = { .fd = -1 };
	int r;

	r = dial_open(&d, false, answer, sizeof(answer), f);
	if (r == 0)
		r = dial_hello(&d, f);
	while (r == 0) {
		r = serve_connected(&d, names, f);
		if (r < 0 && broker_is_gone(f))
			r = dial_reopen(&d, SESSION_FD, f);
	}
	dial_close(&d);
	return r > 0 || broker_is_gone(f) ? 0 : -1;
}

/* The environment stays, which may have a password manager's session in it: nobody may
 * read this process. */
static int prepare_process(struct failure *f)
{
	if (proc_self_marked())
		return fail_set(f, FAIL_MARKED, "ccrun starts it, before the session",
				"a process inside a session gets nothing");
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	if (proc_fork_hardened(false) != 0)
		return fail_errno(f, "detach the debugger", "cannot harden this process");
	return 0;
}

int keep_run(char *const names[], struct failure *f)
{
	unsigned i;

	if (!proc_keep_pidfd(SESSION_FD))
		return fail_set(f, FAIL_USAGE, "ccrun runs it", "descriptor %d is no pidfd",
				SESSION_FD);
	for (i = 0; names[i]; i++)
		if (!wire_name_ok(names[i]))
			return fail_set(f, FAIL_USAGE, NULL, "NAME is a name");
	if (i == 0 || i > SESSION_ENTRIES_MAX)
		return fail_set(f, FAIL_USAGE, NULL, "1 to %d names", SESSION_ENTRIES_MAX);
	return prepare_process(f) != 0 ? -1 : serve_session(names, f);
}
