/*
 * client/complete.c - ccctl complete: for the shells, what could be typed next.
 *
 * The words of the line come on standard input: one of them may be a key that was typed in
 * the wrong place, and arguments are seen by every program.  A line of the answer is a word,
 * a tab and what it is; or :files, :directories, :programs for what the shell finds itself.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/links.h"
#include "client/common/options.h"
#include "client/complete_words.h"
#include "client/verbs.h"
#include "spec/forms.h"

#define LINE_BYTES 65536
#define LINE_WORDS 512
#define LINE_MS 1000

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

static bool takes_next(const struct option_spec *o, const char *word)
{
	return o && o->argument && !strchr(word, '=');
}

static void offer_option(struct completion *k, const struct option_spec *o)
{
	char word[64];

	if (!o->what)
		return;
	if (o->name)
		snprintf(word, sizeof(word), "--%s", o->name);
	else
		snprintf(word, sizeof(word), "-%c", o->letter);
	complete_offer(k, word, o->what);
}

/* "--by=pro": the argument behind the "=".  Is it one? */
static bool complete_behind_sign(struct completion *k, const struct option_spec *options)
{
	static char before[64];
	const char *sign = strchr(k->now, '=');
	const struct option_spec *o = sign ? option_spec_find(options, k->now) : NULL;
	size_t n = sign ? (size_t)(sign - k->now) + 1 : 0;

	if (!o || !o->argument || n >= sizeof(before))
		return false;
	memcpy(before, k->now, n);
	before[n] = '\0';
	k->before = before;
	k->now += n;
	complete_argument(k, o->argument, strlen(o->argument));
	return true;
}

/* ---- a verb of ccctl ---- */

struct typed {
	const char *word[LINE_WORDS]; /* what is no option and no option's argument */
	unsigned words;
	const struct option_spec *used[LINE_WORDS];
	unsigned uses;
	const struct option_spec *pending; /* whose argument is being typed, or NULL */
};

static void typed_read(struct typed *t, const struct completion *k,
		       const struct option_spec *options, unsigned from)
{
	const struct option_spec *o;
	unsigned i;

	memset(t, 0, sizeof(*t));
	for (i = from; i < k->n; i++) {
		o = is_option(k->word[i]) ? option_spec_find(options, k->word[i]) : NULL;
		if (!o && (!is_option(k->word[i]) || t->words))
			t->word[t->words++] = k->word[i];
		if (!o)
			continue;
		t->used[t->uses++] = o;
		if (!takes_next(o, k->word[i]))
			continue;
		if (i + 1 == k->n)
			t->pending = o;
		else if (o->argument[0] != '[' || !is_option(k->word[i + 1]))
			i++;
	}
}

static bool typed_uses(const struct typed *t, const struct option_spec *o)
{
	unsigned i;

	for (i = 0; i < t->uses; i++)
		if (t->used[i] == o)
			return true;
	return false;
}

static bool choice_has(const char *choice, size_t n, const char *word)
{
	size_t len = strlen(word), one;

	for (;;) {
		one = strcspn(choice, "|");
		one = one < n ? one : n;
		if (one == len && memcmp(choice, word, len) == 0)
			return true;
		if (one == n)
			return false;
		choice += one + 1;
		n -= one + 1;
	}
}

/* ---- the forms of a verb ---- */

struct form {
	struct form_item item[FORM_ITEMS];
	unsigned n;
	const struct form_item
		*next; /* the word that is being typed, if it is no option; or NULL */
};

static bool form_has(const struct form *m, const struct option_spec *o)
{
	unsigned i;

	for (i = 0; i < m->n; i++)
		if (m->item[i].option == o)
			return true;
	return false;
}

