/*
 * client/common/sources.c - entries whose secret stays in another secret manager.
 */
#include "client/common/sources.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/common/tokens.h"
#include "config/source/command.h"
#include "config/source/source.h"
#include "config/source/source_seal.h"
#include "start/source.h"
#include "start/terminal.h"

#define ALLOW_SHOWN 260 /* a longer command is no hint that anybody types */

static int source_fail_not_allowed(const struct source_file *s, const struct entry_source *e,
				   struct failure *f)
{
	char option[sizeof(e->command) + sizeof("command=")];

	fail_set(f, FAIL_POLICY, NULL, "%s says what command runs for %s: %s", s->users_file,
		 s->kind, e->command);
	snprintf(option, sizeof(option), "command=%s", e->command);
	if (strlen(option) < ALLOW_SHOWN)
		fail_hint(f, "if that is what you want: --allow %s", option);
	else
		fail_hint(f,
			  "on a terminal it is asked about; else --allow command=, and all of it");
	return -1;
}

/* It will run outside of every session, and a session can have written the file. */
static int source_agree(const struct source_file *s, const struct entry_source *e,
			const char *const *allowed, unsigned n, struct failure *f)
{
	bool agreed = false;
	unsigned i;

	if (!s->users_file[0] || !control_active(CONTROL_FIRST_SOURCE))
		return 0;
	for (i = 0; i < n; i++)
		if (strncmp(allowed[i], "command=", 8) == 0 &&
		    strcmp(allowed[i] + 8, e->command) == 0)
			return 0;
	if (!terminal_asks())
		return source_fail_not_allowed(s, e, f);
	say("what runs for %s stands in %s:", s->kind, s->users_file);
	say("    %s", e->command);
	if (terminal_yes("run that, and seal it with the key?", &agreed, f) != 0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

int source_settle(const char *ref, const char *const *allowed, unsigned n, struct entry_source *out,
		  struct failure *f)
{
	struct source_file s;

	if (source_load(ref, &s, f) != 0 || source_seal(&s, ref, out, f) != 0)
		return -1;
	return source_agree(&s, out, allowed, n, f);
}

void source_note_shares(const char *ref)
{
	struct source_file s;

	if (source_load(ref, &s, NULL) == 0 && s.shares[0])
		say("note: a session that has one of these variables, which other programs need "
		    "too, can fetch the key from %s itself: %s",
		    s.title, s.shares);
}

int source_fetch_token(struct client *c, const struct entry_source *source, struct tokens *t,
		       unsigned i, struct failure *f)
{
	/* One byte more than a token, so that a longer one is noticed. */
	if (secret_new(c, &t->buf[i], TOKEN_MAX + 1, f) != 0 ||
	    source_try(source, terminal_available(), t->buf[i].p, t->buf[i].room, &t->n[i], f) != 0)
		return -1;
	t->p[i] = t->buf[i].p;
	return 0;
}

int source_compare_sealed(const struct listed *e, struct entry_source *now, struct failure *f)
{
	struct source_file s;
	struct command_words w;
	bool there;

	if (source_load(e->source.ref, &s, f) != 0 || command_split(e->source.command, &w, f) != 0)
		return -1;
	there = access(w.v[0], X_OK) == 0;
	command_free(&w);
	if (there && source_check(&s, &e->source, NULL) == 0)
		return 1;
	return source_seal(&s, e->source.ref, now, f);
}
