/*
 * relay/http_answer.c - the head of a provider's HTTP/1.1 answer.
 */
#include "relay/http_answer.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "relay/http_text.h"
#include "relay/secret_filter.h"
#include "wire/trial.h"

#define VERSION "HTTP/1.1 "
#define LENGTH_DIGITS_MAX 18 /* decimal ones: the length fits a signed number of 64 bits */

/* ---- reading ---- */

static int answer_refuse(struct failure *f, const char *why)
{
	return fail_set(f, FAIL_MALFORMED, NULL, "the answer's head: %s", why);
}

static bool view_is(const char *p, struct answer_view v, const char *word)
{
	return http_word_is((struct http_view){ p + v.at, v.n }, word);
}

static struct answer_view view_of(size_t from, size_t to)
{
	return (struct answer_view){ (uint32_t)from, (uint32_t)(to - from) };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Check the line's bytes from `from` up to its LF at `lf`. */
static int line_check(const char *p, size_t from, size_t lf, struct failure *f)
{
	size_t i;

	if (lf == from || p[lf - 1] != '\r')
		return answer_refuse(f, "a LF without its CR");
	for (i = from; i < lf - 1; i++)
		if (http_is_control(p[i]) && p[i] != '\t')
			return answer_refuse(f, p[i] == '\r' ? "a CR without its LF"
							     : "a control byte");
	return 0;
}

/* "HTTP/1.1 200 OK"; some servers leave out the reason and the blank before it. */
static int head_take_status(struct answer_head *h, const char *p, size_t from, size_t to,
			    struct failure *f)
{
	static const size_t version = sizeof(VERSION) - 1;
	const char *code = p + from + version;

	if (to - from < version + 3 || memcmp(p + from, VERSION, version) != 0 ||
	    !is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2]) ||
	    (to - from > version + 3 && code[3] != ' '))
		return answer_refuse(f, "a status line that is not HTTP/1.1's");
	h->status = (unsigned)((code[0] - '0') * 100 + (code[1] - '0') * 10 + code[2] - '0');
	if (h->status < 100 || h->status > 599)
		return answer_refuse(f, "a status that does not exist");
	/* What would follow is another protocol; the relay asks for none. */
	if (h->status == 101)
		return answer_refuse(f, "a change of the protocol");
	from += version + 3;
	h->reason = view_of(from < to ? from + 1 : to, to);
	return 0;
}

static int head_take_field(struct answer_head *h, const char *p, size_t from, size_t to,
			   struct failure *f)
{
	struct answer_field *field = &h->fields[h->count];
	size_t colon = from;

	if (is_blank(p[from]))
		return answer_refuse(f, "a field that goes on in a second line");
	while (colon < to && http_is_token((struct http_view){ p + colon, 1 }))
		colon++;
	if (colon == from || colon == to || p[colon] != ':')
		return answer_refuse(f, "a line that is no field");
	if (h->count == ANSWER_FIELDS_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the answer's head: more than %d fields",
				ANSWER_FIELDS_MAX);
	h->count++;
	field->name = view_of(from, colon);
	for (from = colon + 1; from < to && is_blank(p[from]);)
		from++;
	while (to > from && is_blank(p[to - 1]))
		to--;
	field->value = view_of(from, to);
	return 0;
}

static int length_parse(const char *p, struct answer_view v, uint64_t *out, struct failure *f)
{
	uint32_t i;

	if (v.n == 0 || v.n > LENGTH_DIGITS_MAX)
		return answer_refuse(f, "a Content-Length that is no number");
	*out = 0;
	for (i = 0; i < v.n; i++) {
		if (!is_digit(p[v.at + i]))
			return answer_refuse(f, "a Content-Length that is no number");
		*out = *out * 10 + (uint64_t)(p[v.at + i] - '0');
	}
	return 0;
}

