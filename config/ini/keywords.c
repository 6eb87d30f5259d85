/*
 * config/ini/keywords.c - refusing an unknown section or key, with a hint.
 */
#include "config/ini/keywords.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/ini/nearest.h"

int keywords_fail_unknown(const struct ini_item *it, const char *kind, const char *word,
			  const char *const *known, unsigned n, struct failure *f)
{
	const char *near = nearest_word(word, known, n);
	char hint[300] = "known are: ";
	size_t used = strlen(hint);
	unsigned i;

	if (near)
		snprintf(hint, sizeof(hint), "did you mean %s?", near);
	else
		for (i = 0; i < n && used < sizeof(hint) - 1; i++)
			used += (size_t)snprintf(hint + used, sizeof(hint) - used, "%s%s",
						 i ? ", " : "", known[i]);
	if (it->key)
		return ini_fail(f, it, hint, "unknown %s %.64s in [%s]", kind, word, it->section);
	return ini_fail(f, it, hint, "unknown %s [%.64s]", kind, word);
}

bool keywords_have(const char *const *words, unsigned n, const char *word)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}
