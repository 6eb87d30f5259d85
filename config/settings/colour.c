/*
 * config/settings/colour.c - from the words for a colour to the numbers of a terminal sequence.
 */
#include "config/settings/colour.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

static const char *const names[] = { "black", "red",	 "green", "yellow",
				     "blue",  "magenta", "cyan",  "white" };

/* The SGR parameters of one colour; false when the word is none. */
static bool colour_parse_word(const char *word, char out[12])
{
	int bright = strncmp(word, "bright-", 7) == 0, i;
	unsigned long n;

	for (i = 0; i < 8; i++)
		if (strcmp(word + 7 * bright, names[i]) == 0) {
			snprintf(out, 12, "%d", (bright ? 90 : 30) + i);
			return true;
		}
	if (strlen(word) > 3 || !number_parse(word, 0, 255, &n))
		return false;
	snprintf(out, 12, "38;5;%lu", n);
	return true;
}

int colour_sgr(const char *words, char sgr[COLOUR_SGR])
{
	char copy[COLOUR_TEXT], which[12] = "", *word, *save = NULL;
	bool bold = false, dim = false, none = false;

	sgr[0] = '\0';
	if (strlen(words) >= sizeof(copy))
		return -1;
	memcpy(copy, words, strlen(words) + 1);
	for (word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (none)
			return -1;
		if (strcmp(word, "bold") == 0)
			bold = true;
		else if (strcmp(word, "dim") == 0)
			dim = true;
		else if (strcmp(word, "none") == 0 && !bold && !dim && !which[0])
			none = true;
		else if (which[0] || !colour_parse_word(word, which))
			return -1;
	}
	if (!none && !bold && !dim && !which[0])
		return -1;
	snprintf(sgr, COLOUR_SGR, "%s%s%s%s%s", bold ? "1" : "", bold && dim ? ";" : "",
		 dim ? "2" : "", (bold || dim) && which[0] ? ";" : "", which);
	return 0;
}
