/*
 * shim/delivery.c - relay, else preload, else pipe; or what the policy says.
 */
#include "shim/delivery.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "config/client/tried.h"
#include "config/provider/delivery.h"
#include "config/provider/provider.h"
#include "shim/probe.h"
#include "shim/relay.h"
#include "shim/target.h"

static bool relay_is_installed(void)
{
	char path[PATH_SIZE];

	return path_installed("libexec/ccrun/ccrun-relay", path, NULL) == 0 &&
	       access(path, X_OK) == 0;
}

/* Note in out what is known of the client.  1 it takes a relay, 0 not, -1 not known. */
static int relay_ask_client(const struct target *t, bool try_client, struct delivery_choice *out)
{
	struct tried tried;

	if (t->asks) {
		snprintf(out->why, sizeof(out->why), "made for one");
		return true;
	}
	if (probe_client(t, try_client, &tried, out->child)) {
		out->first_party = tried.first_party;
		snprintf(out->why, sizeof(out->why), "%s",
			 tried.relay ? "this claude was tried with one"
				     : "this claude was tried, and does not take one");
		return tried.relay;
	}
	if (!t->claude)
		snprintf(out->why, sizeof(out->why), "untried: the program's name is not claude");
	else if (!try_client)
		snprintf(out->why, sizeof(out->why), "untried: the next start tries this claude");
	else
		snprintf(out->why, sizeof(out->why), "untried: claude gave no answer in time");
	return -1;
}

static int delivery_fail_child(const struct provider *p, const struct target *t,
			       const struct delivery_choice *c, struct failure *f)
{
	fail_set(f, FAIL_POLICY, NULL,
		 "%.150s runs claude as a child (%.150s), and no child of a session has its key",
		 t->path, c->child);
	fail_hint(f, "ccrun --exec %s %s%s%s ..., or exec in place of a call in the script",
		  c->child[0] == '/' ? c->child : "PATH", p->name, p->mode[0] ? ":" : "", p->mode);
	return -1;
}

static int delivery_choose_relay(const struct provider *p, const struct target *t, bool try_client,
				 struct delivery_choice *out, struct failure *f)
{
	char why[160];

	if (!relay_carries(p, why, sizeof(why)))
		return fail_set(f, FAIL_POLICY,
				"a further key goes as header:NAME = ENTRY in [secrets]; see "
				"DELIVERY in ccrun(1)",
				"the key cannot be used by a relay: %s", why);
	if (relay_ask_client(t, try_client, out) == 0)
		return out->child[0]
			       ? delivery_fail_child(p, t, out, f)
			       : fail_set(f, FAIL_POLICY,
					  "take another version of Claude Code (npm install -g "
					  "@anthropic-ai/claude-code)",
					  "this claude does not send its requests to a relay (%s)",
					  t->path);
	out->delivery = DELIVERY_RELAY;
	return 0;
}

/* `auto`: not where it is known not to work; out says then why. */
static bool delivery_auto_relay(const struct provider *p, const struct target *t, bool try_client,
				struct delivery_choice *out)
{
	char why[sizeof(out->why)];
	int takes;

	if (provider_delivery_usual(p) != DELIVERY_RELAY)
		return false;
	if (!relay_is_installed()) {
		snprintf(out->why, sizeof(out->why), "no relay: ccrun-relay is not installed");
		return false;
	}
	takes = relay_ask_client(t, try_client, out);
	/* A claude that gave no answer in time is started by relay: what it cannot do then
	 * fails, while another delivery would be one that the seal does not admit. */
	if (takes == 0 || (takes < 0 && !t->claude)) {
		memcpy(why, out->why, sizeof(why));
		snprintf(out->why, sizeof(out->why), "no relay: %.140s", why);
		return false;
	}
	out->delivery = DELIVERY_RELAY;
	return true;
}

int delivery_try_relay(const struct target *t, struct delivery_choice *out)
{
	memset(out, 0, sizeof(*out));
	if (!relay_is_installed()) {
		snprintf(out->why, sizeof(out->why), "ccrun-relay is not installed");
		return 0;
	}
	return relay_ask_client(t, true, out);
}

int delivery_choose(const struct provider *p, const struct target *t, bool try_client,
		    struct delivery_choice *out, struct failure *f)
{
	bool can_pipe = p->auth == AUTH_API_KEY && p->secrets == 1 && !secrets_have_header(p) &&
			!p->policy.strict;
	enum delivery want = p->policy.delivery;

	memset(out, 0, sizeof(*out));
	out->delivery = p->secrets == 0 ? DELIVERY_PRELOAD : want;
	if (p->secrets == 0)
		return 0;
	if (want == DELIVERY_RELAY)
		return delivery_choose_relay(p, t, try_client, out, f);
	/* It links a large library, and reads what a server answers: no key for it. */
	if (t->asks)
		return want == DELIVERY_AUTO && delivery_auto_relay(p, t, try_client, out)
			       ? 0
			       : fail_set(
					 f, FAIL_POLICY, NULL,
					 "%s has delivery = %s: only by a relay could ccrun ask it "
					 "anything",
					 p->name, delivery_name(want));
	if (want == DELIVERY_ENV)
		return 0;
	if (want == DELIVERY_PIPE) {
		if (can_pipe)
			return 0;
		return fail_set(f, FAIL_POLICY,
				"remove delivery = pipe from the provider's [policy]",
				"the client takes a piped key only as x-api-key (auth = api-key)");
	}
	if (want == DELIVERY_AUTO && delivery_auto_relay(p, t, try_client, out))
		return 0;
	/* What has the key then would be a script, and not the client. */
	if (out->child[0])
		return delivery_fail_child(p, t, out, f);
	if (t->preloadable)
		out->delivery = DELIVERY_PRELOAD;
	else if (want == DELIVERY_AUTO && can_pipe)
		out->delivery = DELIVERY_PIPE;
	else
		return fail_set(f, FAIL_POLICY,
				"use the glibc build of Claude Code (npm install -g "
				"@anthropic-ai/claude-code)",
				"the key cannot be kept from other processes: %s", t->why_not);
	return 0;
}
