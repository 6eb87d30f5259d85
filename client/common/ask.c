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
#include "display/text.h"
#include "start/terminal.h"

#define DESCRIPTION 960 /* escaped: with its command it fits into a line of Assuan's */
#define LINE 96		/* one fact, or the purpose, escaped */
#define LEAST 32	/* of a fact's text, whatever is said about it */
#define FACTS 7

/* "ccctl get demo", or nothing. */
static char purpose[LINE];
static pid_t asker;

/* "directory: /home/anna/src", a line each. */
static char fact[FACTS][LINE];
static unsigned facts;

/* The bytes that it takes in a line of Assuan's. */
static size_t escaped_length(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '%' ? 3 : 1;
	return n;
}

/* Text that may be anybody's, cleaned and cut until it takes less than room bytes. */
static void text_cut(char out[LINE], size_t room, const char *text)
{
	char clean[1024 + 2];
	unsigned columns = LINE;

	display_clean(text, strlen(text), clean, sizeof(clean) - 2);
	while (escaped_length(clean) >= room)
		display_cut(clean, --columns);
	memcpy(out, clean, strlen(clean) + 1);
}

void ask_note_purpose(int argc, char **argv)
{
	char text[512];
	size_t n;
	int i;

	n = (size_t)snprintf(text, sizeof(text), "ccctl");
	for (i = 1; i < argc && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", argv[i]);
	text_cut(purpose, LINE, text);
	asker = getpid();
}

void ask_note_fact(const char *what, const char *text, const char *behind)
{
	size_t around = strlen(what) + strlen(": ") + strlen(behind);
	char cut[LINE], line[512];

	if (facts == FACTS)
		return;
	text_cut(cut, around < LINE - LEAST ? LINE - around : LEAST, text);
	snprintf(line, sizeof(line), "%s: %s%s", what, cut, behind);
	text_cut(fact[facts++], LINE, line);
}

/* The colon and the blank at a prompt's end are for the terminal. */
static void description_write(char out[DESCRIPTION], const char *prompt)
{
	size_t n = (size_t)snprintf(out, DESCRIPTION, "%.*s", (int)strcspn(prompt, ":"), prompt);
	unsigned i;

	if (purpose[0] && n < DESCRIPTION)
		n += (size_t)snprintf(out + n, DESCRIPTION - n, "\nfor: %s (pid %d)", purpose,
				      (int)asker);
	for (i = 0; i < facts && n < DESCRIPTION; i++)
		n += (size_t)snprintf(out + n, DESCRIPTION - n, "\n%s", fact[i]);
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
	description_write(description, q->prompt);
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
