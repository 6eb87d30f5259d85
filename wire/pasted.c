/*
 * wire/pasted.c - the key in what people paste.
 */
#include "wire/pasted.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/fail.h"
#include "base/utf8.h"
#include "wire/names.h"

#define ROUNDS 8     /* layers around a key: export X='Bearer "KEY"' has four */
#define NAME_MOST 64 /* characters of a variable's name */
#define KEY_LEAST 8  /* what is shorter behind an equals sign is no key: padding of base64 */

static bool char_is_invisible(uint32_t c)
{
	return c == 0xad || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static bool char_is_blank(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000;
}

static void pasted_skip(struct pasted *k, size_t n)
{
	k->p += n;
	k->n -= n;
}

/* Drop a blank or an invisible character of len bytes at either end.  Was it one? */
static bool pasted_drop_char(struct pasted *k, const uint8_t *at, unsigned len, uint32_t c)
{
	if (len == 0 || (!char_is_blank(c) && !char_is_invisible(c)))
		return false;
	k->invisible = k->invisible || c >= 0x80;
	if (at == k->p)
		k->p += len;
	k->n -= len;
	return true;
}

static void pasted_trim(struct pasted *k)
{
	uint32_t c = 0;
	unsigned len;
	size_t back;

	do
		len = utf8_decode((const char *)k->p, k->n, &c);
	while (pasted_drop_char(k, k->p, len, c));
	for (;;) {
		for (back = 1; back < k->n && back < 4; back++)
			if (!utf8_is_continuation((char)k->p[k->n - back]))
				break;
		if (k->n == 0)
			return;
		len = utf8_decode((const char *)k->p + k->n - back, back, &c);
		if (len != back || !pasted_drop_char(k, k->p + k->n - back, len, c))
			return;
	}
}

static bool pasted_begins(const struct pasted *k, const char *word)
{
	size_t n = strlen(word);

	return k->n >= n && strncasecmp((const char *)k->p, word, n) == 0;
}

static const struct {
	const char *open, *close;
} quotes[] = {
	{ "\"", "\"" },		{ "'", "'" },		{ "`", "`" },
	{ "\u201c", "\u201d" }, { "\u201e", "\u201c" }, { "\u2018", "\u2019" },
	{ "\u00ab", "\u00bb" },
};
#define QUOTES (sizeof(quotes) / sizeof(quotes[0]))

static bool pasted_ends(const struct pasted *k, const char *word)
{
	size_t n = strlen(word);

	return k->n >= n && memcmp(k->p + k->n - n, word, n) == 0;
}

/* A pair of quotes around all of it.  A comma or semicolon behind them is a file's. */
static bool pasted_drop_quotes(struct pasted *k)
{
	struct pasted t = *k;
	size_t i, open, close;

	if (t.n > 1 && (t.p[t.n - 1] == ',' || t.p[t.n - 1] == ';')) {
		t.n--;
		pasted_trim(&t);
	}
	for (i = 0; i < QUOTES; i++) {
		open = strlen(quotes[i].open);
		close = strlen(quotes[i].close);
		if (t.n < open + close || !pasted_begins(&t, quotes[i].open) ||
		    !pasted_ends(&t, quotes[i].close))
			continue;
		pasted_skip(&t, open);
		t.n -= close;
		/* "NAME": "KEY" has its quotes in between, too. */
		if (open == 1 && memchr(t.p, quotes[i].open[0], t.n))
			continue;
		t.quotes = true;
		*k = t;
		return true;
	}
	return false;
}

/* The word that a shell or another program has before a variable's name. */
static bool pasted_drop_command(struct pasted *k, bool *blank)
{
	static const struct {
		const char *word;
		bool blank; /* the name ends with a blank, and not with an equals sign */
	} commands[] = {
		{ "export ", false },  { "declare -x ", false }, { "set -gx ", true },
		{ "set -Ux ", true },  { "setenv ", true },	 { "setx ", true },
		{ "set ", false },     { "$env:", false },	 { "env ", false },
		{ "let-env ", false }, { "$env.", false },	 { "Environment=", false },
	};
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (pasted_begins(k, commands[i].word)) {
			pasted_skip(k, strlen(commands[i].word));
			*blank = commands[i].blank;
			return true;
		}
	return false;
}

/* NAME=KEY, "NAME": "KEY" and their like, with or without a command before it. */
static bool pasted_drop_assignment(struct pasted *k, bool header)
{
	struct pasted t = *k;
	bool blank = false, said = pasted_drop_command(&t, &blank), upper = true;
	uint8_t quote = 0;
	size_t n;

	pasted_trim(&t);
	if (t.n > 0 && (t.p[0] == '"' || t.p[0] == '\'')) {
		quote = t.p[0];
		pasted_skip(&t, 1);
	}
	for (n = 0; n < t.n && (isalnum(t.p[n]) || t.p[n] == '_'); n++)
		upper = upper && !islower(t.p[n]);
	if (n == 0 || n > NAME_MOST || isdigit(t.p[0]))
		return false;
	pasted_skip(&t, n);
	if (quote && (t.n == 0 || t.p[0] != quote))
		return false;
	pasted_skip(&t, quote ? 1 : 0);
	n = t.n;
	pasted_trim(&t);
	/* YAML wants a blank behind its colon; without one it may be a user and a password. */
	if (t.n > 1 && (t.p[0] == '=' || (t.p[0] == ':' && (quote || t.p[1] == ' '))))
		pasted_skip(&t, 1);
	else if (!blank || n == t.n)
		return false;
	pasted_trim(&t);
	if ((!said && !quote && (!upper || header)) || t.n < KEY_LEAST)
		return false;
	t.assignment = true;
	*k = t;
	return true;
}

/* Authorization: Bearer KEY, x-api-key: KEY, with curl's option before it. */
static bool pasted_drop_header(struct pasted *k, const char *header)
{
	static const char *const words[] = {
		"-H ",	    "--header ",       "Authorization:", "x-api-key:",
		"api-key:", "x-goog-api-key:", "Bearer ",	 "Proxy-Authorization:"
	};
	size_t i, n = header ? strlen(header) : 0;

	/* The value of a header that is no key's own may begin with any word. */
	if (header && pasted_begins(k, header) && k->n > n && k->p[n] == ':') {
		pasted_skip(k, n + 1);
		k->header = true;
		return true;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]) && (!header || i < 2); i++)
		if (pasted_begins(k, words[i])) {
			pasted_skip(k, strlen(words[i]));
			k->header = true;
			return true;
		}
	return false;
}

