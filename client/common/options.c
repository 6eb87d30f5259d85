/*
 * client/common/options.c - options and words on the command line.
 */
#include "client/common/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "spec/spec.h"
#include "wire/names.h"

/* Does this word look like an option?  Otherwise it may be a key, which must not get
 * into a log. */
static bool option_may_be_shown(const char *word, size_t n)
{
	size_t i;

	if (n < 3 || n > 24 || strncmp(word, "--", 2) != 0)
		return false;
	for (i = 2; i < n; i++)
		if ((word[i] < 'a' || word[i] > 'z') && word[i] != '-')
			return false;
	return true;
}

static void option_refuse(int opt, char **argv, struct failure *f)
{
	const char *word = argv[optind - 1],
		   *why = opt == ':' ? "needs a value" : "is unknown here";
	size_t n = strcspn(word, "=");

	if (optopt > ' ' && optopt < 0x7f)
		fail_set(f, FAIL_USAGE, NULL, "option -%c %s", optopt, why);
	else if (option_may_be_shown(word, n))
		fail_set(f, FAIL_USAGE, NULL, "option %.*s %s", (int)n, word, why);
	else
		fail_set(f, FAIL_USAGE, NULL, "an option %s", why);
	fail_hint(f, "ccctl help %s", argv[0]);
}

/* What getopt_long wants of the verb's rows: longs, and shorts, two characters a letter. */
static void option_rows(const struct option_spec *o, struct option longs[SPEC_OPTIONS],
			char shorts[2 * SPEC_OPTIONS + 2])
{
	bool wants;
	size_t n = 0;

	memset(longs, 0, SPEC_OPTIONS * sizeof(*longs));
	*shorts++ = ':';
	for (; o->name || o->letter; o++) {
		wants = o->argument && o->argument[0] != '[';
		if (o->name)
			longs[n++] =
				(struct option){ o->name, wants ? required_argument : no_argument,
						 NULL, (int)o->id };
		if (o->letter)
			*shorts++ = o->letter;
		if (o->letter && wants)
			*shorts++ = ':';
	}
	*shorts = '\0';
}

int next_option(bool *first, int argc, char **argv, struct failure *f)
{
	const struct verb_spec *v = verb_spec_find(argv[0]);
	const struct option_spec *o;
	struct option longs[SPEC_OPTIONS];
	char shorts[2 * SPEC_OPTIONS + 2];
	int opt;

	if (!v) {
		fail_set(f, FAIL_INTERNAL, NULL, "a verb that is in no table");
		return '?';
	}
	option_rows(v->options, longs, shorts);
	if (*first)
		optind = 0; /* glibc: start over */
	*first = false;
	opterr = 0;
	optopt = 0;
	opt = getopt_long(argc, argv, shorts, longs, NULL);
	if (opt == '?' || opt == ':') {
		option_refuse(opt, argv, f);
		return '?';
	}
	for (o = v->options; o->name || o->letter; o++)
		if (o->letter == opt)
			return (int)o->id;
	return opt;
}

int no_options(int argc, char **argv, struct failure *f)
{
	bool first = true;

	return next_option(&first, argc, argv, f) == -1 ? 0 : -1;
}

int json_option(int argc, char **argv, bool *json, struct failure *f)
{
	bool first = true;
	int opt;

	*json = false;
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		*json = true;
	}
	return 0;
}

int require_words(int argc, char **argv, int n, struct failure *f)
{
	if (argc - optind == n)
		return 0;
	if (argc - optind < n)
		fail_set(f, FAIL_USAGE, NULL, "%s: an argument is missing", argv[0]);
	else
		fail_set(f, FAIL_USAGE, NULL,
			 "%s: too many arguments (a key is never an argument: ps and the shell's "
			 "history would show it)",
			 argv[0]);
	fail_hint(f, "ccctl help %s", argv[0]);
	return -1;
}

int number_option(const char *text, long least, long most, const char *what, long *out,
		  struct failure *f)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno || end == text || *end || *out < least || *out > most)
		return fail_set(f, FAIL_USAGE, NULL, "%s must be a whole number from %ld to %ld",
				what, least, most);
	return 0;
}

int passphrase_fd_option(const char *text, int *fd, struct failure *f)
{
	long n;

	if (number_option(text, 0, 1 << 20, "--passphrase-fd", &n, f) != 0)
		return -1;
	if (fcntl((int)n, F_GETFD) < 0)
		return fail_set(f, FAIL_USAGE, "for example: --passphrase-fd 3 3< FILE",
				"--passphrase-fd: descriptor %ld is not open", n);
	*fd = (int)n;
	return 0;
}

int passphrase_fd_alone(int argc, char **argv, int *fd, struct failure *f)
{
	bool first = true;
	int opt;

	*fd = -1;
	while ((opt = next_option(&first, argc, argv, f)) != -1)
		if (opt == '?' || passphrase_fd_option(optarg, fd, f) != 0)
			return -1;
	return 0;
}

int require_name(const char *word, struct failure *f)
{
	if (wire_name_ok(word))
		return 0;
	return fail_set(f, FAIL_USAGE,
			"letters, digits, '.', '_' and '-', 64 at most, a letter or "
			"digit first",
			"not a valid name");
}

int split_provider(const char *word, char name[NAME_MAX_LEN + 1], char mode[NAME_MAX_LEN + 1],
		   struct failure *f)
{
	const char *colon = strchr(word, ':');
	size_t n = colon ? (size_t)(colon - word) : strlen(word);

	name[0] = mode[0] = '\0';
	if (n <= NAME_MAX_LEN) {
		memcpy(name, word, n);
		name[n] = '\0';
	}
	if (require_name(name, f) != 0)
		return -1;
	if (!colon)
		return 0;
	if (require_name(colon + 1, f) != 0)
		return -1;
	memcpy(mode, colon + 1, strlen(colon + 1) + 1);
	return 0;
}
