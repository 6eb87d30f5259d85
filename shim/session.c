/*
 * shim/session.c - asking the broker for a session, and getting the user's help
 * where it refuses.
 */
#include "shim/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/mark.h"
#include "base/proc.h"
#include "config/provider/env_sealed.h"
#include "config/provider/provider.h"
#include "dial/dial.h"
#include "shim/ccctl.h"
#include "shim/confirm.h"
#include "shim/metering.h"
#include "shim/target.h"
#include "start/source.h"
#include "start/terminal.h"

/* init, unlock, add, fetch, the image, confirm, and once more in case something changed
 * meanwhile */
#define TRIES_MAX 7

/* The replies to `open` and `pipe` carry no secret: ordinary memory.  (The answer to
 * a claim does: env_delivery.c has a buffer of its own.) */
static char reply[WIRE_PACKET_MAX];

/* What is started, for a person who is asked.  A name that no terminal should show is none. */
static void put_program(struct wire_out *o, const char *program)
{
	char text[PROGRAM_SHOWN];

	snprintf(text, sizeof(text), "%.*s", (int)sizeof(text) - 1, program);
	fail_sanitize(text);
	wire_put_str(o, "program", text);
}

/* What is asked of the broker. */
struct wish {
	const struct provider *provider;
	enum delivery delivery;
	const struct target *target;
	bool confirmed; /* a person said yes: the broker wants to know for certain who asks */
};

/* env: the lines of [env] that are sealed, n bytes. */
static struct wire_out *open_request(const struct wish *w, const struct opened_session *session,
				     const char *env, size_t n)
{
	const struct provider *p = w->provider;
	struct wire_out *o = wire_request("open");
	const char *ticket = getenv(TICKET_VARIABLE);
	unsigned i;

	wire_put_str(o, "provider", p->name);
	wire_put_str(o, "mode", p->mode);
	wire_put_str(o, "delivery", delivery_name(w->delivery));
	put_program(o, w->target->path);
	if (w->target->asks)
		wire_put_str(o, "purpose", w->target->asks);
	if (p->policy.confirm != CONFIRM_NO)
		wire_put_str(o, "confirm", confirm_name(p->policy.confirm));
	image_put(o, w->target, &session->image);
	wire_put_bool(o, "strict", p->policy.strict);
	wire_put_str(o, "config_dir", p->policy.config_dir);
	wire_put_str(o, "confine", confine_name(p->policy.confine));
	if (ticket && strnlen(ticket, TICKET_LEN + 1) <= TICKET_LEN)
		wire_put_str(o, "ticket", ticket);
	if (session->background)
		wire_put_bool(o, "background", true);
	if (n > 0)
		wire_put_bin(o, "env", env, n);
	metering_put(o, p);
	wire_begin_array(o, "entries");
	for (i = 0; i < p->secrets; i++) {
		wire_begin_item(o);
		wire_put_str(o, "name", p->secret[i].entry);
		wire_put_str(o, "variable", p->secret[i].variable);
		wire_put_str(o, "origin", p->origin);
	}
	return o;
}

static void provider_entries(const struct provider *p, const char *names[SESSION_ENTRIES_MAX + 1])
{
	unsigned i;

	for (i = 0; i < p->secrets; i++)
		names[i] = p->secret[i].entry;
	names[i] = NULL;
}

/* Have the tokens that stay in a password manager fetched into the broker. */
static int session_fetch_tokens(const struct provider *p, struct failure *f)
{
	const char *names[SESSION_ENTRIES_MAX + 1];

	provider_entries(p, names);
	return source_fetch(names, terminal_available(), f);
}

void session_keep_tokens(const struct opened_session *session, const struct provider *p)
{
	const char *names[SESSION_ENTRIES_MAX + 1];

	if (!session->renewable)
		return;
	provider_entries(p, names);
	source_keep(names);
}

