/*
 * config/ini/keywords.c - refusing an unknown section or key, with a hint.
 */
#include "config/ini/keywords.h"

#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/ini/nearest.h"

int keywords_fail_unknown(const struct ini_item *it, const char *kind, const char *word,
			  const char *const *known, unsigned n, struct failure *f)
{
	const char *near = nearest_word(word, known, n);
	unsigned i;

	if (it->key)
		ini_fail(f, it, NULL, "unknown %s %.64s in [%s]", kind, word, it->section);
	else
		ini_fail(f, it, NULL, "unknown %s [%.64s]", kind, word);
	if (near)
		fail_hint(f, "did you mean %s?", near);
	for (i = 0; i < n && !near; i++)
		fail_hint_add(f, i ? ", %s" : "known are: %s", known[i]);
	return -1;
}

bool keywords_have(const char *const *words, unsigned n, const char *word)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}