/* How the body is framed (RFC 9112, section 6.3), and what is ambiguous. */
static int head_set_framing(struct answer_head *h, const char *p, struct failure *f)
{
	const struct answer_field *length, *coding;
	size_t lengths, codings;

	length = answer_head_find(h, p, "content-length", &lengths);
	coding = answer_head_find(h, p, "transfer-encoding", &codings);
	if (lengths > 1 || codings > 1 || (length && coding))
		return answer_refuse(f, "more than one length");
	h->body_length = 0;
	if (length && length_parse(p, length->value, &h->body_length, f) != 0)
		return -1;
	if (coding && !view_is(p, coding->value, "chunked"))
		return answer_refuse(f, "a Transfer-Encoding other than chunked");
	if (h->status < 200 || h->status == 204 || h->status == 304) {
		/* With 304 the length is that of the answer to an unconditional request. */
		if (coding || (h->body_length && h->status != 304))
			return answer_refuse(f, "a body where there is none");
		h->body_length = 0;
		h->framing = ANSWER_NO_BODY;
		return 0;
	}
	h->framing = length ? ANSWER_LENGTH : coding ? ANSWER_CHUNKED : ANSWER_UNTIL_CLOSE;
	return 0;
}

/* Is name among the words of a list that is separated by commas? */
static bool list_has(const char *p, struct answer_view list, const char *name, size_t n)
{
	size_t at = list.at, end = list.at + list.n, to, next;

	for (; at < end; at = next + 1) {
		for (next = at; next < end && p[next] != ',';)
			next++;
		while (at < next && is_blank(p[at]))
			at++;
		for (to = next; to > at && is_blank(p[to - 1]);)
			to--;
		if (http_words_equal((struct http_view){ p + at, to - at },
				     (struct http_view){ name, n }))
			return true;
	}
	return false;
}

/* Does a Connection field name it? */
static bool connection_names(const struct answer_head *h, const char *p, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < h->count; i++)
		if (view_is(p, h->fields[i].name, "connection") &&
		    list_has(p, h->fields[i].value, name, n))
			return true;
	return false;
}

static void head_set_flags(struct answer_head *h, const char *p)
{
	size_t i;

	h->last = h->framing == ANSWER_UNTIL_CLOSE || connection_names(h, p, "close", 5);
	h->redirect = h->status >= 300 && h->status < 400 && h->status != 304 &&
		      answer_head_find(h, p, "location", NULL);
	h->coded = false;
	for (i = 0; i < h->count; i++)
		if (view_is(p, h->fields[i].name, "content-encoding") &&
		    !view_is(p, h->fields[i].value, "identity"))
			h->coded = true;
}

/* The empty line.  Returns 1 if it ends the answer's head, 0 if an informational one. */
static int head_take_end(struct answer_head *h, const char *p, size_t end, struct failure *f)
{
	if (head_set_framing(h, p, f) != 0)
		return -1;
	if (h->status < 200) {
		h->status = 0;
		h->count = 0;
		return 0;
	}
	head_set_flags(h, p);
	h->length = end;
	return 1;
}

/* A line up to its LF at `lf`.  Returns 1 if it ends the head, else 0 or -1. */
static int head_take_line(struct answer_head *h, const char *p, size_t lf, struct failure *f)
{
	size_t from = h->line_at, to = lf - 1;

	if (line_check(p, from, lf, f) != 0)
		return -1;
	h->line_at = lf + 1;
	if (h->status == 0)
		return head_take_status(h, p, from, to, f);
	if (from == to)
		return head_take_end(h, p, lf + 1, f);
	return head_take_field(h, p, from, to, f);
}

int answer_head_read(struct answer_head *h, const char *p, size_t n, struct failure *f)
{
	size_t end = n < ANSWER_HEAD_MAX ? n : ANSWER_HEAD_MAX;
	int r;

	if (h->length)
		return 1;
	while (h->scanned < end) {
		if (p[h->scanned++] != '\n')
			continue;
		r = head_take_line(h, p, h->scanned - 1, f);
		if (r != 0)
			return r;
	}
	if (end == ANSWER_HEAD_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the answer's head: more than %d bytes",
				ANSWER_HEAD_MAX);
	return 0;
}

const struct answer_field *answer_head_find(const struct answer_head *h, const char *p,
					    const char *name, size_t *count)
{
	const struct answer_field *first = NULL;
	size_t i, found = 0;

	for (i = 0; i < h->count; i++) {
		if (!view_is(p, h->fields[i].name, name))
			continue;
		if (!first)
			first = &h->fields[i];
		found++;
	}
	if (count)
		*count = found;
	return first;
}

