/*
 * shim/arguments.c - reading ccrun's command line.
 */
#include "shim/arguments.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "wire/names.h"

const char arguments_usage[] =
	"usage: ccrun [-n | --dry-run] [--no-key] [--exec PROG] PROVIDER[:MODE] [--MODE ...] [--]\n"
	"             [ARGUMENT ...]\n"
	"       ccrun [-n] [--] [ARGUMENT ...]       the project's provider, else the default\n"
	"       ccrun --wrap PROVIDER[:MODE] PROG [ARGUMENT ...]\n"
	"       ccrun --list | --help | --version\n"
	"\n"
	"Runs Claude Code on a provider of models.  The key comes from the vault and is in\n"
	"no file, no argument and no environment block.  Arguments after the provider go to\n"
	"claude.\n"
	"\n"
	"  -n, --dry-run  print what would be run and set, one fact a line\n"
	"  --exec PROG    run PROG instead of the claude in PATH\n"
	"  --no-key       it is meant to have no key, as your own file of the provider says\n"
	"  --wrap         run PROG; for editors that put the program before its arguments\n"
	"  --list         list the providers and their modes\n"
	"\n"
	"On the first run on a terminal, ccrun asks for what is missing.  See ccrun(1),\n"
	"ccctl(1).\n";

int arguments_set_provider(struct arguments *a, const char *word, struct failure *f)
{
	const char *colon = strchr(word, ':');
	size_t n = colon ? (size_t)(colon - word) : strlen(word);

	if (n >= sizeof(a->provider) || (colon && strlen(colon + 1) >= sizeof(a->mode)))
		return fail_set(f, FAIL_USAGE, "ccrun --list", "no provider has a name that long");
	memcpy(a->provider, word, n);
	a->provider[n] = '\0';
	if (colon)
		memcpy(a->mode, colon + 1, strlen(colon + 1) + 1);
	if (!wire_name_ok(a->provider) || (colon && !wire_name_ok(a->mode)))
		return fail_set(f, FAIL_USAGE, "ccrun --list",
				"'%.80s' cannot be a provider's name", word);
	return 0;
}

/* --wrap PROVIDER PROG ..., as an editor calls it; argv begins behind --wrap. */
static int arguments_parse_wrap(struct arguments *a, char **argv, struct failure *f)
{
	if (!argv[0] || !argv[1])
		return fail_set(f, FAIL_USAGE, "ccrun --wrap PROVIDER PROG [ARGUMENT ...]",
				"--wrap needs a provider and a program");
	a->program = argv[1];
	a->rest = argv + 2;
	return arguments_set_provider(a, argv[0], f);
}

int arguments_parse(struct arguments *a, char **argv, struct failure *f)
{
	memset(a, 0, sizeof(*a));
	for (argv++; *argv && (*argv)[0] == '-'; argv++) {
		const char *w = *argv;

		if (strcmp(w, "-n") == 0 || strcmp(w, "--dry-run") == 0) {
			a->dry_run = true;
		} else if (strcmp(w, "--no-key") == 0) {
			a->no_key = true;
		} else if (strcmp(w, "--list") == 0) {
			a->action = ACTION_LIST;
		} else if (strcmp(w, "--models") == 0) {
			a->models = true;
		} else if (strcmp(w, "--help") == 0 || strcmp(w, "-h") == 0) {
			a->action = ACTION_HELP;
		} else if (strcmp(w, "--version") == 0) {
			a->action = ACTION_VERSION;
		} else if (strcmp(w, "--wrap") == 0) {
			return arguments_parse_wrap(a, argv + 1, f);
		} else if (strcmp(w, "--exec") == 0) {
			if (!argv[1] || !argv[1][0])
				return fail_set(f, FAIL_USAGE, "ccrun --exec PROG PROVIDER",
						"--exec needs a program");
			a->program = *++argv;
		} else if (strncmp(w, "--exec=", 7) == 0 && w[7]) {
			a->program = w + 7;
		} else {
			break;
		}
	}
	a->rest = argv;
	if (*argv && (*argv)[0] != '-') {
		a->rest = argv + 1;
		return arguments_set_provider(a, *argv, f);
	}
	/* "--" stays in a->rest: arguments_take_modes removes it. */
	if (*argv && strcmp(*argv, "--") != 0)
		a->unknown = *argv;
	return 0;
}

int arguments_take_modes(struct arguments *a, char known[][NAME_MAX_LEN + 1], unsigned n,
			 struct failure *f)
{
	unsigned i;

	for (; *a->rest && strncmp(*a->rest, "--", 2) == 0; a->rest++) {
		const char *word = *a->rest + 2;

		if (!*word) {
			a->rest++;
			break;
		}
		for (i = 0; i < n && strcmp(known[i], word) != 0; i++)
			;
		if (i == n)
			break;
		if (a->mode[0] && !a->mode_replaceable && strcmp(a->mode, word) != 0)
			return fail_set(f, FAIL_USAGE, NULL, "two modes at once: %s and %s",
					a->mode, word);
		snprintf(a->mode, sizeof(a->mode), "%s", word);
		a->mode_replaceable = false;
	}
	return 0;
}
