/*
 * client/statusline/json_text.c - where a JSON object's members are in its text, and
 * the edits that put one in or take it out.
 */
#include "client/statusline/json_text.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding ---- */

static size_t jt_skip_blanks(const char *t, size_t n, size_t i)
{
	while (i < n && (t[i] == ' ' || t[i] == '\t' || t[i] == '\n' || t[i] == '\r'))
		i++;
	return i;
}

/* t[i] is the opening quote: one past the closing one, or n. */
static size_t jt_skip_string(const char *t, size_t n, size_t i)
{
	for (i++; i < n && t[i] != '"'; i++)
		if (t[i] == '\\')
			i++;
	return i < n ? i + 1 : n;
}

static size_t jt_skip_value(const char *t, size_t n, size_t i)
{
	size_t depth = 0;

	if (i < n && t[i] == '"')
		return jt_skip_string(t, n, i);
	if (i < n && t[i] != '{' && t[i] != '[') {
		while (i < n && !strchr(",]} \t\r\n", t[i]))
			i++;
		return i;
	}
	while (i < n) {
		if (t[i] == '"') {
			i = jt_skip_string(t, n, i);
			continue;
		}
		if (t[i] == '{' || t[i] == '[')
			depth++;
		else if ((t[i] == '}' || t[i] == ']') && --depth == 0)
			return i + 1;
		i++;
	}
	return n;
}

/* A key may be spelled with escapes, which jansson decodes. */
static bool jt_is_key(const char *t, const struct jt_member *m, const char *key)
{
	json_t *s = json_loadb(t + m->key, m->key_end - m->key, JSON_DECODE_ANY, NULL);
	/* NOLINTNEXTLINE(misc-redundant-expression): within a macro of jansson */
	bool same = s && json_is_string(s) && strcmp(json_string_value(s), key) == 0;

	json_decref(s);
	return same;
}

static int jt_next_member(const char *t, size_t n, size_t *i, struct jt_member *m)
{
	m->key = *i;
	if (m->key >= n || t[m->key] != '"')
		return -1;
	m->key_end = jt_skip_string(t, n, m->key);
	*i = jt_skip_blanks(t, n, m->key_end);
	if (*i >= n || t[*i] != ':')
		return -1;
	m->value = jt_skip_blanks(t, n, *i + 1);
	m->value_end = jt_skip_value(t, n, m->value);
	if (m->value_end == m->value)
		return -1;
	*i = jt_skip_blanks(t, n, m->value_end);
	return *i < n ? 0 : -1;
}

int jt_look(const char *t, size_t n, size_t at, const char *key, struct jt_object *o)
{
	size_t i = jt_skip_blanks(t, n, at), before = 0;
	struct jt_member m;
	bool was_hit = false;

	memset(o, 0, sizeof(*o));
	if (i >= n || t[i] != '{')
		return -1;
	o->open = i;
	i = jt_skip_blanks(t, n, i + 1);
	while (i < n && t[i] != '}') {
		if (jt_next_member(t, n, &i, &m) != 0)
			return -1;
		if (was_hit)
			o->after = m.key;
		was_hit = !o->found && jt_is_key(t, &m, key);
		if (was_hit) {
			o->found = true;
			o->hit = m;
			o->before = before;
		}
		if (o->members++ == 0)
			o->first = m;
		o->last = m;
		before = m.value_end;
		if (t[i] == ',')
			i = jt_skip_blanks(t, n, i + 1);
		else if (t[i] != '}')
			return -1;
	}
	o->close = i;
	return i < n ? 0 : -1;
}

/* ---- the file's own style ---- */

#define STYLE_MAX 64 /* bytes of indentation; more is cut, which only looks odd */

struct jt_style {
	bool lines;		    /* one member a line */
	const char *end;	    /* of a line */
	char indent[STYLE_MAX];	    /* before a member */
	char deeper[STYLE_MAX * 2]; /* before a member of a member */
	char between[STYLE_MAX];    /* before a member that goes on in the same line */
	const char *colon;
};

static void style_copy(char *out, size_t size, const char *from, size_t n)
{
	if (n >= size)
		n = size - 1;
	memcpy(out, from, n);
	out[n] = '\0';
}

