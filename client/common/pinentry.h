/*
 * client/common/pinentry.h - questions that pinentry puts to the person, in a window or on
 * the terminal.
 *
 * Any program that may ask a person can use it; whether it is to be used is the person's
 * setting (config/settings/pinentry_conf.h), which also says which program.
 */
#ifndef CLIENT_COMMON_PINENTRY_H
#define CLIENT_COMMON_PINENTRY_H

#include <stdbool.h>

struct failure;
struct secret;

struct pinentry {
	const char *program;	 /* a path that the person's enemies cannot replace */
	const char *description; /* what is asked: a line or more */
	const char *prompt;	 /* before the field; for a secret */
	const char *error;	 /* what was wrong with the last answer, or NULL */
	const char *repeat;	 /* before a second field for the same, or NULL */
};

/* Is there a terminal or a display for it to ask on? */
bool pinentry_possible(void);

/*
 * Ask for a secret, which goes straight into s.  *repeated: it was typed twice, alike, as
 * p->repeat demanded (NULL if that is not demanded); an old pinentry cannot do it.  Where
 * pinentry uses the terminal, what terminal.h says of other processes holds here as well,
 * but for the moment in which it opens the terminal.
 * 0, or -1: FAIL_DECLINED when the person cancelled it.
 */
int pinentry_secret(const struct pinentry *p, struct secret *s, bool *repeated, struct failure *f);

/* Ask a question: yes or no; to close the window is no.  0, or -1: it could not be asked. */
int pinentry_confirm(const struct pinentry *p, bool *yes, struct failure *f);

#endif