/* ---- writing ---- */

/* A buffer that is filled from its beginning; `full` once something did not fit. */
struct head_output {
	char *p;
	size_t size, n;
	bool full;
	struct secret_filter *filter;
};

static bool output_has_room(struct head_output *o, size_t n)
{
	if (n > o->size - o->n)
		o->full = true;
	return !o->full;
}

static void output_text(struct head_output *o, const char *text)
{
	size_t n = strlen(text);

	if (!output_has_room(o, n))
		return;
	memcpy(o->p + o->n, text, n);
	o->n += n;
}

/* The provider's bytes; the filter writes all of them at the latest in output_line_end. */
static void output_filtered(struct head_output *o, const char *p, size_t n)
{
	size_t written;

	secret_filter_write(o->filter, (const uint8_t *)p, n, (uint8_t *)o->p + o->n,
			    o->size - o->n, &written);
	o->n += written;
}

static void output_line_end(struct head_output *o)
{
	o->n += secret_filter_finish(o->filter, (uint8_t *)o->p + o->n, o->size - o->n);
	output_text(o, "\r\n");
}

static void output_status(struct head_output *o, const struct answer_head *h, const char *p)
{
	char status[sizeof(VERSION) + 16];

	snprintf(status, sizeof(status), VERSION "%u ", h->status);
	output_text(o, status);
	if (!output_has_room(o, h->reason.n))
		return;
	output_filtered(o, p + h->reason.at, h->reason.n);
	output_line_end(o);
}

/* Secrets have no line ends, so each field is a stream of its own. */
static void output_field(struct head_output *o, const struct answer_field *field, const char *p)
{
	size_t from = o->n, colon = from + field->name.n;

	if (!output_has_room(o, (size_t)field->name.n + 2 + field->value.n))
		return;
	output_filtered(o, p + field->name.at, field->name.n);
	output_filtered(o, ": ", 2);
	output_filtered(o, p + field->value.at, field->value.n);
	output_line_end(o);
	if (o->p[colon] != ':')
		o->n = from;
}

/* Fields that end at the relay: of this connection, of framing (ours is written
   instead), cookies, which would be credentials that claude keeps, and what the relay
   alone says. */
static bool field_is_dropped(const struct answer_head *h, const char *p, struct answer_view name)
{
	static const char *const dropped[] = {
		TRIAL_HEADER,
		"connection",
		"content-length",
		"keep-alive",
		"proxy-authenticate",
		"proxy-authorization",
		"proxy-authentication-info",
		"proxy-connection",
		"set-cookie",
		"set-cookie2",
		"te",
		"trailer",
		"transfer-encoding",
		"upgrade",
	};
	size_t i;

	for (i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (view_is(p, name, dropped[i]))
			return true;
	return connection_names(h, p, p + name.at, name.n);
}

static void output_framing(struct head_output *o, const struct answer_head *h, bool close)
{
	char length[48];

	if (h->framing == ANSWER_LENGTH) {
		snprintf(length, sizeof(length), "Content-Length: %llu\r\n",
			 (unsigned long long)h->body_length);
		output_text(o, length);
	} else if (h->framing != ANSWER_NO_BODY) {
		output_text(o, "Transfer-Encoding: chunked\r\n");
	}
	output_text(o, close ? "Connection: close\r\n\r\n" : "\r\n");
}

int answer_head_write(const struct answer_head *h, const char *p, struct secret_filter *filter,
		      bool close, char *out, size_t size, size_t *out_n, struct failure *f)
{
	struct head_output o = { .size = size, .filter = filter };
	size_t i;

	o.p = out;
	output_status(&o, h, p);
	for (i = 0; i < h->count; i++)
		if (!field_is_dropped(h, p, h->fields[i].name))
			output_field(&o, &h->fields[i], p);
	output_framing(&o, h, close);
	*out_n = o.n;
	if (o.full)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the answer's head: no room to write it");
	return 0;
}
