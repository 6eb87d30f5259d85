/*
 * shim/launch.c - building the environment, exec.
 */
#include "shim/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/spawn_variables.h"
#include "config/provider/environment.h"
#include "config/provider/provider.h"
#include "shim/confine.h"
#include "shim/env_delivery.h"
#include "shim/inside.h"
#include "shim/relay.h"
#include "shim/session.h"
#include "shim/target.h"
#include "wire/claim.h"
#include "wire/names.h"

bool launch_key_inside(const struct launch *l)
{
	return l->provider->secrets && l->delivery != DELIVERY_RELAY;
}

int launch_config_dir(const struct provider *p, struct failure *f)
{
	char path[PATH_SIZE];
	int fd, r = 0;

	if (path_expand(p->policy.config_dir, path, f) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		fd = path_private_dir(path, f);
	else if (fd < 0)
		fail_errno(f, "config_dir in the provider's [policy] names it", "%s", path);
	else
		r = path_check_trusted(fd, path, f);
	if (fd < 0)
		return -1;
	close(fd);
	return r;
}

/*
 * With it the client takes itself for started by a launcher: it refuses /heapdump, whose
 * file would have the key.
 */
#define AUTH_NAME_VARIABLE "CLAUDE_CODE_HOST_AUTH_ENV_VAR"
#define NO_CODE_CACHE "NODE_DISABLE_COMPILE_CACHE"

/* LD_PRELOAD, CCRUN_FD, NO_CODE_CACHE, the pipe's, the ticket's, the relay's, and those for
 * what the session starts */
#define SESSION_VARIABLES (6 + RELAY_VARIABLES + INSIDE_VARIABLES)

/* What a session by relay has instead of a key, and what is for the programs in it. */
struct relayed_variables {
	struct relay_variables relay;
	struct inside_variables inside;
};

/* The environment being built: pointers, some of them to strings of our own. */
struct env_block {
	char **v;
	unsigned n;
};

/* Append prefix, name (len bytes), "=" and value.  0 or -1 (no memory). */
static int env_block_add(struct env_block *b, const char *prefix, const char *name, size_t len,
			 const char *value)
{
	if (asprintf(&b->v[b->n], "%s%.*s=%s", prefix, (int)len, name, value) < 0)
		return -1;
	b->n++;
	return 0;
}

static bool entry_names(const char *entry, const char *name, size_t len)
{
	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

/* Is the variable whose name is n bytes at name among them? */
static bool relayed_variables_name(const struct relayed_variables *r, const char *name, size_t n)
{
	unsigned i;

	for (i = 0; i < r->inside.n; i++)
		if (strlen(r->inside.v[i].name) == n && memcmp(r->inside.v[i].name, name, n) == 0)
			return true;
	return relay_variables_name(&r->relay, name, n);
}

/* Is this entry of environ replaced or removed by a change, or the variable of a secret? */
static bool entry_dropped(const struct launch *l, const struct relayed_variables *r,
			  const struct env_change *c, int n, const char *entry)
{
	unsigned s;
	int i;

	if (relayed_variables_name(r, entry, strcspn(entry, "=")))
		return true;
	for (i = 0; i < n; i++)
		if (c[i].action != ENV_KEEP && entry_names(entry, c[i].name, c[i].name_len))
			return true;
	for (s = 0; s < l->provider->secrets; s++)
		if (entry_names(entry, l->provider->secret[s].variable,
				strlen(l->provider->secret[s].variable)))
			return true;
	return false;
}

static int env_block_add_relayed(const struct relayed_variables *r, struct env_block *b)
{
	const struct relay_variables *relay = &r->relay;
	const struct inside_variables *in = &r->inside;
	unsigned i;

	for (i = 0; i < relay->n; i++)
		if (relay->v[i].value[0] &&
		    env_block_add(b, "", relay->v[i].name, strlen(relay->v[i].name),
				  relay->v[i].value) != 0)
			return -1;
	for (i = 0; i < in->n; i++)
		if (env_block_add(b, "", in->v[i].name, strlen(in->v[i].name), in->v[i].value) != 0)
			return -1;
	return 0;
}

/* The variable that has the key, or the first of several. */
static const char *key_variable(const struct provider *p)
{
	unsigned i;

	for (i = 0; i < p->secrets; i++)
		if (!wire_carrier_header(p->secret[i].variable))
			return p->secret[i].variable;
	return CLAIM_HEADERS;
}

/* Append what passes the session on. */
static int env_block_add_session(struct launch *l, struct env_block *b, bool saved)
{
	bool claims = l->connection >= 0 && l->delivery == DELIVERY_PRELOAD;
	bool relayed = l->place >= 0 && l->target->preloadable;
	char number[16];
	unsigned i;

	/* Without a session the library is there for the saved variables alone. */
	l->preloads = claims || relayed || (saved && l->target->preloadable);
	if (l->preloads)
		if (env_block_add(b, "", "LD_PRELOAD", 10, l->target->library.path) != 0)
			return -1;
	snprintf(number, sizeof(number), "%d", l->connection);
	if (claims && env_block_add(b, "", "CCRUN_FD", 8, number) != 0)
		return -1;
	/* Node keeps compiled code below TMPDIR for a program that wants that, and runs it in
	 * the place of the program's text: with the key in it. */
	if (claims && !getenv(NO_CODE_CACHE) &&
	    env_block_add(b, "", NO_CODE_CACHE, strlen(NO_CODE_CACHE), "1") != 0)
		return -1;
	if (l->connection >= 0 && l->target->claude &&
	    env_block_add(b, "", AUTH_NAME_VARIABLE, strlen(AUTH_NAME_VARIABLE),
			  key_variable(l->provider)) != 0)
		return -1;
	snprintf(number, sizeof(number), "%d", l->pipe);
	if (l->pipe >= 0 &&
	    env_block_add(b, "", "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR", 35, number) != 0)
		return -1;
	if (l->ticket &&
	    env_block_add(b, "", TICKET_VARIABLE, strlen(TICKET_VARIABLE), l->ticket) != 0)
		return -1;
	for (i = 0; i < l->secrets; i++)
		b->v[b->n++] = l->secret[i];
	return 0;
}

/* The target's environment, NULL-terminated; NULL when there is no memory. */
static char **environment_build(struct launch *l, struct failure *f)
{
	struct env_change *c = NULL;
	struct env_block b = { NULL, 0 };
	static struct relayed_variables r;
	bool preloaded = l->target->preloadable &&
			 (l->delivery == DELIVERY_PRELOAD || l->delivery == DELIVERY_RELAY);
	const struct inside_session in = { .ticket = l->place >= 0 ? l->ticket : NULL,
					   .relayed = l->place >= 0,
					   .confined = confine_any(l->confinement),
					   .preloaded = preloaded };
	bool saved = in.confined && preloaded;
	unsigned have = 0, i;
	int n, k;

	r.relay.n = 0;
	if (l->place >= 0)
		relay_variables(l->provider, l->place, l->first_party, &r.relay);
	inside_variables(l->provider, &in, &r.inside);
	n = environment_plan(l->provider, launch_key_inside(l), l->opens, environ, &c);
	while (environ[have])
		have++;
	if (n >= 0)
		b.v = calloc(have + (unsigned)n + SESSION_VARIABLES + SESSION_ENTRIES_MAX + 1,
			     sizeof(*b.v));
	if (!b.v)
		goto bad;
	for (i = 0; i < have; i++)
		if (!entry_dropped(l, &r, c, n, environ[i]))
			b.v[b.n++] = environ[i];
	for (k = 0; k < n; k++) {
		/* Only the library gives children a saved variable back. */
		if (c[k].action == ENV_SAVE && preloaded) {
			saved = true;
			if (env_block_add(&b, "CCRUN_SAVED_", c[k].name, c[k].name_len,
					  c[k].value) != 0)
				goto bad;
		}
		if (c[k].action == ENV_SET &&
		    !relayed_variables_name(&r, c[k].name, c[k].name_len) &&
		    env_block_add(&b, "", c[k].name, c[k].name_len, c[k].value) != 0)
			goto bad;
	}
	if (env_block_add_relayed(&r, &b) != 0 || env_block_add_session(l, &b, saved) != 0)
		goto bad;
	free(c);
	return b.v;
bad:
	/* Its strings are not freed: the process ends next. */
	free(c);
	free(b.v);
	fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the environment");
	return NULL;
}

int launch_exec(struct launch *l, struct failure *f)
{
	char **env = environment_build(l, f), **argv;
	unsigned n = 0;

	if (!env || (l->provider->secrets && target_check_same(l->target, f) != 0))
		goto bad;
	while (l->arguments[n])
		n++;
	argv = calloc(n + 2, sizeof(*argv));
	if (!argv) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the arguments");
		goto bad;
	}
	argv[0] = (char *)l->target->path;
	memcpy(argv + 1, l->arguments, n * sizeof(*argv));
	if ((l->connection >= 0 && fcntl(l->connection, F_SETFD, 0) != 0) ||
	    (l->pipe >= 0 && fcntl(l->pipe, F_SETFD, 0) != 0) ||
	    (l->place >= 0 && fcntl(l->place, F_SETFD, 0) != 0) ||
	    (l->preloads && l->target->library.fd >= 0 &&
	     fcntl(l->target->library.fd, F_SETFD, 0) != 0)) {
		fail_errno(f, NULL, "cannot pass the connection to the program");
		goto bad;
	}
	execve(l->target->path, argv, spawn_variables(env));
	l->exec_failed = true;
	fail_errno(f, NULL, "%s", l->target->path);
bad:
	env_delivery_wipe(l->secret, l->secrets);
	return -1;
}