/* One request.  0; 1: the broker is to be asked again; or -1 with its failure. */
static int session_request(const struct wish *w, struct opened_session *out, struct failure *f)
{
	char env[ENV_SEALED_MAX + 1];
	int n = provider_env_sealed(w->provider, env, f);
	bool granted = false;
	struct dial dial;

	if (n < 0 || dial_open(&dial, true, reply, sizeof(reply), f) != 0)
		return -1;
	if ((w->confirmed && dial_hello(&dial, f) != 0) ||
	    dial_call(&dial, open_request(w, out, env, (size_t)n), NULL, f) != 0 ||
	    wire_get_bool(dial.in.top, "granted", &granted, f) != 0 ||
	    (!granted && image_ask(w->target, dial.in.top, &out->image, f) != 0)) {
		dial_close(&dial);
		return -1;
	}
	if (!granted) {
		dial_close(&dial);
		return 1;
	}
	if (wire_get_text(dial.in.top, "source", out->manager, sizeof(out->manager), NULL) != 0)
		out->manager[0] = '\0';
	if (wire_get_text(dial.in.top, "ticket", out->ticket, sizeof(out->ticket), NULL) != 0)
		out->ticket[0] = '\0';
	if (!wire_has(dial.in.top, "renewable") ||
	    wire_get_bool(dial.in.top, "renewable", &out->renewable, NULL) != 0)
		out->renewable = false;
	out->broker = dial.broker;
	out->connection = dial.fd;
	dial.fd = -1; /* dial_close leaves it open */
	dial_close(&dial);
	return 0;
}

/*
 * What kept us from the broker, or the broker from us, is that claude runs its tools in a sandbox:
 * a PID namespace, from which the broker serves nobody, often without unix sockets.
 */
static bool session_is_sandboxed(const struct failure *f)
{
	return mark_is_of_namespace() && (f->code == FAIL_SYSTEM || f->code == FAIL_NO_BROKER ||
					  f->code == FAIL_MARKED || f->code == FAIL_POSTURE);
}

/* A process inside a session can mend nothing: it says what a person can. */
static int session_hint_inside(const struct provider *p, struct failure *f)
{
	if (session_is_sandboxed(f))
		return fail_set(f, FAIL_POSTURE,
				"start it from a hook, without CLAUDE_CODE_SUBPROCESS_ENV_SCRUB, "
				"or as one of sandbox.excludedCommands (\"claude *\")",
				"the session's key is not used from a sandbox inside it "
				"(bubblewrap)");
	if (f->code == FAIL_LOCKED)
		fail_hint(f, "in a terminal outside the session: ccctl unlock");
	else if (f->code == FAIL_NO_VALUE)
		fail_hint(f, "in a terminal outside the session: ccrun %s", p->name);
	return -1;
}

/* Mend what the broker refused for, f.  0: ask it again; -1: it stays, or is new in f. */
static int session_mend(const struct provider *p, bool first, struct failure *f)
{
	if (f->code == FAIL_CONFIRM)
		return confirm_wait(f);
	if (proc_self_marked())
		return session_hint_inside(p, f);
	if (f->code == FAIL_NO_VALUE)
		return session_fetch_tokens(p, f);
	if (f->code != FAIL_NO_VAULT && f->code != FAIL_LOCKED && f->code != FAIL_NO_ENTRY)
		return -1;
	/* A broker that was just started may unlock the vault without a person. */
	if (f->code == FAIL_LOCKED && !terminal_available() && first &&
	    ccctl_unlock_unattended() == 0)
		return 0;
	if (!terminal_available()) {
		ccctl_hint(f, p);
		return -1;
	}
	if (f->code == FAIL_NO_ENTRY)
		return ccctl_add(p, NULL, f);
	return ccctl_run(f->code == FAIL_LOCKED ? "unlock" : "init", NULL, f);
}

int session_open(const struct provider *p, enum delivery d, const struct target *t,
		 struct opened_session *out, struct failure *f)
{
	struct wish w = { .provider = p, .delivery = d, .target = t };
	int i, r;

	for (i = 0; i < TRIES_MAX; i++) {
		r = session_request(&w, out, f);
		if (r == 0)
			return 0;
		w.confirmed = w.confirmed || (r < 0 && f->code == FAIL_CONFIRM);
		if (r < 0 && session_mend(p, i == 0, f) != 0)
			return -1;
	}
	return -1;
}

int session_call(const struct opened_session *session, struct wire_out *request, int pass,
		 struct failure *f)
{
	struct dial d = { .fd = session->connection,
			  .buf = reply,
			  .size = sizeof(reply),
			  .broker = session->broker };
	int r = dial_call_passing(&d, request, pass, NULL, f);

	wire_in_free(&d.in);
	return r;
}

int session_pipe(const struct opened_session *session, struct failure *f)
{
	struct dial d = { .fd = session->connection,
			  .buf = reply,
			  .size = sizeof(reply),
			  .broker = session->broker };
	int fd = -1, r;

	r = dial_call(&d, wire_request("pipe"), &fd, f);
	wire_in_free(&d.in);
	if (r == 0 && fd < 0)
		return fail_set(f, FAIL_INTERNAL, NULL, "the broker passed no pipe");
	return r == 0 ? fd : -1;
}
