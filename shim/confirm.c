/*
 * shim/confirm.c - waiting for a person's yes to this launch.
 *
 * The broker ends the wait, by its own clock.  It is asked again and again meanwhile: a yes
 * may come from another window, while the question stands here.
 */
#include "shim/confirm.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "dial/dial.h"
#include "shim/ccctl.h"
#include "start/terminal.h"
#include "wire/limits.h"

#define POLL_NS (200 * 1000 * 1000l)

/* No answer carries a secret: ordinary memory. */
static char reply[WIRE_PACKET_MAX];

struct confirmation {
	char state[16], id[16];
	uint64_t left;
};

static int confirmation_read(struct dial *d, struct confirmation *c, struct failure *f)
{
	if (dial_call(d, wire_request("confirm-wait"), NULL, f) != 0 ||
	    wire_get_text(d->in.top, "state", c->state, sizeof(c->state), f) != 0 ||
	    wire_get_text(d->in.top, "id", c->id, sizeof(c->id), f) != 0)
		return -1;
	return wire_get_uint(d->in.top, "left", &c->left, f);
}

/* 0 for a yes; else -1, and f says what came in its place. */
static int confirmation_end(const struct confirmation *c, struct failure *f)
{
	if (strcmp(c->state, "confirmed") == 0)
		return 0;
	if (strcmp(c->state, "denied") == 0)
		return fail_set(f, FAIL_DECLINED, NULL,
				"this launch was refused: no yes was given");
	if (strcmp(c->state, "late") == 0)
		return fail_set(f, FAIL_TIMEOUT, "ccctl confirm, in any window, while it waits",
				"nobody said yes to this launch within 60 seconds");
	return fail_set(f, FAIL_LOCKED, "ccctl unlock, then start it again",
			"the vault was locked while this launch waited for a yes");
}

/* The person gave no yes where it was asked for. */
static int confirmation_withdraw(struct dial *d, const struct confirmation *c, struct failure *f)
{
	struct wire_out *o = wire_request("confirm-deny");
	struct failure late; /* then it does not wait any more */

	wire_put_str(o, "id", c->id);
	(void)dial_call(d, o, NULL, &late);
	return fail_set(f, FAIL_DECLINED, NULL, "no yes was given, so nothing was started");
}

/* Until there is an answer.  asking: the ccctl that asks for it here, or -1. */
static int confirmation_poll(struct dial *d, struct confirmation *c, pid_t asking,
			     struct failure *f)
{
	static const struct timespec pause = { .tv_nsec = POLL_NS };
	bool asks = asking > 0;
	int r, status;

	for (;;) {
		/* Looked at first: its yes is there before it ends. */
		if (asks && waitpid(asking, &status, WNOHANG) == asking)
			asks = false;
		r = confirmation_read(d, c, f);
		if (r != 0 || strcmp(c->state, "waits") != 0)
			break;
		if (asking > 0 && !asks)
			return confirmation_withdraw(d, c, f);
		nanosleep(&pause, NULL);
	}
	if (asks) {
		kill(asking, SIGTERM);
		spawn_wait(asking, &status);
	}
	return r == 0 ? confirmation_end(c, f) : -1;
}

int confirm_wait(struct failure *f)
{
	struct confirmation c;
	pid_t asking = -1;
	struct dial d;
	int r = -1;

	if (dial_open(&d, false, reply, sizeof(reply), f) != 0 || confirmation_read(&d, &c, f) != 0)
		goto out;
	if (!proc_self_marked() && terminal_available()) {
		asking = ccctl_confirm(c.id, f);
		if (asking < 0)
			fail_print("ccrun", f);
	}
	if (asking < 0)
		fprintf(stderr, "ccrun: waiting for your yes: ccctl confirm (%llu s)\n",
			(unsigned long long)c.left);
	r = confirmation_poll(&d, &c, asking, f);
out:
	dial_close(&d);
	return r;
}
