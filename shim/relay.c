/*
 * shim/relay.c - handing the session over to a relay.
 */
#include "shim/relay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/sealed.h"
#include "config/client/network.h"
#include "config/provider/auth.h"
#include "config/provider/provider.h"
#include "shim/relay_socket.h"
#include "shim/session.h"
#include "wire/names.h"
#include "wire/pack.h"

#define FILE_MAX (1024 * 1024) /* bytes; all of the world's authorities have 250 KiB */
#define PROJECT_MAX 1024       /* bytes of the project's directory */

/* ---- certificates ---- */

/*
 * A copy of the file that nobody can change any more, so that what the broker checks
 * is what the relay reads.  A descriptor, or -1.
 */
static int file_seal(const struct network_value *v, struct failure *f)
{
	int fd = open(v->text, O_RDONLY | O_CLOEXEC | O_NONBLOCK), sealed = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		fail_errno(f, NULL, "%s (%s): %.200s", v->name, v->from, v->text);
		goto bad;
	}
	if (!S_ISREG(st.st_mode)) {
		fail_set(f, FAIL_CONFIG, NULL, "%s (%s): %.200s is no file", v->name, v->from,
			 v->text);
		goto bad;
	}
	sealed = sealed_copy(fd, "ccrun-relay", FILE_MAX);
	if (sealed < 0) {
		fail_errno(f, NULL, "%s (%s): cannot copy %.200s", v->name, v->from, v->text);
		goto bad;
	}
	close(fd);
	return sealed;
bad:
	if (fd >= 0)
		close(fd);
	return -1;
}

static int relay_pass_file(const struct opened_session *session, const char *kind,
			   const struct network_value *v, struct failure *f)
{
	struct wire_out *o;
	int fd, r;

	if (!v->text[0])
		return 0;
	fd = file_seal(v, f);
	if (fd < 0)
		return -1;
	o = wire_request("relay-file");
	wire_put_str(o, "kind", kind);
	r = session_call(session, o, fd, f);
	close(fd);
	return r;
}

/* A person who is refused should see where it comes from before sealing it. */
static void hint_origin(const struct network *n, struct failure *f)
{
	char whole[2 * sizeof(f->hint)];
	struct failure where = { 0 };

	if (f->code != FAIL_ORIGIN || !n->ca.written)
		return;
	fail_hint(&where, "%s", n->ca.name);
	if (n->proxy.written)
		fail_hint_add(&where, " and %s", n->proxy.name);
	fail_hint_add(&where, " of %s, which a session can write", n->ca.from);
	/* Two hints, both whole. */
	if (snprintf(whole, sizeof(whole), "%s; %s", where.hint, f->hint) < (int)sizeof(f->hint))
		fail_hint_text(f, whole);
}

/* ---- the start ---- */

/* The directory that the session works in; what its path cannot say is left out. */
static void put_project(struct wire_out *o)
{
	char path[PROJECT_MAX];

	if (!getcwd(path, sizeof(path)))
		return;
	fail_sanitize(path);
	wire_put_str(o, "project", path);
}

int relay_start(const struct opened_session *session, const struct network *n,
		const struct relay_socket *socket, struct failure *f)
{
	struct wire_out *o;

	if (relay_pass_file(session, "ca", &n->ca, f) != 0) {
		hint_origin(n, f);
		return -1;
	}
	if (relay_pass_file(session, "cert", &n->cert, f) != 0 ||
	    relay_pass_file(session, "key", &n->key, f) != 0)
		return -1;
	o = wire_request("relay");
	wire_put_str(o, "proxy", n->proxy.text);
	wire_put_str(o, "no_proxy", n->no_proxy.text);
	put_project(o);
	return session_call(session, o, socket->listener, f);
}

/* ---- the client's side ---- */

#define PLACEHOLDER "placeholder"

/* Where a client that ignores the socket finds nobody, and sends nothing. */
#define NOWHERE "http://ccrun.invalid"
#define FIRST_PARTY "http://api.anthropic.com"
/* In gateway mode the client takes https or this machine alone.  Only root can listen there. */
#define NOWHERE_LOCAL "http://localhost:1"

static void variable_add(struct relay_variables *r, const char *name, const char *value)
{
	r->v[r->n].name = name;
	snprintf(r->v[r->n].value, RELAY_VALUE_SIZE, "%s", value);
	r->n++;
}

void relay_variables(const struct provider *p, int place, bool first_party,
		     struct relay_variables *out)
{
	bool home =
		first_party && strcmp(strchr(p->origin, ' '), " https://api.anthropic.com") == 0;
	const char *nowhere = home			? FIRST_PARTY
			      : p->auth == AUTH_GATEWAY ? NOWHERE_LOCAL
							: NOWHERE;
	const char *carrier = auth_relayed_variable(p->auth);
	bool by_fd = p->auth == AUTH_API_KEY;
	const struct auth_parameter *needed;
	char text[RELAY_VALUE_SIZE];
	unsigned i;

	out->n = 0;
	snprintf(text, sizeof(text), "/proc/self/fd/%d", place);
	variable_add(out, "ANTHROPIC_UNIX_SOCKET", text);
	/* For the library, which closes the descriptor in children. */
	snprintf(text, sizeof(text), "%d", place);
	variable_add(out, "CCRUN_RELAY", text);
	for (i = 0; (needed = auth_parameter(p->auth, i)); i++)
		if (needed->names_host)
			variable_add(out, needed->variable, "");
	variable_add(out, auth_client(p->auth)->base_url, nowhere);
	/* The relay adds them: what the client says there does not pass. */
	if (p->headers)
		variable_add(out, "ANTHROPIC_CUSTOM_HEADERS", "");
	/* For an x-api-key provider too: the client asks nothing about this one. */
	variable_add(out, by_fd ? "ANTHROPIC_AUTH_TOKEN" : carrier, PLACEHOLDER);
}

bool relay_variables_name(const struct relay_variables *r, const char *name, size_t n)
{
	unsigned i;

	for (i = 0; i < r->n; i++)
		if (strlen(r->v[i].name) == n && memcmp(r->v[i].name, name, n) == 0)
			return true;
	return false;
}
