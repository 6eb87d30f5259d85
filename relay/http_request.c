/*
 * relay/http_request.c - reading the head of a request from the client, strictly.
 *
 * It is read byte by byte and judged line by line, from left to right, so that the
 * outcome cannot depend on how the bytes arrived.
 */
#include "relay/http_request.h"

#include <string.h>

#include "relay/http_target.h"

#define BAD_REQUEST 400
#define METHOD_NOT_ALLOWED 405
#define LENGTH_REQUIRED 411
#define UNSUPPORTED_TYPE 415
#define EXPECTATION_FAILED 417
#define HEAD_TOO_LARGE 431
#define NOT_IMPLEMENTED 501
#define VERSION_NOT_SUPPORTED 505

#define LENGTH_DIGITS 16 /* of HTTP_LENGTH_MAX */

static bool reader_refuse(struct http_request_reader *r, int status, const char *reason)
{
	r->outcome = HTTP_REFUSED;
	r->refusal = (struct http_refusal){ status, reason };
	return false;
}

/* ---- the request line ---- */

/* What stands before the first blank of *rest, which then begins behind that. */
static bool line_next_word(struct http_view *rest, struct http_view *word)
{
	const char *blank = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;

	if (!blank)
		return false;
	*word = (struct http_view){ rest->p, (size_t)(blank - rest->p) };
	rest->p = blank + 1;
	rest->n -= word->n + 1;
	return true;
}

static bool reader_take_method(struct http_request_reader *r, struct http_view method)
{
	if (http_view_is(method, "GET"))
		r->request.method = HTTP_GET;
	else if (http_view_is(method, "POST"))
		r->request.method = HTTP_POST;
	else if (http_is_token(method))
		return reader_refuse(r, METHOD_NOT_ALLOWED, "a method other than GET and POST");
	else
		return reader_refuse(r, BAD_REQUEST, "a request without a method");
	return true;
}

static bool reader_take_request_line(struct http_request_reader *r, struct http_view line)
{
	struct http_view method, target, version = line;
	const char *why;

	if (!line_next_word(&version, &method) || !line_next_word(&version, &target))
		return reader_refuse(r, BAD_REQUEST, "no request line");
	if (!reader_take_method(r, method))
		return false;
	why = http_target_split(target, &r->request.path, &r->request.query);
	if (why)
		return reader_refuse(r, BAD_REQUEST, why);
	if (!http_view_is(version, "HTTP/1.1"))
		return reader_refuse(r, VERSION_NOT_SUPPORTED, "a version other than HTTP/1.1");
	return true;
}

/* ---- fields that say how the request is read ---- */

static bool reader_take_host(struct http_request_reader *r, struct http_view value)
{
	if (r->has_host)
		return reader_refuse(r, BAD_REQUEST, "a second Host");
	if (!http_is_host(value))
		return reader_refuse(r, BAD_REQUEST, "a Host that names no host");
	r->has_host = true;
	return true;
}

static bool reader_take_length(struct http_request_reader *r, struct http_view value)
{
	uint64_t length = 0;
	size_t i;

	if (r->request.framing == HTTP_BODY_CHUNKED)
		return reader_refuse(r, BAD_REQUEST, "Content-Length with Transfer-Encoding");
	if (r->request.framing != HTTP_BODY_NONE)
		return reader_refuse(r, BAD_REQUEST, "a second Content-Length");
	/* A leading zero makes it octal for some. */
	if (value.n == 0 || value.n > LENGTH_DIGITS || (value.p[0] == '0' && value.n > 1))
		return reader_refuse(r, BAD_REQUEST, "a Content-Length that is no length");
	for (i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return reader_refuse(r, BAD_REQUEST, "a Content-Length that is no length");
		length = length * 10 + (uint64_t)(value.p[i] - '0');
	}
	if (length > HTTP_LENGTH_MAX)
		return reader_refuse(r, BAD_REQUEST, "a Content-Length beyond its bound");
	r->request.framing = HTTP_BODY_LENGTH;
	r->request.length = length;
	return true;
}

