/*
 * shim/arguments.c - reading ccrun's command line.
 */
#include "shim/arguments.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "spec/spec.h"
#include "wire/names.h"

void arguments_print_help(FILE *out)
{
	spec_print_forms(out, "ccrun", NULL, spec_ccrun.forms);
	putc('\n', out);
	spec_print_wrapped(
		out,
		"Runs Claude Code on a provider of models.  The key comes from the vault "
		"and is in no file, no argument and no environment block.  Without a "
		"provider, the project's is used, else the default.  Arguments after the "
		"provider go to claude.",
		0, 0);
	putc('\n', out);
	spec_print_options(out, spec_ccrun.options);
	putc('\n', out);
	spec_print_wrapped(out,
			   "On the first run on a terminal, ccrun asks for what is missing.  See "
			   "ccrun(1), ccctl(1).",
			   0, 0);
}

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

void arguments_set_wrapped(struct arguments *a, char **words)
{
	if (words[0][0] != '-')
		a->program = *words++;
	a->rest = words;
}

/* --wrap PROVIDER PROGRAM ..., as an editor calls it; argv begins behind --wrap. */
static int arguments_parse_wrap(struct arguments *a, char **argv, struct failure *f)
{
	if (!argv[0] || !argv[1])
		return fail_set(f, FAIL_USAGE, "ccrun --wrap PROVIDER PROGRAM [ARGUMENT ...]",
				"--wrap needs a provider and a program");
	arguments_set_wrapped(a, argv + 1);
	return arguments_set_provider(a, argv[0], f);
}

/* --exec PROGRAM or --exec=PROGRAM; *argv is left at its last word.  0 or -1. */
static int arguments_parse_exec(struct arguments *a, char ***argv, struct failure *f)
{
	char *with = strchr(**argv, '=');

	if (!with)
		++*argv;
	a->program = with ? with + 1 : **argv;
	if (!a->program || !a->program[0])
		return fail_set(f, FAIL_USAGE, "ccrun --exec PROGRAM PROVIDER",
				"--exec needs a program");
	return 0;
}

/* The options that have no argument. */
static void arguments_note_option(struct arguments *a, enum option_id id)
{
	switch (id) {
	case OPTION_DRY_RUN:
		a->dry_run = true;
		break;
	case OPTION_NO_KEY:
		a->no_key = true;
		break;
	case OPTION_MODELS:
		a->ask = "models";
		break;
	case OPTION_TEST:
		a->ask = "test";
		break;
	case OPTION_CLIENT:
		a->action = ACTION_CLIENT;
		break;
	case OPTION_LIST:
		a->action = ACTION_LIST;
		break;
	case OPTION_HELP:
		a->action = ACTION_HELP;
		break;
	case OPTION_VERSION:
		a->action = ACTION_VERSION;
		break;
	default:
		break;
	}
}

int arguments_parse(struct arguments *a, char **argv, struct failure *f)
{
	const struct option_spec *o;

	memset(a, 0, sizeof(*a));
	for (argv++; *argv && (*argv)[0] == '-'; argv++) {
		o = option_spec_find(spec_ccrun.options, *argv);
		if (!o)
			break;
		if (o->id == OPTION_WRAP)
			return arguments_parse_wrap(a, argv + 1, f);
		if (o->id == OPTION_EXEC && arguments_parse_exec(a, &argv, f) != 0)
			return -1;
		arguments_note_option(a, o->id);
	}
	a->rest = argv;
	/* A caller that puts the program first; no provider is called so. */
	if (*argv && (*argv)[0] == '/' && !a->program) {
		a->wraps = true;
		arguments_set_wrapped(a, argv);
		return 0;
	}
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