/* Read from what stands before member m how the file separates and indents members. */
static void style_read(const char *t, size_t n, const struct jt_object *o,
		       const struct jt_member *m, struct jt_style *s)
{
	const char *nl = memchr(t, '\n', n);
	size_t i = m->key, line, outer;

	memset(s, 0, sizeof(*s));
	s->end = nl && nl > t && nl[-1] == '\r' ? "\r\n" : "\n";
	s->colon = ": ";
	if (o->members == 0) {
		s->lines = true;
		strcpy(s->indent, "  ");
		strcpy(s->deeper, "    ");
		return;
	}
	if (m->value == m->key_end + 1)
		s->colon = ":";
	while (i > o->open + 1 && strchr(" \t\r\n", t[i - 1]))
		i--;
	for (line = m->key; line > i && t[line - 1] != '\n'; line--)
		;
	s->lines = line > i;
	if (!s->lines) {
		style_copy(s->between, sizeof(s->between), t + i, m->key - i);
		return;
	}
	style_copy(s->indent, sizeof(s->indent), t + line, m->key - line);
	/* The next level adds what this level adds to the indentation of the brace. */
	for (outer = o->close; outer > 0 && strchr(" \t", t[outer - 1]); outer--)
		;
	outer = o->close - outer;
	if (outer > strlen(s->indent))
		outer = 0;
	snprintf(s->deeper, sizeof(s->deeper), "%s%s", s->indent, s->indent + outer);
}

/* ---- a growing text ---- */

struct jt_text {
	char *p;
	size_t n;
};

static int text_add(struct jt_text *x, const char *s, size_t n)
{
	char *bigger = realloc(x->p, x->n + n + 1);

	if (!bigger)
		return -1;
	x->p = bigger;
	memcpy(x->p + x->n, s, n);
	x->n += n;
	x->p[x->n] = '\0';
	return 0;
}

static int text_add_string(struct jt_text *x, const char *s)
{
	return text_add(x, s, strlen(s));
}

static int text_add_json(struct jt_text *x, const json_t *v, size_t flags)
{
	char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_PRESERVE_ORDER | flags);
	int r = s ? text_add_string(x, s) : -1;

	free(s);
	return r;
}

static int text_add_key(struct jt_text *x, const char *key, const char *colon)
{
	json_t *k = json_string(key);
	int r = k && text_add_json(x, k, 0) == 0 ? text_add_string(x, colon) : -1;

	json_decref(k);
	return r;
}

/* An object in the file's style, one member a line; anything else in one line. */
static int text_add_value(struct jt_text *x, const json_t *v, const struct jt_style *s)
{
	bool first = true;
	const char *key;
	json_t *item;
	int r = 0;

	if (!json_is_object(v) || !s->lines)
		return text_add_json(x, v, strcmp(s->colon, ":") == 0 ? JSON_COMPACT : 0);
	r |= text_add_string(x, "{");
	json_object_foreach((json_t *)(uintptr_t)v, key, item)
	{
		r |= text_add_string(x, first ? "" : ",");
		r |= text_add_string(x, s->end) | text_add_string(x, s->deeper);
		r |= text_add_key(x, key, s->colon) | text_add_json(x, item, 0);
		first = false;
	}
	r |= text_add_string(x, s->end) | text_add_string(x, s->indent) | text_add_string(x, "}");
	return r;
}

/* ---- edits ---- */

int jt_put(const char *t, size_t n, const struct jt_object *o, const char *key, const json_t *value,
	   const char *raw, size_t raw_n, struct jt_edit *e)
{
	struct jt_text x = { NULL, 0 };
	struct jt_style s;
	int r = 0;

	style_read(t, n, o, o->found ? &o->hit : &o->last, &s);
	if (o->found) {
		e->from = o->hit.value;
		e->to = o->hit.value_end;
	} else {
		e->from = o->members ? o->last.value_end : o->open + 1;
		e->to = o->members ? e->from : o->close;
		r |= text_add_string(&x, o->members ? "," : "");
		r |= s.lines ? text_add_string(&x, s.end) | text_add_string(&x, s.indent)
			     : text_add_string(&x, s.between);
		r |= text_add_key(&x, key, s.colon);
	}
	r |= raw ? text_add(&x, raw, raw_n) : text_add_value(&x, value, &s);
	if (!o->members)
		r |= text_add_string(&x, s.end);
	e->with = x.p;
	e->n = x.n;
	if (r == 0)
		return 0;
	jt_edit_free(e);
	return -1;
}

int jt_drop(const struct jt_object *o, struct jt_edit *e)
{
	memset(e, 0, sizeof(*e));
	if (!o->found)
		return -1;
	if (o->before) {
		e->from = o->before;
		e->to = o->hit.value_end;
	} else if (o->after) {
		e->from = o->hit.key;
		e->to = o->after;
	} else {
		e->from = o->open + 1;
		e->to = o->close;
	}
	return 0;
}

char *jt_apply(const char *t, size_t n, const struct jt_edit *e, size_t *out_n)
{
	struct jt_text x = { NULL, 0 };

	if (text_add(&x, t, e->from) != 0 || text_add(&x, e->with ? e->with : "", e->n) != 0 ||
	    text_add(&x, t + e->to, n - e->to) != 0) {
		free(x.p);
		return NULL;
	}
	*out_n = x.n;
	return x.p;
}

void jt_edit_free(struct jt_edit *e)
{
	free(e->with);
	e->with = NULL;
	e->n = 0;
}
