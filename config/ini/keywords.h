/*
 * config/ini/keywords.h - known words of a configuration file, and what to say of others.
 */
#ifndef CONFIG_INI_KEYWORDS_H
#define CONFIG_INI_KEYWORDS_H

#include <stdbool.h>

struct failure;
struct ini_item;

/* Is the word one of words[0..n)? */
bool keywords_have(const char *const *words, unsigned n, const char *word);

/*
 * FAIL_CONFIG "unknown KIND WORD" at the item, the hint being the nearest
 * known word, or all of them.  Returns -1.
 */
int keywords_fail_unknown(const struct ini_item *it, const char *kind, const char *word,
			  const char *const *known, unsigned n, struct failure *f);

#endif
