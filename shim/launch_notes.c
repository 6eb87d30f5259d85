/*
 * shim/launch_notes.c - what a person is told before the client has the screen.
 */
#include "shim/launch_notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/text_quote.h"
#include "config/client/takeover.h"
#include "config/provider/environment.h"
#include "config/provider/own_variables.h"
#include "config/provider/provider.h"
#include "config/provider/variables.h"
#include "shim/background.h"
#include "shim/confine.h"
#include "shim/keyless.h"
#include "shim/launch.h"
#include "shim/session.h"
#include "shim/target.h"

/* Is there the credential that a word of needs_any names (env:NAME, file:PATH)? */
static bool credential_exists(const char *word)
{
	char path[PATH_SIZE], home[PATH_SIZE];
	int n;

	if (strncmp(word, "env:", 4) == 0)
		return getenv(word + 4) != NULL;
	if (strncmp(word, "file:~/", 7) == 0) {
		if (path_home(home, NULL) != 0)
			return false;
		n = snprintf(path, sizeof(path), "%s/%s", home, word + 7);
		return n > 0 && n < (int)sizeof(path) && access(path, R_OK) == 0;
	}
	return strncmp(word, "file:", 5) == 0 && access(word + 5, R_OK) == 0;
}

void launch_note_credentials(const struct provider *p)
{
	char words[sizeof(p->needs_any)], quoted[sizeof(p->needs) + 2], *word, *save = NULL;

	if (!p->needs_any[0])
		return;
	memcpy(words, p->needs_any, sizeof(words));
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (credential_exists(word))
			return;
	fprintf(stderr, "ccrun: warning: no credentials for %s were found here\n",
		provider_called(p));
	/* It speaks for itself, and is no command: a person may paste the line. */
	if (p->needs_by[0] && text_quote(p->needs, quoted, sizeof(quoted)))
		fprintf(stderr, "hint: it says: %s [%s]\n", quoted, p->needs_by);
	else if (!p->needs_by[0])
		fprintf(stderr, "hint: %s\n", p->needs);
}

/* What the person's environment says and does not count, once: not in the sessions inside,
 * whose environment is of our making. */
static void print_own_variables(const struct launch *l)
{
	const struct provider *p = l->provider;
	const char *authorities = launch_key_inside(l) ? environment_authorities(p, environ) : NULL;
	const char *unverified = getenv("NODE_TLS_REJECT_UNAUTHORIZED");
	struct own_variables own;

	if (getenv("CCRUN_PROVIDER"))
		return;
	if (unverified && strcmp(unverified, "0") == 0)
		fputs("ccrun: note: NODE_TLS_REJECT_UNAUTHORIZED=0 of your environment does not "
		      "count: any server could take what is sent\n"
		      "hint: NODE_EXTRA_CA_CERTS=FILE names an authority of your own\n",
		      stderr);
	if (authorities)
		fprintf(stderr,
			"ccrun: note: %s of your environment does not count: claude has the key "
			"itself, and who has such an authority's key could read it\n"
			"hint: delivery = relay, which seals the file; or have root add it to the "
			"system's authorities (update-ca-certificates)\n",
			authorities);
	own_variables_find(p, environ, &own);
	if (own.names[0])
		fprintf(stderr,
			"ccrun: note: not for %s, of your environment: %s%s\n"
			"hint: %s of its file %s it (ccrun-provider(5)); ccrun -n %s shows what "
			"is set\n",
			p->name, own.names, own.more ? ", and more" : "", own.places,
			strchr(own.places, ',') ? "say" : "says", p->name);
}

/* What opens a password manager is not given on.  Who has the session use the manager on purpose
 * is told why it does not. */
static void print_managers(const struct own_manager_variables *own)
{
	char names[256] = "", name[64];
	size_t at = 0, n;
	char **e;

	for (e = environ; *e; e++) {
		n = strcspn(*e, "=");
		if (n >= sizeof(name))
			continue;
		memcpy(name, *e, n);
		name[n] = '\0';
		if (variable_opens_manager(name, own) && at < sizeof(names))
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
					       at ? ", " : "", name);
	}
	fail_sanitize(names);
	if (names[0])
		fprintf(stderr,
			"ccrun: note: not passed on, since a password manager opens by it: %s\n",
			names);
}

