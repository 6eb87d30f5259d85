/*
 * config/ini/keywords.h - the known sections and keys of a configuration file.
 */
#ifndef CONFIG_INI_KEYWORDS_H
#define CONFIG_INI_KEYWORDS_H

#include <stdbool.h>

struct failure;
struct ini_item;

/* Is the word one of words[0..n)? */
bool keywords_have(const char *const *words, unsigned n, const char *word);

/* FAIL_CONFIG "unknown KIND WORD" at the item, with the nearest known word or all of them as
 * the hint.  Returns -1. */
int keywords_fail_unknown(const struct ini_item *it, const char *kind, const char *word,
			  const char *const *known, unsigned n, struct failure *f);

#endif
