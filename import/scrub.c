/*
 * import/scrub.c - the secrets out of their files: what a file becomes,
 * and what is shown of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/found.h"
#include "client/common/terminal.h"

#define GONE "CCRUN-REMOVED"
#define NOTE_MAX 256
#define SHOWN_LINE 160 /* characters of a line in the diff */
#define LOOK_AHEAD 64  /* lines that may be gone in one place */

/* text[at..end) becomes `with`; to a person `shown`. */
struct edit {
	size_t at, end;
	char with[NOTE_MAX], shown[NOTE_MAX];
};

struct scrubbing {
	struct import *im;
	struct import_file *file;
	struct edit edit[2 * ACCOUNTS_MAX], mask[2 * ACCOUNTS_MAX];
	unsigned edits, masks;
	const char *name[ACCOUNTS_MAX]; /* members of a settings file */
	unsigned names;
};

static bool concerns(const struct scrubbing *s, const struct account *a, const struct import_file *file)
{
	return pieces_safe(a) && &s->im->file[a->at_file] == file;
}

static int by_place(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void add(struct edit *list, unsigned *n, size_t at, size_t end, const char *with,
		const char *shown)
{
	unsigned i;

	for (i = 0; i < *n; i++)
		if (at < list[i].end && list[i].at < end)
			return;
	list[*n].at = at;
	list[*n].end = end;
	snprintf(list[*n].with, NOTE_MAX, "%s", with);
	snprintf(list[(*n)++].shown, NOTE_MAX, "%s", shown ? shown : with);
}

/* The whole line becomes a comment; in a block a command that does nothing stays. */
static void comment_line(struct scrubbing *s, const struct account *a, const struct assign *v)
{
	const char *t = s->file->text.p;
	char with[NOTE_MAX];
	size_t blank = 0;

	while (v->from + blank < v->to && strchr(" \t", t[v->from + blank]))
		blank++;
	snprintf(with, sizeof(with), "%s# ccrun: %s moved into the vault (ccrun %s)", v->nested ? ": " : "",
		 v->name, a->provider);
	add(s->edit, &s->edits, v->from + blank, v->to, with, NULL);
}

static void shell_edits(struct scrubbing *s, const struct account *a)
{
	const struct assign *v = account_at(s->im, a), *user = account_variable(s->im, a);
	const char *t = s->file->text.p;
	char hidden[32];
	size_t quote;

	if (concerns(s, a, s->file)) {
		report_hidden(a->token, a->n, hidden);
		quote = v->end - v->at > 1 && strchr("'\"", t[v->at]) && t[v->end - 1] == t[v->at];
		add(s->mask, &s->masks, v->at + quote, v->end - quote, GONE, hidden);
		if (v->to)
			comment_line(s, a, v);
		else
			add(s->edit, &s->edits, v->at, v->end, "", NULL);
	} else if (pieces_safe(a) && s->im->file[a->at_file].kind == FILE_KEY && user->to &&
		   &s->im->file[a->file] == s->file) {
		comment_line(s, a, user);
	}
}

static void key_edits(struct scrubbing *s, const struct account *a)
{
	char with[NOTE_MAX], hidden[32];

	if (!concerns(s, a, s->file))
		return;
	report_hidden(a->token, a->n, hidden);
	snprintf(with, sizeof(with), "# ccrun: this key moved into the vault (ccrun %s)", a->provider);
	add(s->edit, &s->edits, 0, account_at(s->im, a)->end, with, NULL);
	add(s->mask, &s->masks, 0, account_at(s->im, a)->end, GONE, hidden);
}

static void settings_edits(struct scrubbing *s, const struct account *a)
{
	const struct assign *v = account_at(s->im, a);
	char with[NOTE_MAX], shown[NOTE_MAX], hidden[32];

	if (!concerns(s, a, s->file))
		return;
	s->name[s->names++] = v->name;
	report_hidden(a->token, a->n, hidden);
	snprintf(shown, sizeof(shown), "\"%s\": \"%s\"", v->name, hidden);
	snprintf(with, sizeof(with), "\"%s\": \"" GONE "\"", v->name);
	add(s->mask, &s->masks, v->at, v->end, with, shown);
}

static void collect(struct scrubbing *s)
{
	unsigned i;

	for (i = 0; i < s->im->accounts; i++) {
		const struct account *a = &s->im->account[i];

		if (s->file->kind == FILE_SETTINGS)
			settings_edits(s, a);
		else if (s->file->kind == FILE_KEY)
			key_edits(s, a);
		else
			shell_edits(s, a);
	}
	qsort(s->edit, s->edits, sizeof(s->edit[0]), by_place);
	qsort(s->mask, s->masks, sizeof(s->mask[0]), by_place);
}

static int put(struct text *to, const char *p, size_t n)
{
	if (n > to->room - to->n)
		return -1;
	memcpy(to->p + to->n, p, n);
	to->n += n;
	return 0;
}

static int apply(const struct text *from, const struct edit *e, unsigned n, bool shown,
		 struct text *to)
{
	const char *with;
	size_t at = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		with = shown ? e[i].shown : e[i].with;
		if (put(to, from->p + at, e[i].at - at) != 0 || put(to, with, strlen(with)) != 0)
			return -1;
		at = e[i].end;
	}
	return put(to, from->p + at, from->n - at);
}

