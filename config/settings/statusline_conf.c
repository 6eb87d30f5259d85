/*
 * config/settings/statusline_conf.c - [statusline] of ccrun.conf, key by key.
 */
#include "config/settings/statusline_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/number.h"
#include "config/ini/ini_file.h"
#include "config/ini/keywords.h"

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))
#define WORDS_MAX 16

static const char *const parts[PART_COUNT] = { "provider", "quota",   "context",  "branch", "repo",
					       "model",	   "cost",    "duration", "lines",  "dir",
					       "effort",   "session", "spent" };
/* The names of the colours that belong to no part, in the order of enum status_colour. */
static const char *const colours[] = { "separator", "warn", "high", "stale" };
_Static_assert(COUNT(colours) == (unsigned)COLOUR_COUNT - (unsigned)PART_COUNT,
	       "one name a colour");

static const char *const keys[] = { "parts",	    "separator",  "width",    "label-width",
				    "branch-width", "repo-width", "quota-at", "context-at",
				    "windows",	    "reset",	  "clock",    "link",
				    "dirty",	    "dirty-ms" };
static const char colour_key[] = "colour-";

void statusline_conf_default(struct statusline_conf *s)
{
	static const enum status_part first[] = { PART_PROVIDER, PART_QUOTA, PART_CONTEXT,
						  PART_BRANCH, PART_REPO };
	static const char *const sgr[COLOUR_COUNT] = {
		[PART_PROVIDER] = "36",	  [PART_QUOTA] = "32",	 [PART_CONTEXT] = "36",
		[PART_BRANCH] = "34",	  [PART_REPO] = "35",	 [PART_MODEL] = "36",
		[PART_COST] = "33",	  [PART_DURATION] = "2", [PART_LINES] = "2",
		[PART_DIR] = "35",	  [PART_EFFORT] = "2",	 [PART_SESSION] = "2",
		[COLOUR_WARN] = "33",	  [COLOUR_HIGH] = "31",	 [COLOUR_STALE] = "2",
		[COLOUR_SEPARATOR] = "2", [PART_SPENT] = "33",
	};
	static const char *const windows[] = { "5h", "wk", "money" };
	unsigned i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < COUNT(first); i++)
		s->part[s->parts++] = first[i];
	for (i = 0; i < COLOUR_COUNT; i++)
		snprintf(s->colour[i], COLOUR_SGR, "%s", sgr[i]);
	for (i = 0; i < COUNT(windows); i++)
		snprintf(s->window[s->windows++], STATUS_WINDOW, "%s", windows[i]);
	snprintf(s->separator, sizeof(s->separator), " | ");
	s->label = 16;
	s->branch = 32;
	s->repo = 32;
	s->quota_at[0] = s->context_at[0] = 50;
	s->quota_at[1] = s->context_at[1] = 80;
	s->link = true;
	s->dirty_ms = 50;
}

/* ---- values ---- */

static int conf_set_number(const struct ini_item *it, unsigned min, unsigned max, unsigned *out,
			   struct failure *f)
{
	unsigned long n;

	if (strlen(it->value) <= 5 && number_parse(it->value, min, max, &n)) {
		*out = (unsigned)n;
		return 0;
	}
	return ini_fail(f, it, NULL, "%s is a number from %u to %u", it->key, min, max);
}

static int conf_set_bool(const struct ini_item *it, bool *out, struct failure *f)
{
	*out = strcmp(it->value, "yes") == 0;
	if (!*out && strcmp(it->value, "no") != 0)
		return ini_fail(f, it, NULL, "%s is yes or no", it->key);
	return 0;
}

/* The index of the value among the words, or -1. */
static int conf_choice(const struct ini_item *it, const char *const *words, unsigned n,
		       struct failure *f)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcmp(it->value, words[i]) == 0)
			return (int)i;
	return keywords_fail_unknown(it, "word", it->value, words, n, f);
}

/* Split the value into words, which point into copy.  Returns the count, or -1. */
static int conf_split(const struct ini_item *it, char copy[256], char *word[WORDS_MAX],
		      struct failure *f)
{
	char *p, *save = NULL;
	int n = 0;

	if (strlen(it->value) >= 256)
		return ini_fail(f, it, NULL, "%s: too long", it->key);
	memcpy(copy, it->value, strlen(it->value) + 1);
	for (p = strtok_r(copy, " \t,", &save); p; p = strtok_r(NULL, " \t,", &save)) {
		if (n == WORDS_MAX)
			return ini_fail(f, it, NULL, "%s: more than %d words", it->key, WORDS_MAX);
		word[n++] = p;
	}
	return n;
}

static int conf_set_parts(const struct ini_item *it, struct statusline_conf *s, struct failure *f)
{
	char copy[256], *word[WORDS_MAX];
	int i, k, n = conf_split(it, copy, word, f);
	unsigned p;

	s->parts = 0;
	for (i = 0; i < n; i++) {
		if (!keywords_have(parts, PART_COUNT, word[i]))
			return keywords_fail_unknown(it, "part", word[i], parts, PART_COUNT, f);
		for (k = 0; k < i; k++)
			if (strcmp(word[k], word[i]) == 0)
				return ini_fail(f, it, NULL, "%s is there twice", word[i]);
		for (p = 0; strcmp(parts[p], word[i]) != 0; p++)
			;
		s->part[s->parts++] = (enum status_part)p;
	}
	if (n == 0)
		return ini_fail(f, it, "leave the key out for the usual ones", "no parts");
	return n < 0 ? -1 : 0;
}

