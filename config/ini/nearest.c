/*
 * config/ini/nearest.c - edit distance over short words, for hints.
 */
#include "config/ini/nearest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 64 /* no known word is longer */

static int char_fold(char c)
{
	return c == '-' ? '_' : tolower((unsigned char)c);
}

/* Edit distance in which swapping two neighbours is one edit (optimal string alignment). */
static unsigned edit_distance(const char *a, unsigned n, const char *b, unsigned m)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1], i, j, best;

	for (i = 0; i <= n; i++)
		d[i][0] = i;
	for (j = 0; j <= m; j++)
		d[0][j] = j;
	for (i = 1; i <= n; i++)
		for (j = 1; j <= m; j++) {
			best = d[i - 1][j - 1] + (char_fold(a[i - 1]) != char_fold(b[j - 1]));
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && char_fold(a[i - 1]) == char_fold(b[j - 2]) &&
			    char_fold(a[i - 2]) == char_fold(b[j - 1]) &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[n][m];
}

const char *nearest_word(const char *word, const char *const *words, unsigned n)
{
	size_t len = strnlen(word, WORD_MAX + 1), other;
	const char *found = NULL;
	unsigned i, d, best;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	/* Near is: at most one edit, and one more for every three characters. */
	best = 2 + (unsigned)len / 3;
	for (i = 0; i < n; i++) {
		other = strnlen(words[i], WORD_MAX + 1);
		if (other > WORD_MAX)
			continue;
		d = edit_distance(word, (unsigned)len, words[i], (unsigned)other);
		if (d < best) {
			found = words[i];
			best = d;
		}
	}
	return found;
}