/* Wherever else a token stands, in a comment or another command. */
static int without_pieces(const struct import *im, const struct text *from, struct text *to)
{
	struct piece p;
	size_t at = 0;

	for (;;) {
		p = pieces_next(im, PIECES_SAFE, from->p, at, from->n);
		if (put(to, from->p + at, p.at - at) != 0)
			return -1;
		if (p.at == from->n)
			return 0;
		if (put(to, GONE, strlen(GONE)) != 0)
			return -1;
		at = p.end;
	}
}

/* ---- what is shown ---- */

static size_t line_end(const struct text *t, size_t at)
{
	const char *nl = memchr(t->p + at, '\n', t->n - at);

	return nl ? (size_t)(nl - t->p) : t->n;
}

static void show_line(const struct import *im, char sign, const struct text *t, size_t at)
{
	size_t end = line_end(t, at), i, shown = 0;
	struct piece p = pieces_next(im, PIECES_SHOWN, t->p, at, end);
	char buf[SHOWN_LINE + 32];
	size_t n = 0;

	for (i = at; i < end && shown < SHOWN_LINE; shown++) {
		if (i == p.at) {
			memcpy(buf + n, "****", 4);
			n += 4;
			i = p.end;
			p = pieces_next(im, PIECES_SHOWN, t->p, i, end);
			continue;
		}
		if (n >= SHOWN_LINE)
			break;
		buf[n++] = (unsigned char)t->p[i] < ' ' && t->p[i] != '\t' ? '?' : t->p[i];
		i++;
	}
	printf("%c%.*s%s\n", sign, (int)n, buf, i < end ? "..." : "");
}

static bool same_line(const struct text *a, size_t at, const struct text *b, size_t bt)
{
	size_t ae = line_end(a, at), be = line_end(b, bt);

	return ae - at == be - bt && memcmp(a->p + at, b->p + bt, ae - at) == 0;
}

static size_t next_line(const struct text *t, size_t at)
{
	size_t end = line_end(t, at);

	return end < t->n ? end + 1 : t->n;
}

/* old has its secrets masked already, in their places. */
static void show(const struct import *im, const struct text *old, const struct text *fresh)
{
	size_t a = 0, b = 0, look;
	unsigned k;

	while (a < old->n || b < fresh->n) {
		if (a < old->n && b < fresh->n && same_line(old, a, fresh, b)) {
			a = next_line(old, a);
			b = next_line(fresh, b);
			continue;
		}
		for (k = 0, look = a; k < LOOK_AHEAD && look < old->n; k++, look = next_line(old, look))
			if (b < fresh->n && k > 0 && same_line(old, look, fresh, b))
				break;
		if (b < fresh->n && look < old->n && k < LOOK_AHEAD) {
			for (; a < look; a = next_line(old, a))
				show_line(im, '-', old, a);
			continue;
		}
		if (a < old->n)
			show_line(im, '-', old, a);
		if (b < fresh->n)
			show_line(im, '+', fresh, b);
		a = a < old->n ? next_line(old, a) : a;
		b = b < fresh->n ? next_line(fresh, b) : b;
	}
}

