/*
 * shim/main.c - ccrun: read the provider's file, open a session, become claude.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/proc.h"
#include "config/provider/provider.h"
#include "config/project/project.h"
#include "shim/arguments.h"
#include "shim/invoked_name.h"
#include "shim/provider_choice.h"
#include "shim/launch.h"
#include "shim/provider_list.h"
#include "shim/session.h"
#include "shim/target.h"
#include "start/usage_worker.h"

static int end(const struct failure *f, int code)
{
	fail_print("ccrun", f);
	return code;
}

/* Load the provider with the modes that follow it on the command line. */
static int load(struct arguments *a, struct provider **p, struct failure *f)
{
	char before[NAME_MAX_LEN + 1];

	memcpy(before, a->mode, sizeof(before));
	if (provider_load(a->provider, a->mode, p, f) != 0)
		return -1;
	if (arguments_take_modes(a, (*p)->modes, (*p)->mode_count, f) != 0)
		return -1;
	if (strcmp(before, a->mode) == 0)
		return 0;
	provider_free(*p);
	*p = NULL;
	return provider_load(a->provider, a->mode, p, f);
}

/* Parameters that nobody gave yet: asked for where there is somebody. */
static int complete(struct arguments *a, struct provider **p, struct failure *f)
{
	const struct provider_param *missing = provider_missing(*p);

	if (!missing)
		return 0;
	if (a->dry_run || !session_terminal()) {
		fail_set(f, FAIL_CONFIG, NULL, "%s needs to know its %s (%s)", (*p)->name,
			 missing->name, missing->ask);
		fail_hint(f, "ccctl add %s%s%s --set %s=%s", (*p)->name, (*p)->mode[0] ? ":" : "",
			  (*p)->mode, missing->name, missing->fallback[0] ? missing->fallback : "...");
		return -1;
	}
	if (session_ccctl("add", *p, f) != 0)
		return -1;
	provider_free(*p);
	*p = NULL;
	if (provider_load(a->provider, a->mode, p, f) != 0)
		return -1;
	return provider_missing(*p) ? fail_set(f, FAIL_CONFIG, NULL, "still no %s",
					       provider_missing(*p)->name)
				    : 0;
}

static bool there(const char *word)
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

/* Credentials that the client looks for itself: say so when there are none. */
static void warn_of_needs(const struct provider *p)
{
	char words[sizeof(p->needs_any)], *word, *save = NULL;

	if (!p->needs_any[0])
		return;
	memcpy(words, p->needs_any, sizeof(words));
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (there(word))
			return;
	fprintf(stderr, "ccrun: warning: no credentials for %s were found here\nhint: %s\n", p->title,
		p->needs);
}

static void say_what_runs(const struct provider *p, enum delivery d, const char *pin)
{
	char key[NAME_MAX_LEN + 32] = "no key";
	const char *term = getenv("TERM");
	bool plain;

	if (p->note[0])
		fprintf(stderr, "ccrun: note: %s\n", p->note);
	if (p->secrets && d == DELIVERY_ENV)
		fprintf(stderr, "ccrun: warning: the key goes into the environment, where every "
				"program that claude starts can read it (delivery = env)\n");
	if (p->secrets && d == DELIVERY_PIPE)
		fprintf(stderr, "ccrun: warning: claude cannot be hardened here; programs that it "
				"starts could read its memory (delivery pipe)\n");
	if (!isatty(STDERR_FILENO))
		return;
	if (p->secrets)
		snprintf(key, sizeof(key), "key from %s", session_source[0] ? session_source : "vault");
	plain = getenv("NO_COLOR") || !term || strcmp(term, "dumb") == 0;
	fprintf(stderr, "%sccrun: %s%s%s, %s%s%s%s\n", plain ? "" : "\033[2m", p->title,
		p->model[0] ? ", " : "", p->model, key, pin[0] ? ", as pinned by " : "", pin,
		plain ? "" : "\033[0m");
}