/* Could it be this form?  Sets m->next. */
static bool form_fits(struct form *m, const struct typed *t)
{
	bool chosen = true; /* the options that make it this form are there */
	const struct form_item *it;
	unsigned i, at = 0;

	m->next = NULL;
	for (i = 0; i < t->uses; i++)
		if (!form_has(m, t->used[i]))
			return false;
	for (it = m->item; it < m->item + m->n; it++) {
		if (it->option) {
			chosen = chosen && (!it->wanted || typed_uses(t, it->option));
			continue;
		}
		for (i = at; i < t->words && (i == at || it->repeats); i++)
			if (form_word_is_choice(it->word, it->n) &&
			    !choice_has(it->word, it->n, t->word[i]))
				return false;
		if (at <= t->words && (i == at || it->repeats) && chosen && !m->next)
			m->next = it;
		at = i;
	}
	return at == t->words;
}

static bool option_excluded(const struct form *m, const struct form_item *one,
			    const struct typed *t)
{
	const struct form_item *it;

	if (typed_uses(t, one->option))
		return !one->repeats;
	for (it = m->item; it < m->item + m->n; it++)
		if (it->option && typed_uses(t, it->option) && it->group == one->group &&
		    it->alternative != one->alternative)
			return true;
	return false;
}

_Static_assert(OPTION_YES - OPTION_ALL < 64, "a bit for each option");

static void complete_options(struct completion *k, const struct form *m, unsigned n,
			     const struct typed *t)
{
	const struct form_item *it;
	uint64_t said = 0, bit;
	unsigned i;

	for (i = 0; i < n; i++)
		for (it = m[i].item; it < m[i].item + m[i].n; it++) {
			bit = it->option ? 1ull << (it->option->id - OPTION_ALL) : 0;
			if (!bit || (said & bit) || option_excluded(&m[i], it, t))
				continue;
			said |= bit;
			offer_option(k, it->option);
		}
}

/* Several forms may begin with the same word. */
static bool word_said(const struct form *m, unsigned i)
{
	const struct form_item *next = m[i].next;

	while (i-- > 0)
		if (m[i].next && m[i].next->n == next->n &&
		    memcmp(m[i].next->word, next->word, next->n) == 0)
			return true;
	return false;
}

static void complete_verb_words(struct completion *k, const struct form *m, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (m[i].next && !word_said(m, i))
			complete_argument(k, m[i].next->word, m[i].next->n);
}

static void complete_verb(struct completion *k, const struct verb_spec *v)
{
	static struct form fitting[SPEC_FORMS];
	static struct typed t;
	unsigned i, n = 0;

	typed_read(&t, k, v->options, 1);
	if (t.pending) {
		complete_argument(k, t.pending->argument, strlen(t.pending->argument));
		if (t.pending->argument[0] != '[')
			return;
	}
	if (complete_behind_sign(k, v->options))
		return;
	for (i = 0; i < SPEC_FORMS && v->forms[i]; i++) {
		fitting[n].n = form_read(v->forms[i], v->options, fitting[n].item);
		n += form_fits(&fitting[n], &t);
	}
	if (k->now[0] != '-')
		complete_verb_words(k, fitting, n);
	/* Options where one is begun, or where there is nothing else. */
	if (k->now[0] == '-' || (k->offered == 0 && k->now[0] == '\0'))
		complete_options(k, fitting, n, &t);
}

static void complete_ccctl(struct completion *k)
{
	const struct verb_spec *v = k->n ? verb_spec_find(k->word[0]) : NULL;
	const struct option_spec *o;

	if (k->n && v && v->what)
		complete_verb(k, v);
	if (k->n)
		return;
	if (k->now[0] != '-')
		complete_argument(k, "VERB", 4);
	for (o = spec_ccctl.options; k->now[0] == '-' && o->name; o++)
		offer_option(k, o);
}

/* ---- ccrun ---- */

