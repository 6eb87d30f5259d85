/*
 * import/scrub.c - taking stored tokens out of the files they were found in.
 */
#include "import/scrub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/common/output.h"
#include "client/common/terminal.h"
#include "import/accounts.h"
#include "import/file_add.h"
#include "import/report_text.h"
#include "import/rewrite.h"
#include "import/scrub_diff.h"
#include "import/scrub_edits.h"
#include "import/secret_fragments.h"
#include "import/settings_env.h"

static int text_append(struct locked_text *to, const char *p, size_t n)
{
	if (n > to->room - to->n)
		return -1;
	memcpy(to->p + to->n, p, n);
	to->n += n;
	return 0;
}

static int edits_apply(const struct locked_text *from, const struct scrub_edit *e, unsigned n,
		       bool shown, struct locked_text *to)
{
	const char *with;
	size_t at = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		with = shown ? e[i].shown : e[i].with;
		if (text_append(to, from->p + at, e[i].at - at) != 0 ||
		    text_append(to, with, strlen(with)) != 0)
			return -1;
		at = e[i].end;
	}
	return text_append(to, from->p + at, from->n - at);
}

/* Also where a token is no assignment: in a comment or another command. */
static int text_without_fragments(const struct import *im, const struct locked_text *from,
				  struct locked_text *to)
{
	struct fragment p;
	size_t at = 0;

	for (;;) {
		p = fragment_next(im, FRAGMENTS_IN_VAULT, from->p, at, from->n);
		if (text_append(to, from->p + at, p.at - at) != 0)
			return -1;
		if (p.at == from->n)
			return 0;
		if (text_append(to, SCRUB_GONE, strlen(SCRUB_GONE)) != 0)
			return -1;
		at = p.end;
	}
}

/* What becomes of its text.  Only `between` may still hold a fragment of a token. */
struct copies {
	struct locked_text between; /* with the edits */
	struct locked_text fresh;   /* without other fragments either: the new file */
	struct locked_text shown;   /* the old text for the diff */
	struct locked_text masked;  /* the old text with tokens replaced */
	struct locked_text backup;  /* without other fragments either */
};

/* Has the text the same assignments as the file had, but for the emptied ones? */
static bool text_only_emptied(const struct scrubbing *s, const struct locked_text *t)
{
	const struct assignments *old = &s->file->parsed;
	struct assignments now;
	bool ok = file_text_parse(s->im, s->file->kind, t, &now, NULL) == 0 && now.n == old->n;
	unsigned i, emptied = 0;

	for (i = 0; ok && i < now.n; i++) {
		const struct assignment *a = &old->assign[i], *b = &now.assign[i];
		bool empty = a->n > 0 && b->kind == VALUE_LITERAL && b->n == 0;

		emptied += empty;
		ok = strcmp(a->name, b->name) == 0 && a->kind == b->kind &&
		     (empty || (a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0)));
	}
	assignments_free(&now);
	return ok && emptied == s->edits;
}

/* Check the result: no token is left, and the file still parses. */
static bool scrub_is_safe(struct scrubbing *s, const struct copies *c)
{
	const struct locked_text *fresh = &c->fresh;
	struct assignments r;
	bool ok;

	if (fragment_next(s->im, FRAGMENTS_IN_VAULT, c->backup.p, 0, c->backup.n).at !=
		    c->backup.n ||
	    fragment_next(s->im, FRAGMENTS_IN_VAULT, fresh->p, 0, fresh->n).at != fresh->n)
		return false;
	if (s->file->kind == FILE_CLAUDE_SETTINGS)
		return settings_env_only_removed(&s->file->text, &c->between, fresh, s->name,
						 s->names);
	if (s->file->kind == FILE_KEY)
		return true;
	if (scrub_empties_values(s->file->kind) && !text_only_emptied(s, &c->between))
		return false;
	ok = file_text_parse(s->im, s->file->kind, fresh, &r, NULL) == 0;
	assignments_free(&r);
	return ok;
}

static int scrub_make_copies(struct scrubbing *s, struct copies *c)
{
	const struct locked_text *old = &s->file->text;
	unsigned i;

	if (edits_apply(old, s->edit, s->edits, false, &c->between) != 0 ||
	    edits_apply(old, s->mask, s->masks, true, &c->shown) != 0 ||
	    edits_apply(old, s->mask, s->masks, false, &c->masked) != 0)
		return -1;
	for (i = 0; i < s->names; i++)
		if (!settings_env_remove(&c->between, s->name[i]))
			return -1;
	return text_without_fragments(s->im, &c->between, &c->fresh) != 0 ||
			       text_without_fragments(s->im, &c->masked, &c->backup) != 0
		       ? -1
		       : 0;
}