static bool reader_take_encoding(struct http_request_reader *r, struct http_view value)
{
	if (r->request.framing == HTTP_BODY_LENGTH)
		return reader_refuse(r, BAD_REQUEST, "Content-Length with Transfer-Encoding");
	if (r->request.framing != HTTP_BODY_NONE)
		return reader_refuse(r, BAD_REQUEST, "a second Transfer-Encoding");
	if (!http_view_is(value, "chunked"))
		return reader_refuse(r, NOT_IMPLEMENTED, "a Transfer-Encoding other than chunked");
	r->request.framing = HTTP_BODY_CHUNKED;
	return true;
}

/* Connection drops fields on the way: none may be among them that frames or routes. */
static bool connection_may_name(struct http_view option)
{
	return !http_name_is(option, "content-length") &&
	       !http_name_is(option, "transfer-encoding") && !http_name_is(option, "host");
}

static bool reader_take_connection(struct http_request_reader *r, struct http_view value)
{
	struct http_view option;

	while (http_list_next(&value, &option)) {
		if (!http_is_token(option))
			return reader_refuse(r, BAD_REQUEST, "a Connection that is no list");
		if (http_name_is(option, "upgrade"))
			return reader_refuse(r, NOT_IMPLEMENTED, "Connection: upgrade");
		if (!connection_may_name(option))
			return reader_refuse(r, BAD_REQUEST,
					     "a Connection with a field it cannot have");
		r->close_named |= http_name_is(option, "close");
		r->keep_named |= http_name_is(option, "keep-alive");
	}
	if (r->close_named && r->keep_named)
		return reader_refuse(r, BAD_REQUEST, "a Connection that is kept and closed");
	return true;
}

/* Blanks are at neither end. */
static void view_trim(struct http_view *v)
{
	for (; v->n && v->p[0] == ' '; v->n--)
		v->p++;
	while (v->n && v->p[v->n - 1] == ' ')
		v->n--;
}

/* What is a form, or in another charset, to some servers is JSON to our reader. */
static bool type_is_json(struct http_view value)
{
	const char *semicolon = value.n ? memchr(value.p, ';', value.n) : NULL;
	struct http_view type = value, charset = value;

	if (semicolon) {
		type.n = (size_t)(semicolon - value.p);
		charset.p = semicolon + 1;
		charset.n = value.n - type.n - 1;
		view_trim(&type);
		view_trim(&charset);
	}
	return http_word_is(type, "application/json") &&
	       (!semicolon || http_word_is(charset, "charset=utf-8"));
}

static bool reader_take_type(struct http_request_reader *r, struct http_view value)
{
	if (r->has_type)
		return reader_refuse(r, BAD_REQUEST, "a second Content-Type");
	if (!type_is_json(value))
		return reader_refuse(r, UNSUPPORTED_TYPE,
				     "a Content-Type other than application/json");
	r->has_type = true;
	return true;
}

static bool reader_take_expect(struct http_request_reader *r, struct http_view value)
{
	(void)value;
	return reader_refuse(r, EXPECTATION_FAILED, "Expect");
}

static bool reader_take_upgrade(struct http_request_reader *r, struct http_view value)
{
	(void)value;
	return reader_refuse(r, NOT_IMPLEMENTED, "Upgrade");
}

static const struct {
	const char *name;
	bool (*take)(struct http_request_reader *r, struct http_view value);
} known_fields[] = {
	{ "host", reader_take_host },
	{ "content-length", reader_take_length },
	{ "transfer-encoding", reader_take_encoding },
	{ "connection", reader_take_connection },
	{ "content-type", reader_take_type },
	{ "expect", reader_take_expect },
	{ "upgrade", reader_take_upgrade },
};

static bool reader_take_known(struct http_request_reader *r, const struct http_field *field)
{
	size_t i;

	for (i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++) {
		if (!http_name_is(field->name, known_fields[i].name))
			continue;
		if (memchr(field->name.p, '_', field->name.n))
			return reader_refuse(r, BAD_REQUEST, "a name with _ in the place of -");
		return known_fields[i].take(r, field->value);
	}
	return true;
}

/* ---- fields ---- */

