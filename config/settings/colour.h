/*
 * config/settings/colour.h - a colour as the user writes it, and as a terminal reads it.
 */
#ifndef CONFIG_SETTINGS_COLOUR_H
#define CONFIG_SETTINGS_COLOUR_H

#define COLOUR_TEXT 64 /* words, with the NUL */
#define COLOUR_SGR 24  /* the longest sequence of parameters, with its NUL */

/*
 * Words: black red green yellow blue magenta cyan white, each also as
 * bright-NAME, a number of the 256-colour palette, dim, bold, or none alone.
 * At most one colour.  sgr: parameters of "select graphic rendition" ("2;36"),
 * "" for none.  Returns 0, or -1 and sgr is "".
 */
int colour_sgr(const char *words, char sgr[COLOUR_SGR]);

#endif