static int scrub_ask(struct scrubbing *s, const struct copies *c, bool *yes, struct failure *f)
{
	char name[PATH_SIZE], question[256];

	report_path(s->im->home, s->file->path, name);
	*yes = s->im->yes;
	if (!s->im->json) {
		printf("\n--- ");
		put_plain(name);
		putchar('\n');
		scrub_diff_print(s->im, &c->shown, &c->fresh);
		if (s->file->note[0])
			printf("note: %s\n", s->file->note);
		fflush(stdout);
	}
	if (*yes)
		return 0;
	snprintf(question, sizeof(question), "change %.180s so?", name);
	return terminal_yes(question, yes, f);
}

static int scrub_file(struct scrubbing *s, struct failure *f)
{
	size_t room = 2 * s->file->text.n + (size_t)(s->edits + s->masks + 4) * EDIT_MAX;
	struct copies c = { 0 };
	struct locked_text *const all[] = { &c.between, &c.fresh, &c.shown, &c.masked, &c.backup };
	char kept[PATH_SIZE], shown[PATH_SIZE], name[PATH_SIZE];
	bool yes = false;
	int r = 0, i;

	for (i = 0; i < 5 && r == 0; i++)
		r = locked_text_new(all[i], room, f);
	if (r == 0 && (scrub_make_copies(s, &c) != 0 || !scrub_is_safe(s, &c)))
		r = fail_set(f, FAIL_INTERNAL, "edit it by hand", "cannot be changed safely");
	rewrite_warning(s->file, s->file->note);
	if (r == 0)
		r = scrub_ask(s, &c, &yes, f);
	if (r == 0 && yes) {
		r = rewrite_file(s->file, &c.fresh, &c.backup, kept, f);
		s->file->scrubbed = r == 0;
		if (r == 0 && !s->im->json)
			say("%s: done; without the key it is kept as %s",
			    report_path(s->im->home, s->file->path, name),
			    report_path(s->im->home, kept, shown));
	}
	for (i = 0; i < 5; i++)
		locked_text_free(all[i]);
	return r;
}

/* A file that another program would write back, or damage: how its key goes.  NULL: it
 * is changed here. */
static const char *scrub_by_hand(const struct import_file *file)
{
	if (file->kind == FILE_FISH_VARIABLES)
		return "fish keeps it: set -Ue NAME, in fish";
	if (file->kind == FILE_CC_SWITCH_DB)
		return strstr(file->path, "/backups/")
			       ? "a copy of cc-switch's: delete it"
			       : "delete that provider in cc-switch and quit it, then "
				 "sqlite3 ~/.cc-switch/cc-switch.db VACUUM";
	return NULL;
}

/* Say how the stored keys of that file go.  Does it have any? */
static bool scrub_name_by_hand(struct import *im, struct import_file *file, const char *how)
{
	char name[PATH_SIZE];
	unsigned i;

	for (i = 0; i < im->accounts && !file->by_hand; i++)
		file->by_hand = account_in_vault(&im->account[i]) &&
				&im->file[im->account[i].at_file] == file;
	if (!file->by_hand)
		return false;
	snprintf(file->note, sizeof(file->note), "%s", how);
	say("%s: keeps its keys; %s", report_path(im->home, file->path, name), how);
	return true;
}

int scrub_files(struct import *im, struct failure *f)
{
	struct scrubbing *s = calloc(1, sizeof(*s));
	unsigned i;
	int ret = 0;

	if (!s)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	for (i = 0; i < im->files; i++) {
		struct failure why = { 0 };
		char name[PATH_SIZE];

		memset(s, 0, sizeof(*s));
		s->im = im;
		s->file = &im->file[i];
		if (s->file->why.code)
			continue;
		if (scrub_by_hand(s->file)) {
			if (scrub_name_by_hand(im, s->file, scrub_by_hand(s->file)))
				ret = -1;
			continue;
		}
		if (!s->file->text.p)
			continue;
		scrub_edits_collect(s);
		if (s->edits + s->names == 0 &&
		    fragment_next(im, FRAGMENTS_IN_VAULT, s->file->text.p, 0, s->file->text.n).at ==
			    s->file->text.n)
			continue;
		if (scrub_file(s, &why) != 0) {
			s->file->why = why;
			ret = -1;
			say("%s: %s", report_path(im->home, s->file->path, name), why.what);
		}
	}
	free(s);
	return ret;
}
