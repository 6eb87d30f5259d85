/*
 * client/common/ask.h - asking the person for a secret, where their settings want it asked:
 * on the terminal, or by pinentry.
 */
#ifndef CLIENT_COMMON_ASK_H
#define CLIENT_COMMON_ASK_H

#include <stdbool.h>

struct failure;
struct secret;

struct ask {
	const char *prompt; /* "Passphrase for your vault: " */
	const char *field;  /* "Passphrase": what stands before the field in a dialogue */
	const char *wrong;  /* why it is asked again, without a period; NULL at first */
};

/*
 * What the program was called for, and its PID, which a dialogue in a window of its own tells
 * the person: who asks, and why.  Once, before it forks.
 */
void ask_note_purpose(int argc, char **argv);

/*
 * What the answer agrees to, for a dialogue, which may cover the terminal that shows it: lines
 * "what: text" and what is to be said behind it.  text may be anybody's, and is cut where it is
 * too long for a line; there is room for seven.
 */
void ask_note_fact(const char *what, const char *text, const char *behind);

/* Can the person be asked? */
bool ask_possible(void);

/* Ask without echo; the answer goes straight into s.  0 or -1, as terminal_secret. */
int ask_secret(const struct ask *q, struct secret *s, struct failure *f);

/*
 * Ask for a new secret, and when check finds it good, once more, with the prompt `again`.
 * copy: room for the second.  FAIL_BAD_VALUE: it is not good, or the two differ; another
 * try may do.
 */
int ask_new_secret(const struct ask *q, const char *again,
		   int (*check)(const struct secret *s, struct failure *f), struct secret *s,
		   struct secret *copy, struct failure *f);

#endif