/* One blank at most before the value and none behind it: all readers agree on it then. */
static bool field_split(struct http_request_reader *r, struct http_view line,
			struct http_field *field)
{
	const char *colon = memchr(line.p, ':', line.n);

	if (line.p[0] == ' ')
		return reader_refuse(r, BAD_REQUEST, "a line that is folded");
	if (!colon)
		return reader_refuse(r, BAD_REQUEST, "a field without a colon");
	field->name = (struct http_view){ line.p, (size_t)(colon - line.p) };
	if (field->name.n && colon[-1] == ' ')
		return reader_refuse(r, BAD_REQUEST, "a blank before the colon");
	if (!http_is_field_name(field->name))
		return reader_refuse(r, BAD_REQUEST, "a field's name that is none");
	field->value = (struct http_view){ colon + 1, line.n - field->name.n - 1 };
	if (field->value.n && field->value.p[0] == ' ') {
		field->value.p++;
		field->value.n--;
	}
	if (field->value.n &&
	    (field->value.p[0] == ' ' || field->value.p[field->value.n - 1] == ' '))
		return reader_refuse(r, BAD_REQUEST, "blanks around a field's value");
	return true;
}

static bool reader_take_field(struct http_request_reader *r, struct http_view line)
{
	struct http_field field;

	if (r->request.field_count == HTTP_FIELDS_MAX)
		return reader_refuse(r, HEAD_TOO_LARGE, "too many fields");
	if (!field_split(r, line, &field) || !reader_take_known(r, &field))
		return false;
	r->request.fields[r->request.field_count++] = field;
	return true;
}

/* The empty line: is what came before it a whole request? */
static bool reader_finish_head(struct http_request_reader *r)
{
	struct http_request *q = &r->request;

	if (!r->has_host)
		return reader_refuse(r, BAD_REQUEST, "no Host");
	if (q->method == HTTP_GET &&
	    (q->framing == HTTP_BODY_CHUNKED || (q->framing == HTTP_BODY_LENGTH && q->length > 0)))
		return reader_refuse(r, BAD_REQUEST, "a GET with a body");
	/* None means an empty body to some, and one until the connection's end to others. */
	if (q->method == HTTP_POST && q->framing == HTTP_BODY_NONE)
		return reader_refuse(r, LENGTH_REQUIRED, "a POST without a length");
	q->keep = !r->close_named;
	q->head_size = r->seen;
	r->outcome = HTTP_DONE;
	return true;
}

/* ---- bytes and lines ---- */

static bool reader_take_line(struct http_request_reader *r, struct http_view line)
{
	if (!r->request.path.p)
		return reader_take_request_line(r, line);
	return line.n == 0 ? reader_finish_head(r) : reader_take_field(r, line);
}

static bool reader_take_byte(struct http_request_reader *r, const char *buf)
{
	size_t at = r->seen++;
	bool behind_cr = at > r->line && buf[at - 1] == '\r';
	struct http_view line = { buf + r->line, at - r->line };

	if (buf[at] == '\n') {
		if (!behind_cr)
			return reader_refuse(r, BAD_REQUEST, "a line feed by itself");
		line.n--;
		r->line = r->seen;
		return reader_take_line(r, line);
	}
	if (behind_cr)
		return reader_refuse(r, BAD_REQUEST, "a carriage return by itself");
	/* Readers differ about bytes from 0x80: Latin-1, UTF-8, or a control character. */
	if (buf[at] != '\r' && !http_is_printable(buf[at]))
		return reader_refuse(r, BAD_REQUEST, "a byte that is no printable ASCII");
	return true;
}

void http_request_init(struct http_request_reader *r)
{
	memset(r, 0, sizeof(*r));
}

enum http_outcome http_request_read(struct http_request_reader *r, const char *buf, size_t n)
{
	while (r->outcome == HTTP_MORE && r->seen < n && r->seen < HTTP_HEAD_MAX)
		if (!reader_take_byte(r, buf))
			break;
	if (r->outcome == HTTP_MORE && r->seen == HTTP_HEAD_MAX)
		reader_refuse(r, HEAD_TOO_LARGE, "a head beyond its bound");
	return r->outcome;
}