/* A provider that leaves the client to its own login does so with what a switcher wrote. */
static void print_routes(const struct takeover *t, const char *provider)
{
	char where[TAKEOVER_WHERE];
	const struct setting *first = NULL;
	unsigned i, n = 0;

	for (i = 0; i < t->n; i++)
		if (t->setting[i].fate == SETTING_BEFORE && t->setting[i].routine && n++ == 0)
			first = &t->setting[i];
	if (!n)
		return;
	setting_where(first, where);
	fprintf(stderr,
		"ccrun: warning: claude sends requests where your settings say, or as whom: %s",
		where);
	if (n > 1)
		fprintf(stderr, " and %u more", n - 1);
	fprintf(stderr,
		"\nhint: remove what you did not mean (ccrun -n %s names each); ccctl import takes "
		"keys out\n",
		provider);
}

/* The settings that a person would miss: not what a provider is there to replace. */
static void print_ignored(const struct takeover *t, const char *provider)
{
	const char *first = NULL;
	unsigned i, n = 0;

	for (i = 0; i < t->n; i++)
		if (t->setting[i].fate == SETTING_IGNORED && !t->setting[i].routine && n++ == 0)
			first = t->setting[i].name;
	if (!n)
		return;
	fprintf(stderr, "ccrun: note: %s", first);
	if (n > 1)
		fprintf(stderr, " and %u more", n - 1);
	fprintf(stderr, " of your settings %s not used here (ccrun -n %s says why)\n",
		n > 1 ? "are" : "is", provider);
}

/* What a person should know of the delivery, on a terminal or not. */
static void print_warnings(const struct launch *l)
{
	const struct provider *p = l->provider;

	if (p->note[0])
		fprintf(stderr, "ccrun: note: %s\n", p->note);
	print_own_variables(l);
	print_managers(l->opens);
	print_routes(l->taken, p->name);
	if (isatty(STDERR_FILENO) && !l->target->asks)
		print_ignored(l->taken, p->name);
	if (p->secrets && l->delivery == DELIVERY_ENV)
		fprintf(stderr, "ccrun: warning: the key goes into the environment, where every "
				"program that claude starts can read it (delivery = env)\n");
	if (p->secrets && l->delivery == DELIVERY_PIPE)
		fprintf(stderr, "ccrun: warning: claude cannot be hardened here; programs that it "
				"starts could read its memory (delivery pipe)\n");
	if (p->secrets && l->target->preloadable && l->target->library.note[0] &&
	    l->delivery <= DELIVERY_PRELOAD)
		fprintf(stderr,
			"ccrun: warning: %s: a program of the session could write into its file\n"
			"hint: an installation by root needs none\n",
			l->target->library.note);
}

static void print_start_line(const struct launch *l, const struct opened_session *session)
{
	const char *manager = session->manager, *note = session->image.note;
	const struct provider *p = l->provider;
	bool relayed = p->secrets && l->delivery == DELIVERY_RELAY;
	char key[PROVIDER_PATH + ORIGIN_MAX_LEN + 64] = "no key",
						  address[PROVIDER_PATH + ORIGIN_MAX_LEN + 32];
	const char *pin = l->pin;
	const char *term = getenv("TERM");
	bool plain;

	if (!isatty(STDERR_FILENO) || l->target->asks)
		return;
	if (p->secrets)
		snprintf(key, sizeof(key), "key from %s%s%s", manager[0] ? manager : "vault",
			 relayed     ? ", used by a relay, never in this process"
			 : l->why[0] ? ", in this process: "
				     : "",
			 relayed ? "" : l->why);
	keyless_address(p, address, sizeof(address));
	if (address[0])
		snprintf(key, sizeof(key), "no key, to %s", address);
	plain = getenv("NO_COLOR") || !term || strcmp(term, "dumb") == 0;
	fprintf(stderr, "%sccrun: %s%s%s, %s, %s%s%s%s%s%s%s\n", plain ? "" : "\033[2m", p->title,
		p->model[0] ? ", " : "", p->model, key, confine_word(l->confinement),
		l->confinement->off ? " (confine = off)" : "", pin[0] ? ", as pinned by " : "", pin,
		note[0] ? "; " : "", note, plain ? "" : "\033[0m");
	if (relayed && !l->target->preloadable)
		fprintf(stderr, "ccrun: claude cannot be preloaded: its children see its "
				"environment; the key is not in it\n");
	background_print(l->background, l->confinement->scope, l->agents);
	if (relayed && strncmp(l->why, "untried", 7) == 0)
		fprintf(stderr, "ccrun: whether it sends its requests to a relay is %s\n", l->why);
}

void launch_note_start(const struct launch *l, const struct opened_session *session)
{
	print_warnings(l);
	print_start_line(l, session);
}