/* Behind the provider: its modes, then what claude takes.  from: the first word there. */
static void complete_claude(struct completion *k, unsigned from, bool modes)
{
	const struct option_spec *o = NULL;
	unsigned i;

	k->claude = true;
	if (k->n > from)
		o = option_spec_find(spec_claude_options, k->word[k->n - 1]);
	if (takes_next(o, k->n ? k->word[k->n - 1] : "")) {
		complete_argument(k, o->argument, strlen(o->argument));
		if (o->argument[0] != '[' || k->now[0] != '-')
			return;
	}
	if (complete_behind_sign(k, spec_claude_options))
		return;
	if (k->now[0] == '-' && modes && k->n == from)
		complete_modes(k, k->provider);
	for (o = spec_claude_options; k->now[0] == '-' && o->name; o++)
		offer_option(k, o);
	for (i = 0; k->now[0] != '-' && k->n == from && spec_claude_commands[i]; i++)
		complete_offer(k, spec_claude_commands[i], "a command of claude");
}

static void complete_provider_next(struct completion *k)
{
	complete_argument(k, "PROVIDER[:MODE]", strlen("PROVIDER[:MODE]"));
}

/* Before the provider: ccrun's own options. */
static void complete_ccrun(struct completion *k)
{
	const struct option_spec *o = NULL;
	unsigned i;

	for (i = 0; i < k->n && is_option(k->word[i]); i++) {
		o = option_spec_find(spec_ccrun.options, k->word[i]);
		if (!o) {
			complete_claude(k, i + (strcmp(k->word[i], "--") == 0), false);
			return;
		}
		if (o->id == OPTION_WRAP && i + 1 == k->n)
			complete_provider_next(k);
		else if (o->id == OPTION_WRAP)
			complete_argument(k, i + 2 == k->n ? "PROGRAM" : "FILE",
					  i + 2 == k->n ? 7 : 4);
		if (o->id == OPTION_WRAP)
			return;
		if (takes_next(o, k->word[i]) && ++i == k->n) {
			complete_argument(k, o->argument, strlen(o->argument));
			return;
		}
	}
	if (i < k->n) {
		k->provider = k->word[i];
		complete_claude(k, i + 1, true);
		return;
	}
	if (complete_behind_sign(k, spec_ccrun.options))
		return;
	for (o = spec_ccrun.options; k->now[0] == '-' && o->name; o++)
		offer_option(k, o);
	if (k->now[0] != '-')
		complete_provider_next(k);
}

/* ---- the line ---- */

/* The words of the line, each with its NUL; the last is the one that is being typed.  How many,
 * or -1. */
static int line_read(char line[LINE_BYTES], const char *word[LINE_WORDS])
{
	ssize_t n;
	size_t at;
	int words = 0;

	if (isatty(STDIN_FILENO))
		return -1;
	n = io_read_all(STDIN_FILENO, line, LINE_BYTES, clock_now_ms() + LINE_MS);
	if (n <= 0 || line[n - 1] != '\0')
		return -1;
	for (at = 0; at < (size_t)n; at += strlen(line + at) + 1) {
		if (words == LINE_WORDS)
			return -1;
		word[words++] = line + at;
	}
	return words;
}

int verb_complete(struct client *c, int argc, char **argv, struct failure *f)
{
	static char line[LINE_BYTES], link[LINK_VALUE];
	static const char *word[LINE_WORDS];
	struct completion k = { .c = c, .word = word, .before = "" };
	int words;

	if (no_options(argc, argv, f) != 0 || require_words(argc, argv, 1, f) != 0)
		return -1;
	words = line_read(line, word);
	if (words < 1)
		return EXIT_DONE;
	k.n = (unsigned)words - 1;
	k.now = word[k.n];
	if (strcmp(argv[optind], "ccctl") == 0) {
		complete_ccctl(&k);
	} else if (strcmp(argv[optind], "ccrun") == 0) {
		complete_ccrun(&k);
	} else if (link_meaning(argv[optind], link, f) == 1 &&
		   strncmp(link, CCRUN_CONF_WRAP, strlen(CCRUN_CONF_WRAP)) != 0) {
		k.provider = link;
		complete_claude(&k, 0, true);
	}
	return EXIT_DONE;
}
