/*
 * shim/account.c - what of the client works with the person's own account of claude.ai alone.
 */
#include "shim/account.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/provider.h"

static const char *const verbs[] = { "remote-control", "rc", "ultrareview" };
static const char *const options[] = { "--remote-control", "--rc", "--cloud", "--teleport" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Is the word this option, or "OPTION=value"? */
static bool word_is(const char *word, const char *option)
{
	size_t n = strlen(option);

	return strncmp(word, option, n) == 0 && (word[n] == '\0' || word[n] == '=');
}

static const char *account_word(char *const *words)
{
	unsigned i;

	for (i = 0; words[0] && i < COUNT(verbs); i++)
		if (strcmp(words[0], verbs[i]) == 0)
			return verbs[i];
	for (; *words && strcmp(*words, "--") != 0; words++)
		for (i = 0; i < COUNT(options); i++)
			if (word_is(*words, options[i]))
				return options[i];
	return NULL;
}

int account_check(const struct provider *p, char *const *words, struct failure *f)
{
	const char *word = account_word(words);

	/* Without an address and a key of its own it is that account that a provider uses. */
	if (!word || p->auth == AUTH_OAUTH || (p->auth == AUTH_NONE && !p->base_url[0]))
		return 0;
	fail_set(f, FAIL_POLICY, NULL,
		 "%s works with your own account of claude.ai alone, which %s does not use", word,
		 p->title);
	fail_hint(f, "without ccrun: claude %s", word);
	if (word[0] == '-')
		fail_hint_add(f, "; or start this session without it");
	return -1;
}
