/*
 * client/common/ask.c - one question for a secret, on the terminal or by pinentry.
 */
#include "client/common/ask.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "client/common/pinentry.h"
#include "client/common/secret.h"
#include "client/common/terminal.h"
#include "config/settings/pinentry_conf.h"

#define DESCRIPTION 280
#define PURPOSE 120
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_./:=,+@"

/* "ccctl get demo (pid 123)", or nothing. */
static char purpose[PURPOSE];

void ask_note_purpose(int argc, char **argv)
{
	size_t n, room = sizeof(purpose) - sizeof(" (pid 2147483647)");
	int i;

	n = (size_t)snprintf(purpose, sizeof(purpose), "ccctl");
	for (i = 1; i < argc && n < room; i++)
		n += (size_t)snprintf(purpose + n, room - n, " %s", argv[i]);
	if (n >= room)
		n = room - 1;
	/* A window's toolkit may take "<" or "&" for markup. */
	for (i = 0; (size_t)i < n; i++)
		if (!strchr(PLAIN, purpose[i]))
			purpose[i] = '?';
	snprintf(purpose + n, sizeof(purpose) - n, " (pid %d)", (int)getpid());
}

bool ask_possible(void)
{
	char program[PATH_SIZE];

	/* With a setting that is wrong, the question itself says so. */
	return pinentry_conf_read(program, NULL) == 1 ? pinentry_possible() : terminal_exists();
}

/* As ask_secret; again: the prompt of a second field, or NULL. */
static int ask_once(const struct ask *q, const char *again, struct secret *s, bool *repeated,
		    struct failure *f)
{
	char program[PATH_SIZE], description[DESCRIPTION];
	struct pinentry p = { .program = program,
			      .description = description,
			      .prompt = q->field,
			      .error = q->wrong,
			      .repeat = again };
	int r = pinentry_conf_read(program, f);

	*repeated = false;
	if (r < 0)
		return -1;
	if (r == 0 && q->wrong)
		terminal_say("%s.", q->wrong);
	if (r == 0)
		return terminal_secret(q->prompt, s, f);
	/* The colon and the blank at its end are for the terminal. */
	snprintf(description, sizeof(description), "%.*s%s%s", (int)strcspn(q->prompt, ":"),
		 q->prompt, purpose[0] ? "\nfor: " : "", purpose);
	return pinentry_secret(&p, s, repeated, f);
}

int ask_secret(const struct ask *q, struct secret *s, struct failure *f)
{
	bool repeated;

	return ask_once(q, NULL, s, &repeated, f);
}

int ask_new_secret(const struct ask *q, const char *again,
		   int (*check)(const struct secret *s, struct failure *f), struct secret *s,
		   struct secret *copy, struct failure *f)
{
	struct ask second = { .prompt = again, .field = q->field };
	bool repeated;

	if (ask_once(q, "Once more", s, &repeated, f) != 0 || check(s, f) != 0)
		return -1;
	if (repeated)
		return 0;
	if (ask_secret(&second, copy, f) != 0)
		return -1;
	if (copy->n == s->n && memcmp(copy->p, s->p, s->n) == 0)
		return 0;
	return fail_set(f, FAIL_BAD_VALUE, "try again", "the two passphrases differ");
}
