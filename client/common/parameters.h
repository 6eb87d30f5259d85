/*
 * client/common/parameters.h - a provider's parameters: given with --set, asked for,
 * or missing.
 */
#ifndef CLIENT_COMMON_PARAMETERS_H
#define CLIENT_COMMON_PARAMETERS_H

#include <stdbool.h>

#include "config/provider/provider.h"

struct failure;

/* What --set gave. */
struct given_params {
	char *word[PROVIDER_PARAMS_MAX]; /* KEY=VALUE, in argv */
	unsigned n;
	/* What was given and what was answered on the terminal: not what files say. */
	struct provider_value value[PROVIDER_PARAMS_MAX];
	unsigned values;
	char name[PROVIDER_PARAMS_MAX][NAME_MAX_LEN + 1];
	char answer[PROVIDER_PARAMS_MAX][PROVIDER_VALUE_MAX + 2];
};

/* Add one KEY=VALUE, which must outlive s.  0 or -1. */
int given_params_add(struct given_params *s, char *word, struct failure *f);

/*
 * Store what was given in the user's file of the provider, ask for what is missing,
 * and load the provider again (*p is replaced); s has all that was given then.  FAIL_USAGE, with a
 * command that gives what is missing, when there is no terminal.
 *
 * `model` comes last, with what the server says it has as a list to choose from.  later (or NULL):
 * becomes true where that is for the next call, as the server wants a key that is to be stored
 * first.  0 or -1.
 */
int parameters_settle(struct provider **p, struct given_params *s, bool *later, struct failure *f);

/*
 * What terminal_line asks for a parameter, in out (PARAMETER_QUESTION bytes).  A question of a file
 * of the user's own, which any program may have written, is shown first as that file's, in quotes;
 * what is asked then is in our words alone.  titled: the provider's name before it.  more: what
 * follows, as a default " [x]", or "".
 */
void parameter_question(const struct provider *p, const struct provider_param *param, bool titled,
			const char *more, char *out);
#define PARAMETER_QUESTION (PROVIDER_VALUE_MAX + 700)

/* Note in s a value that a person gave.  Both are copied. */
void given_params_note(struct given_params *s, const char *key, const char *value);

#endif