/* ---- one file ---- */

/* What becomes of its text.  None but `between` can hold a piece that is still to go. */
struct copies {
	struct text between; /* the edits are made */
	struct text fresh;   /* and what else there was of keys is gone */
	struct text shown, masked, backup;
};

/* The file must still be what it was but for what went. */
static bool proven(struct scrubbing *s, const struct copies *c)
{
	const struct text *fresh = &c->fresh;
	struct reading r;
	bool ok;

	if (pieces_next(s->im, PIECES_SAFE, c->backup.p, 0, c->backup.n).at != c->backup.n ||
	    pieces_next(s->im, PIECES_SAFE, fresh->p, 0, fresh->n).at != fresh->n)
		return false;
	if (s->file->kind == FILE_SETTINGS)
		return env_proof(&s->file->text, &c->between, fresh, s->name, s->names);
	if (s->file->kind == FILE_KEY)
		return true;
	ok = shell_read(fresh, s->file->kind == FILE_FISH, s->im->home, &r, NULL) == 0;
	reading_free(&r);
	return ok;
}

static int transform(struct scrubbing *s, struct copies *c)
{
	const struct text *old = &s->file->text;
	unsigned i;

	if (apply(old, s->edit, s->edits, false, &c->between) != 0 ||
	    apply(old, s->mask, s->masks, true, &c->shown) != 0 ||
	    apply(old, s->mask, s->masks, false, &c->masked) != 0)
		return -1;
	for (i = 0; i < s->names; i++)
		if (!env_splice(&c->between, s->name[i]))
			return -1;
	return without_pieces(s->im, &c->between, &c->fresh) != 0 ||
	       without_pieces(s->im, &c->masked, &c->backup) != 0 ? -1 : 0;
}

static int agree(struct scrubbing *s, const struct copies *c, bool *yes, struct failure *f)
{
	char name[PATH_SIZE], question[256];

	places_short(s->im, s->file->path, name);
	*yes = s->im->yes;
	if (!s->im->json) {
		printf("\n--- ");
		put_plain(name);
		putchar('\n');
		show(s->im, &c->shown, &c->fresh);
		if (s->file->note[0])
			printf("note: %s\n", s->file->note);
		fflush(stdout);
	}
	if (*yes)
		return 0;
	snprintf(question, sizeof(question), "change %.180s so?", name);
	return terminal_yes(question, yes, f);
}

static int one(struct scrubbing *s, struct failure *f)
{
	size_t room = 2 * s->file->text.n + (s->edits + s->masks + 4) * NOTE_MAX;
	struct copies c = { 0 };
	struct text *const all[] = { &c.between, &c.fresh, &c.shown, &c.masked, &c.backup };
	char kept[PATH_SIZE], shown[PATH_SIZE], name[PATH_SIZE];
	bool yes = false;
	int r = 0, i;

	for (i = 0; i < 5 && r == 0; i++)
		r = text_new(all[i], room, f);
	if (r == 0 && (transform(s, &c) != 0 || !proven(s, &c)))
		r = fail_set(f, FAIL_INTERNAL, "edit it by hand", "cannot be changed safely");
	rewrite_note(s->file, s->file->note);
	if (r == 0)
		r = agree(s, &c, &yes, f);
	if (r == 0 && yes) {
		r = rewrite_file(s->file, &c.fresh, &c.backup, kept, f);
		s->file->scrubbed = r == 0;
		if (r == 0 && !s->im->json)
			say("%s: done; without the key it is kept as %s",
			    places_short(s->im, s->file->path, name), places_short(s->im, kept, shown));
	}
	for (i = 0; i < 5; i++)
		text_free(all[i]);
	return r;
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
		if (s->file->why.code || !s->file->text.p)
			continue;
		collect(s);
		if (s->edits + s->names == 0 &&
		    pieces_next(im, PIECES_SAFE, s->file->text.p, 0, s->file->text.n).at == s->file->text.n)
			continue;
		if (one(s, &why) != 0) {
			s->file->why = why;
			ret = -1;
			say("%s: %s", places_short(im, s->file->path, name), why.what);
		}
	}
	free(s);
	return ret;
}
