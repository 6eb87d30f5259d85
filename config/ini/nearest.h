/*
 * config/ini/nearest.h - "did you mean": the known word nearest to a mistyped one.
 */
#ifndef CONFIG_INI_NEAREST_H
#define CONFIG_INI_NEAREST_H

/*
 * The word of words[0..n) with the least edit distance to `word` (case and
 * '-' against '_' cost nothing), or NULL when none is near.
 */
const char *nearest_word(const char *word, const char *const *words, unsigned n);

#endif
