/*
 * client/common/options.c - options and words on the command line.
 */
#include "client/common/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
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

int next_option(bool *first, int argc, char **argv, const char *shorts, const struct option *longs,
		struct failure *f)
{
	int opt;

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
	return opt;
}

int no_options(int argc, char **argv, struct failure *f)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };
	bool first = true;

	return next_option(&first, argc, argv, ":", none, f) == -1 ? 0 : -1;
}

int json_option(int argc, char **argv, bool *json, struct failure *f)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 256 },
					       { NULL, 0, NULL, 0 } };
	bool first = true;
	int opt;

	*json = false;
	while ((opt = next_option(&first, argc, argv, ":", longs, f)) != -1) {
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
	static const struct option longs[] = { { "passphrase-fd", required_argument, NULL, 256 },
					       { NULL, 0, NULL, 0 } };
	bool first = true;
	int opt;

	*fd = -1;
	while ((opt = next_option(&first, argc, argv, ":", longs, f)) != -1)
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
