/*
 * broker/relay_start.c - the message that starts a relay.
 */
#include "broker/relay_start.h"

#include <string.h>

#include "base/control.h"
#include "base/fail.h"
#include "broker/connection.h"
#include "broker/relay_headers.h"
#include "broker/request.h"
#include "broker/session.h"
#include "vault/entry.h"
#include "wire/endpoint.h"
#include "wire/names.h"
#include "wire/pack.h"

#define PROXY_MAX 1024 /* bytes of a proxy's URL, and of a list of hosts without one */

static int copy_text(struct request *q, const char *key, struct wire_out *to, struct failure *f)
{
	char text[PROXY_MAX + 1] = "";

	if (wire_has(q->map, key) && wire_get_text(q->map, key, text, sizeof(text), f) != 0)
		return -1;
	wire_put_str(to, key, text);
	return 0;
}

/*
 * Which proxy the relay uses is not sealed: through it goes TLS, which it cannot read.
 * An endpoint without TLS is reached directly, or whoever names a proxy reads the key.
 */
static int copy_proxy(struct request *q, const char *url, struct wire_out *to, struct failure *f)
{
	if (strncmp(url, "https://", 8) == 0 || !control_active(CONTROL_PLAIN_PROXY))
		return copy_text(q, "proxy", to, f) != 0 || copy_text(q, "no_proxy", to, f) != 0
			       ? -1
			       : 0;
	wire_put_str(to, "proxy", "");
	wire_put_str(to, "no_proxy", "");
	return 0;
}

/* The kind of credential and the URL of a sealed origin, "bearer https://host". */
static int split_origin(const char *origin, char auth[16], const char **url, struct failure *f)
{
	size_t n = strcspn(origin, " ");

	if (n == 0 || n >= 16 || origin[n] != ' ')
		return fail_set(f, FAIL_BAD_VALUE, NULL, "'%.60s' is no origin", origin);
	memcpy(auth, origin, n);
	auth[n] = '\0';
	*url = origin + n + 1;
	return 0;
}

/*
 * A relay has one place to send to: keys that were sealed for others must not go there.
 * It adds one key in the endpoint's own header, and any others as headers that are
 * named.  -1: another variable would have to reach the client itself.
 */
static int check_carriers(const struct session *s, struct failure *f)
{
	unsigned i, j, own = 0;

	for (i = 0; i < s->entries; i++) {
		own += wire_carrier_header(s->variable[i]) == NULL;
		if (strcmp(s->origin[i], s->origin[0]) != 0)
			return fail_set(f, FAIL_ORIGIN, "one origin for all keys of a session",
					"'%s' and '%s' are sealed for different places",
					s->entry[0], s->entry[i]);
		for (j = 0; j < i; j++)
			if (wire_carriers_collide(s->variable[i], s->variable[j]))
				return fail_set(f, FAIL_POLICY, "give each a header of its own",
						"'%s' and '%s' would be sent as the same header",
						s->entry[j], s->entry[i]);
	}
	if (own <= 1)
		return 0;
	return fail_set(f, FAIL_POLICY, "name the others header:NAME in the provider's [secrets]",
			"a relay carries one key in a variable's place, not %u", own);
}

/* Can one of the session's tokens be fetched again, without a person at a terminal? */
static bool is_renewable(struct connection *c)
{
	const struct entry *e;
	unsigned i;

	for (i = 0; i < c->session.entries; i++) {
		e = session_allowed_entry(c, i, NULL);
		if (e && e->source)
			return true;
	}
	return false;
}

struct wire_out *relay_start_build(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	const struct entry *e = session_allowed_entry(c, 0, f);
	struct wire_out *o;
	const char *url = NULL, *header;
	char auth[16], origin[ORIGIN_MAX_LEN + 1];
	unsigned i;

	if (!e || check_carriers(&c->session, f) != 0)
		return NULL;
	/* It may have been sealed before its address was corrected. */
	memcpy(origin, e->origin, sizeof(origin));
	origin_correct(origin);
	if (split_origin(origin, auth, &url, f) != 0)
		return NULL;
	o = wire_request("start");
	wire_put_str(o, "session", c->session.id);
	wire_put_uint(o, "pid", (uint64_t)c->peer.pid);
	wire_put_uint(o, "uid", c->peer.uid);
	wire_put_str(o, "url", url);
	wire_put_str(o, "auth", auth);
	wire_put_bool(o, "renewable", is_renewable(c));
	wire_begin_array(o, "entries");
	for (i = 0; i < c->session.entries; i++) {
		wire_begin_item(o);
		header = wire_carrier_header(c->session.variable[i]);
		wire_put_str(o, "header", header ? header : "");
	}
	wire_end_array(o);
	if (relay_headers_put(o, c->session.headers, f) == 0 && copy_proxy(q, url, o, f) == 0)
		return o;
	wire_out_free(o);
	return NULL;
}
