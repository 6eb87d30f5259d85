/*
 * client/common/sources.c - entries whose secret stays in another secret manager.
 */
#include "client/common/sources.h"

#include <unistd.h>

#include "base/fail.h"
#include "client/common/tokens.h"
#include "config/source/command.h"
#include "config/source/source.h"
#include "config/source/source_seal.h"
#include "start/source.h"
#include "start/terminal.h"

int source_settle(struct client *c, const char *ref, bool check, struct tokens *t, unsigned i,
		  struct entry_source *out, struct failure *f)
{
	struct source_file s;

	if (source_load(ref, &s, f) != 0 || source_seal(&s, ref, out, f) != 0)
		return -1;
	if (!check)
		return 0;
	/* One byte more than a token, so that a longer one is noticed. */
	if (secret_new(c, &t->buf[i], TOKEN_MAX + 1, f) != 0 ||
	    source_try(out, terminal_available(), t->buf[i].p, t->buf[i].room, &t->n[i], f) != 0)
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
