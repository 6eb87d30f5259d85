/*
 * client/common/tokens.c - reading keys from the terminal or standard input.
 */
#include "client/common/ask.h"
#include "client/common/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/key_kind.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "wire/names.h"
#include "wire/pasted.h"

#define LINE_ROOM (TOKEN_MAX + 2) /* a key and its line's end */

/* Find the key in *n bytes at *p, and say what was pasted around it.  *owner: whose it is, if
 * it is another's than w's, or NULL. */
static int token_find(const uint8_t **p, size_t *n, const struct wanted *w, const char **owner,
		      struct failure *f)
{
	char around[PASTED_AROUND];
	struct pasted k;

	if (pasted_find(&k, *p, *n, w->variable, f) != 0 || wire_token_check(k.p, k.n, f) != 0 ||
	    key_kind_check(k.p, k.n, w, owner, f) != 0)
		return -1;
	*p = k.p;
	*n = k.n;
	pasted_around(&k, around);
	if (around[0])
		say("note: the key of %s was taken without what stood around it: %s", w->entry,
		    around);
	return 0;
}

/* A gateway may want it; a key that was pasted by mistake would be told to its server.  0, or -1
 * with f set: ask for another. */
static int token_ask_about_owner(const struct wanted *w, const char *owner, struct failure *f)
{
	char question[ORIGIN_MAX_LEN + 128];
	bool yes;

	snprintf(question, sizeof(question), "that is a key of %s's; use it at %s?", owner,
		 origin_url(w->origin));
	if (terminal_yes(question, &yes, f) != 0)
		return -1;
	return yes ? 0 : fail_set(f, FAIL_DECLINED, NULL, "it is forgotten; nothing was stored");
}

/* Tell the person what happens to the key before it is pasted. */
static void tokens_explain(const struct wanted *w, const struct provider *p)
{
	if (!p && strcmp(w->origin, ORIGIN_UNBOUND) != 0) {
		terminal_say("The key will be sealed for %s, as the one in its place.",
			     origin_url(w->origin));
		return;
	}
	if (!p) {
		terminal_say("This key belongs to no provider yet: no launch gets it until ccctl "
			     "approve seals it for a provider whose file names it.");
		return;
	}
	terminal_say("%s: the key will be sealed for %s and sent nowhere else.", provider_called(p),
		     origin_url(w->origin));
	if (p->key_url[0])
		terminal_say("Keys are made at %s%s%s", p->key_url,
			     p->key_url_by[0] ? ", says your file " : "", p->key_url_by);
}

/* *p, *n: the key, in s. */
static int token_ask(struct secret *s, const struct wanted *w, unsigned i, unsigned count,
		     const uint8_t **p, size_t *n, struct failure *f)
{
	struct ask q = { .field = "Key" };
	char prompt[256], wrong[sizeof(f->what)];
	const char *owner;
	int tries;

	if (count > 1)
		snprintf(prompt, sizeof(prompt), "%s (entry %s, %u of %u): ", w->variable, w->entry,
			 i + 1, count);
	else
		snprintf(prompt, sizeof(prompt), "Key for %s: ", w->entry);
	q.prompt = prompt;
	for (tries = 0; tries < TRIES; tries++) {
		if (ask_secret(&q, s, f) != 0)
			return -1;
		*p = s->p;
		*n = s->n;
		if (s->more)
			fail_set(f, FAIL_BAD_VALUE, "paste the key alone, in one line",
				 "more was pasted behind the key's line");
		else if (token_find(p, n, w, &owner, f) == 0 &&
			 (!owner || token_ask_about_owner(w, owner, f) == 0))
			return 0;
		snprintf(wrong, sizeof(wrong), "%s", f->what);
		q.wrong = wrong;
	}
	return -1;
}

static int tokens_ask(struct client *c, struct tokens *t, const struct wanted *w, unsigned count,
		      const struct provider *p, struct failure *f)
{
	unsigned i;

	tokens_explain(w, p);
	for (i = 0; i < count; i++) {
		if (secret_new(c, &t->buf[i], LINE_ROOM, f) != 0 ||
		    token_ask(&t->buf[i], &w[i], i, count, &t->p[i], &t->n[i], f) != 0)
			return -1;
	}
	return 0;
}

static int tokens_read_input(struct secret *s, struct failure *f)
{
	ssize_t n = io_read_all(STDIN_FILENO, s->p, s->room, clock_now_ms() + PIPE_DEADLINE_MS);

	if (n >= 0) {
		s->n = (size_t)n;
		return 0;
	}
	if (errno == EFBIG)
		return fail_set(f, FAIL_TOO_LARGE, "is this really a key, and not a file?",
				"standard input has more than %zu bytes", s->room);
	return fail_errno(f, NULL, "read the key on standard input");
}

/* Cut the input into lines; the tokens point into it. */
static int tokens_cut_lines(struct tokens *t, unsigned count, struct failure *f)
{
	const uint8_t *at = t->buf[0].p, *end = at + t->buf[0].n, *eol;
	unsigned i;

	for (i = 0; i < count; i++) {
		if (at == end && i > 0)
			return fail_set(f, FAIL_BAD_VALUE,
					"one line for each, in the order that ccctl show "
					"and the provider's file have",
					"standard input has %u of %u keys", i, count);
		eol = memchr(at, '\n', (size_t)(end - at));
		t->p[i] = at;
		t->n[i] = (size_t)((eol ? eol : end) - at);
		at = eol ? eol + 1 : end;
	}
	/* What follows is an editor's empty lines, or more than was asked for. */
	while (at < end && strchr(" \t\r\n", *at))
		at++;
	if (at != end)
		return fail_set(f, FAIL_BAD_VALUE, "one key a line and nothing else",
				"standard input has more after the %s",
				count > 1 ? "last key" : "key");
	return 0;
}

static int tokens_read(struct client *c, struct tokens *t, const struct wanted *w, unsigned count,
		       struct failure *f)
{
	const char *owner;
	unsigned i;

	if (secret_new(c, &t->buf[0], (size_t)count * LINE_ROOM, f) != 0 ||
	    tokens_read_input(&t->buf[0], f) != 0 || tokens_cut_lines(t, count, f) != 0)
		return -1;
	for (i = 0; i < count; i++) {
		if (token_find(&t->p[i], &t->n[i], &w[i], &owner, f) == 0) {
			if (owner)
				say("note: the key of %s is one of %s's, and will go to %s",
				    w[i].entry, owner, origin_url(w[i].origin));
			continue;
		}
		if (count > 1 && f)
			fail_hint(f, "the key on line %u, for %s", i + 1, w[i].variable);
		return -1;
	}
	return 0;
}

int tokens_get(struct client *c, struct tokens *t, const struct wanted *w, unsigned count,
	       const struct provider *p, struct failure *f)
{
	memset(t, 0, sizeof(*t));
	if (terminal_asks())
		return tokens_ask(c, t, w, count, p, f);
	return tokens_read(c, t, w, count, f);
}

void tokens_free(struct client *c, struct tokens *t)
{
	unsigned i;

	for (i = 0; i < SESSION_ENTRIES_MAX; i++)
		secret_free(c, &t->buf[i]);
}
