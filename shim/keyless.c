/*
 * shim/keyless.c - before a launch without a key: is there one after all?
 */
#include "shim/keyless.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/proc.h"
#include "config/provider/provider.h"
#include "config/provider/routes.h"
#include "dial/dial.h"
#include "shim/ccctl.h"
#include "start/terminal.h"

#define TRIES_MAX 3 /* once unlocked by itself, once by a person */

static struct wire_out *keyless_request(const struct provider *p)
{
	struct wire_out *o = wire_request("keyless");
	unsigned i;

	wire_put_str(o, "provider", p->name);
	wire_begin_array(o, "entries");
	for (i = 0; i < p->nameds; i++) {
		wire_begin_item(o);
		wire_put_str(o, "name", p->named[i]);
	}
	return o;
}

/* 0: there is none; -1. */
static int keyless_ask(const struct provider *p, struct failure *f)
{
	static char reply[WIRE_PACKET_MAX]; /* no secret */
	bool vault = dial_user_vault();
	struct dial d;
	int r = dial_open(&d, vault, reply, sizeof(reply), f);

	if (r == 0)
		r = dial_call(&d, keyless_request(p), NULL, f);
	else if (f->code == FAIL_NO_BROKER && !vault && !dial_system_down())
		r = 0; /* nobody has a vault of ours */
	dial_close(&d);
	return r;
}

static void keyless_hint(const struct provider *p, struct failure *f)
{
	if (f->code == FAIL_LOCKED)
		fail_hint(f,
			  "ccctl unlock; whether %s has a key shows only then (ccrun --no-key "
			  "%s does not ask)",
			  p->name, p->name);
	else if (f->code == FAIL_POLICY)
		fail_hint(f,
			  "%s says that it needs none: ccctl edit %s takes that out; if you "
			  "mean it: ccrun --no-key %s%s%s",
			  p->users_file, p->name, p->name, p->mode[0] ? ":" : "", p->mode);
}

int keyless_check(const struct provider *p, struct failure *f)
{
	int i;

	if (p->secrets || !provider_keyless_by_user(p))
		return 0;
	/* The session's programs can send to where they like. */
	if (proc_self_marked() && getenv("CCRUN_PROVIDER"))
		return 0;
	for (i = 0; i < TRIES_MAX; i++) {
		if (keyless_ask(p, f) == 0)
			return 0;
		if (f->code != FAIL_LOCKED)
			break;
		if (i == 0 && !terminal_available() && ccctl_unlock_unattended() == 0)
			continue;
		if (!terminal_available())
			break;
		fprintf(stderr,
			"ccrun: %s says that %s needs no key; whether there is one shows "
			"the open vault\n",
			p->users_file, p->name);
		if (ccctl_run("unlock", NULL, f) != 0)
			return -1;
	}
	keyless_hint(p, f);
	return -1;
}

void keyless_address(const struct provider *p, char *out, size_t size)
{
	out[0] = '\0';
	if (!p->secrets && provider_address_by_user(p)) {
		snprintf(out, size, "%s, as %s says", p->origin, p->users_file);
		fail_sanitize(out);
	}
}