/* Get the secrets under way, mark this process, and become the target. */
static int run(struct launch *l, struct failure *f)
{
	const struct provider *p = l->provider;
	int n;

	if (p->secrets) {
		l->connection = session_open(p, l->delivery, f);
		if (l->connection < 0)
			return -1;
	}
	/* After `open`: the broker has found it to be the one that was agreed to. */
	if (p->policy.config_dir[0] && launch_config_dir(p, f) != 0)
		return -1;
	usage_start(p);
	/* The mark, after `open` (which wants none), before any secret (which wants it). */
	if (proc_mark_self() != 0)
		return fail_errno(f, NULL, "cannot mark the session (RLIMIT_LOCKS)");
	if (p->secrets && l->delivery == DELIVERY_PIPE) {
		l->pipe = session_pipe(l->connection, f);
		if (l->pipe < 0)
			return -1;
	}
	if (p->secrets && l->delivery == DELIVERY_ENV) {
		n = session_claim(l->connection, l->secret, SESSION_ENTRIES_MAX, f);
		if (n < 0)
			return -1;
		l->secrets = (unsigned)n;
	}
	say_what_runs(p, l->delivery, l->pin);
	return launch_exec(l, f);
}

static int start(struct arguments *a, const struct project *pin, struct failure *f)
{
	static char shown[sizeof(pin->path)]; /* a directory's name may be a repository's */
	struct launch l = { .connection = -1, .pipe = -1, .pin = shown };
	struct provider *p = NULL;
	struct target t;
	int code = EXIT_CCRUN;

	memcpy(shown, pin->path, sizeof(shown));
	fail_printable(shown);
	if (load(a, &p, f) != 0 || complete(a, &p, f) != 0 || project_models(pin, p, f) != 0)
		return end(f, EXIT_CCRUN);
	if (target_find(&t, a->program ? a->program : "claude", &code, f) != 0)
		return end(f, code);
	l.provider = p;
	l.target = &t;
	l.arguments = a->rest;
	if (launch_delivery(p, &t, &l.delivery, f) != 0)
		return end(f, EXIT_CCRUN);
	if (a->dry_run)
		return launch_print(&l, f) == 0 ? 0 : end(f, EXIT_CCRUN);
	warn_of_needs(p);
	run(&l, f);
	return end(f, l.executed ? EXIT_CANNOT_EXEC : EXIT_CCRUN);
}

int main(int argc, char **argv)
{
	static struct project pin;
	struct arguments a;
	struct failure f = { 0 };
	int linked;

	if (argc < 1 || io_hold_standard_streams() != 0)
		return EXIT_CCRUN;
	linked = invoked_name_parse(&a, argv, &f);
	if (linked < 0 || (linked == 0 && arguments_parse(&a, argv, &f) != 0))
		return end(&f, EXIT_CCRUN);
	switch (a.action) {
	case ACTION_HELP:
		return fputs(arguments_usage, stdout) < 0 ? EXIT_CCRUN : 0;
	case ACTION_VERSION:
		return puts("ccrun " CCRUN_VERSION) < 0 ? EXIT_CCRUN : 0;
	case ACTION_LIST:
		return list_providers(stdout, &f) == 0 ? 0 : end(&f, EXIT_CCRUN);
	case ACTION_RUN:
		break;
	}
	if (provider_choose(&a, &pin, &f) != 0)
		return end(&f, EXIT_CCRUN);
	if (a.provider[0])
		return start(&a, &pin, &f);
	if (a.unknown) {
		fail_set(&f, FAIL_USAGE, "arguments for claude follow the provider; ccrun --help lists ours",
			 "'%.60s' is no option of ccrun", a.unknown);
		return end(&f, EXIT_CCRUN);
	}
	fail_set(&f, FAIL_USAGE, "ccrun PROVIDER [ARGUMENT ...]; the providers are:",
		 "which provider? none was named");
	end(&f, EXIT_CCRUN);
	list_providers(stderr, &f);
	return EXIT_CCRUN;
}