static bool pasted_has(const struct pasted *k, const char *word, size_t within)
{
	size_t n = strlen(word), i;

	for (i = 0; i + n <= k->n && i < within; i++)
		if (memcmp(k->p + i, word, n) == 0)
			return true;
	return false;
}

static int pasted_check_quotes(const struct pasted *k, struct failure *f)
{
	static const char hint[] = "paste the key alone, without quotes";
	size_t i;

	for (i = 0; i < QUOTES; i++)
		if (pasted_begins(k, quotes[i].open) || pasted_ends(k, quotes[i].close))
			return fail_set(f, FAIL_BAD_VALUE, hint,
					"the key has one quote, at its beginning or its end");
	return 0;
}

/* Characters that do not show, between others: which of them is the key's is anybody's guess. */
static int pasted_check_invisible(const struct pasted *k, struct failure *f)
{
	size_t i, number = 1;
	uint32_t c;
	unsigned len;

	for (i = 0; i < k->n; i += len, number++) {
		len = utf8_decode((const char *)k->p + i, k->n - i, &c);
		if (len == 0)
			return 0;
		if (c >= 0x80 && (char_is_invisible(c) || char_is_blank(c)))
			return fail_set(f, FAIL_BAD_VALUE,
					"copy it from where it was made, not from a document",
					"the key has an invisible character, number %zu (U+%04X)",
					number, (unsigned)c);
	}
	return 0;
}

static int pasted_check(const struct pasted *k, struct failure *f)
{
	/* Whole, whatever is in it, if it is a token at all. */
	if (pasted_begins(k, "{") && (memchr(k->p, ' ', k->n) || memchr(k->p, '\n', k->n)))
		return fail_set(f, FAIL_BAD_VALUE,
				"a service account's file is used through a source (ccctl add "
				"--source), which makes a token of it",
				"that is a file of JSON, and no key");
	if (pasted_begins(k, "{"))
		return 0;
	if (pasted_begins(k, "${") || pasted_begins(k, "$(") ||
	    (k->n > 1 && k->p[0] == '$' && (isalpha(k->p[1]) || k->p[1] == '_')))
		return fail_set(f, FAIL_BAD_VALUE, "paste what it stands for",
				"that is a variable's name or a command, and no key");
	if (pasted_begins(k, "<") && pasted_ends(k, ">"))
		return fail_set(f, FAIL_BAD_VALUE, "paste your key in its place, without < and >",
				"that is a placeholder, in < and >");
	if (pasted_has(k, "://", 16))
		return fail_set(f, FAIL_BAD_VALUE,
				"a reference into a password manager: ccctl add --source",
				"that is an address, and no key");
	if (pasted_has(k, "...", k->n) || pasted_has(k, "***", k->n) ||
	    pasted_has(k, "\u2026", k->n) || pasted_has(k, "\u2022\u2022", k->n))
		return fail_set(f, FAIL_BAD_VALUE, "copy all of it; most sites show it only once",
				"the key is shortened, as a list of keys shows it");
	return pasted_check_quotes(k, f) != 0 ? -1 : pasted_check_invisible(k, f);
}

int pasted_find(struct pasted *out, const uint8_t *p, size_t n, const char *carrier,
		struct failure *f)
{
	const char *header = carrier ? wire_carrier_header(carrier) : NULL;
	unsigned i;
	bool more = true;

	*out = (struct pasted){ .p = p, .n = n };
	for (i = 0; i < ROUNDS && more; i++) {
		pasted_trim(out);
		more = pasted_drop_quotes(out) || pasted_drop_assignment(out, header != NULL) ||
		       pasted_drop_header(out, header);
	}
	return pasted_check(out, f);
}

void pasted_around(const struct pasted *k, char out[PASTED_AROUND])
{
	const struct {
		bool there;
		const char *what;
	} parts[] = {
		{ k->quotes, "quotes" },
		{ k->assignment, "an assignment" },
		{ k->header, "a header's name" },
		{ k->invisible, "invisible characters" },
	};
	size_t i, n = 0;

	out[0] = '\0';
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].there)
			n += (size_t)snprintf(out + n, PASTED_AROUND - n, "%s%s", n ? ", " : "",
					      parts[i].what);
}
