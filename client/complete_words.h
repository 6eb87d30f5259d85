/*
 * client/complete_words.h - the words that could stand where one is being typed.
 *
 * Names alone: never a secret, never a question, no message.  Of the broker only what runs
 * is asked, and not for long.
 */
#ifndef CLIENT_COMPLETE_WORDS_H
#define CLIENT_COMPLETE_WORDS_H

#include <stdbool.h>

#include "spec/spec.h"

struct client;

struct completion {
	struct client *c;
	const char *const *word; /* those before it */
	unsigned n;
	const char *now;      /* what is there of it, behind `before` */
	const char *before;   /* "--by=" */
	unsigned offered;     /* how many were printed */
	unsigned kinds;	      /* a bit for each enum word_kind that was offered */
	const char *provider; /* that of a line of ccrun, or NULL */
	bool claude;	      /* the word is for claude */
};

/* Print a word, if it begins with what is there, and what it is (or NULL). */
void complete_offer(struct completion *k, const char *value, const char *what);

/* Print what an option's argument can be: a placeholder or a choice, of n characters. */
void complete_argument(struct completion *k, const char *argument, size_t n);

/* Print the modes of a provider, as options. */
void complete_modes(struct completion *k, const char *provider);

#endif