static int conf_set_windows(const struct ini_item *it, struct statusline_conf *s, struct failure *f)
{
	char copy[256], *word[WORDS_MAX];
	int i, n = conf_split(it, copy, word, f);

	s->windows = 0;
	for (i = 0; i < n; i++) {
		if (i == STATUS_WINDOWS || strlen(word[i]) >= STATUS_WINDOW)
			return ini_fail(f, it, "like 5h, wk, money, all",
					"windows: at most %d words of at most %d characters",
					STATUS_WINDOWS, STATUS_WINDOW - 1);
		memcpy(s->window[s->windows++], word[i], strlen(word[i]) + 1);
	}
	return n < 0 ? -1 : 0;
}

static int conf_set_separator(const struct ini_item *it, struct statusline_conf *s,
			      struct failure *f)
{
	const char *v = it->value;
	size_t n = strlen(v);

	if (n == 0 || n >= sizeof(s->separator))
		return ini_fail(f, it, "like \" | \"", "separator has 1 to %d bytes",
				STATUS_SEPARATOR - 1);
	memcpy(s->separator, v, n);
	s->separator[n] = '\0';
	return 0;
}

static int conf_set_thresholds(const struct ini_item *it, unsigned at[2], struct failure *f)
{
	unsigned a, b;
	char end;

	if (sscanf(it->value, "%3u %3u%c", &a, &b, &end) != 2 || a > b)
		return ini_fail(f, it, "like 50 80", "%s is two percentages, the lower one first",
				it->key);
	at[0] = a;
	at[1] = b;
	return 0;
}

static int conf_set_colour(const struct ini_item *it, struct statusline_conf *s, struct failure *f)
{
	const char *known[COLOUR_COUNT], *word = it->key + strlen(colour_key);
	unsigned i;

	memcpy(known, parts, sizeof(parts));
	memcpy(known + PART_COUNT, colours, sizeof(colours));
	for (i = 0; i < COLOUR_COUNT && strcmp(known[i], word) != 0; i++)
		;
	if (i == COLOUR_COUNT)
		return keywords_fail_unknown(it, "part", word, known, COLOUR_COUNT, f);
	if (colour_sgr(it->value, s->colour[i]) != 0)
		return ini_fail(f, it, "like cyan, bright-red, bold 208, dim, none",
				"%s is no colour", it->key);
	return 0;
}

static int conf_set_choice(const struct ini_item *it, struct statusline_conf *s, struct failure *f)
{
	static const char *const resets[] = { "no", "left", "clock" };
	static const char *const clocks[] = { "24h", "12h" };
	bool reset = strcmp(it->key, "reset") == 0;
	int n = reset ? conf_choice(it, resets, 3, f) : conf_choice(it, clocks, 2, f);

	if (n < 0)
		return -1;
	if (reset)
		s->reset = (enum status_reset)n;
	else
		s->twelve = n == 1;
	return 0;
}

static int conf_set_item(const struct ini_item *it, struct statusline_conf *s, struct failure *f)
{
	const char *k = it->key;

	if (strncmp(k, colour_key, strlen(colour_key)) == 0)
		return conf_set_colour(it, s, f);
	if (strcmp(k, "parts") == 0)
		return conf_set_parts(it, s, f);
	if (strcmp(k, "separator") == 0)
		return conf_set_separator(it, s, f);
	if (strcmp(k, "windows") == 0)
		return conf_set_windows(it, s, f);
	if (strcmp(k, "quota-at") == 0)
		return conf_set_thresholds(it, s->quota_at, f);
	if (strcmp(k, "context-at") == 0)
		return conf_set_thresholds(it, s->context_at, f);
	if (strcmp(k, "reset") == 0 || strcmp(k, "clock") == 0)
		return conf_set_choice(it, s, f);
	if (strcmp(k, "link") == 0)
		return conf_set_bool(it, &s->link, f);
	if (strcmp(k, "dirty") == 0)
		return conf_set_bool(it, &s->dirty, f);
	if (strcmp(k, "dirty-ms") == 0)
		return conf_set_number(it, 1, 1000, &s->dirty_ms, f);
	if (strcmp(k, "width") == 0)
		return conf_set_number(it, 0, 1000, &s->width, f);
	if (strcmp(k, "label-width") == 0)
		return conf_set_number(it, 1, 200, &s->label, f);
	if (strcmp(k, "branch-width") == 0)
		return conf_set_number(it, 1, 200, &s->branch, f);
	if (strcmp(k, "repo-width") == 0)
		return conf_set_number(it, 1, 200, &s->repo, f);
	return keywords_fail_unknown(it, "key", k, keys, COUNT(keys), f);
}

int statusline_conf_read(const struct ini_file *file, struct statusline_conf *s, struct failure *f)
{
	unsigned i;

	for (i = 0; i < file->items; i++) {
		if (!file->item[i].key || strcmp(file->item[i].section, "statusline") != 0)
			continue;
		if (conf_set_item(&file->item[i], s, f) != 0) {
			statusline_conf_default(s);
			return -1;
		}
	}
	return 0;
}
