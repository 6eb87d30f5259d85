/*
 * relay/request_head.c - writing the head of the request that the provider gets.
 */
#include "relay/request_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "relay/http_target.h"

#define END_OF_LINE "\r\n"
#define USUAL_TYPES "application/json, text/event-stream"
#define LENGTH_DIGITS_MAX 20 /* of a uint64_t */

struct head_out {
	char *p;
	size_t size, n;
	bool full;
};

static void head_put(struct head_out *o, struct http_view v)
{
	if (o->full || v.n > o->size - o->n) {
		o->full = true;
		return;
	}
	if (v.n)
		memcpy(o->p + o->n, v.p, v.n);
	o->n += v.n;
}

static void head_put_text(struct head_out *o, const char *text)
{
	head_put(o, http_view_of(text));
}

static void head_put_field(struct head_out *o, struct http_view name, struct http_view value)
{
	head_put(o, name);
	head_put_text(o, ": ");
	head_put(o, value);
	head_put_text(o, END_OF_LINE);
}

static void head_put_request_line(struct head_out *o, const struct http_request *r,
				  const char *prefix)
{
	head_put_text(o, r->method == HTTP_POST ? "POST " : "GET ");
	head_put_text(o, prefix);
	head_put(o, r->path);
	if (r->query.p) {
		head_put_text(o, "?");
		head_put(o, r->query);
	}
	head_put_text(o, " HTTP/1.1" END_OF_LINE);
}

static void head_put_framing(struct head_out *o, const struct http_request *r)
{
	char digits[LENGTH_DIGITS_MAX + 1];

	switch (r->framing) {
	case HTTP_BODY_NONE:
		break;
	case HTTP_BODY_LENGTH:
		snprintf(digits, sizeof(digits), "%" PRIu64, r->length);
		head_put_field(o, http_view_of("Content-Length"), http_view_of(digits));
		break;
	case HTTP_BODY_CHUNKED:
		head_put_text(o, "Transfer-Encoding: chunked" END_OF_LINE);
		break;
	}
}

static bool prefix_valid(const char *prefix)
{
	struct http_view v = http_view_of(prefix), path, query;

	if (v.n == 0)
		return true;
	return !http_target_split(v, &path, &query) && !query.p && v.p[v.n - 1] != '/';
}

static bool field_value_valid(const char *value, size_t len)
{
	size_t i;

	if (len == 0 || value[0] == ' ' || value[len - 1] == ' ')
		return false;
	for (i = 0; i < len; i++)
		if (!http_is_printable(value[i]))
			return false;
	return true;
}

bool request_added_ok(const struct request_added *a)
{
	struct http_view name = http_view_of(a->name);

	return http_is_field_name(name) && !memchr(name.p, '_', name.n) &&
	       request_field_kind(name) == REQUEST_FIELD_OTHER &&
	       field_value_valid(a->value, strlen(a->value));
}

int request_head_write(const struct http_request *r, const struct request_provider *p, char *out,
		       size_t size, size_t *n, struct failure *f)
{
	struct head_out o = { .size = size };
	size_t i;

	o.p = out;
	if (!http_is_host(http_view_of(p->host)))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the provider's host name is none");
	if (!prefix_valid(p->prefix))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the provider's path is none");
	head_put_request_line(&o, r, p->prefix);
	for (i = 0; i < p->fields.added_count; i++)
		if (!request_added_ok(&p->fields.added[i]))
			return fail_set(f, FAIL_BAD_VALUE, NULL, "a header that cannot be added");
	head_put_field(&o, http_view_of("Host"), http_view_of(p->host));
	head_put_field(&o, http_view_of("Accept"),
		       http_view_of(p->accept ? p->accept : USUAL_TYPES));
	head_put_text(&o, "Accept-Encoding: identity" END_OF_LINE);
	head_put_framing(&o, r);
	for (i = 0; i < r->field_count; i++)
		if (request_field_passes(r, r->fields[i].name, &p->fields))
			head_put_field(&o, r->fields[i].name, r->fields[i].value);
	for (i = 0; i < p->fields.added_count; i++)
		head_put_field(&o, http_view_of(p->fields.added[i].name),
			       http_view_of(p->fields.added[i].value));
	if (o.full)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
				"the request's head has more than %zu bytes", size);
	*n = o.n;
	return 0;
}

static bool secret_name_valid(struct http_view name)
{
	enum request_field_kind kind = request_field_kind(name);

	return http_is_field_name(name) &&
	       (kind == REQUEST_FIELD_OTHER || kind == REQUEST_FIELD_PASSED ||
		kind == REQUEST_FIELD_CREDENTIAL);
}

int request_secret_write(const struct request_secret *s, const char *value, size_t len, char *out,
			 size_t size, size_t *n, struct failure *f)
{
	struct http_view name = http_view_of(s->name);
	struct http_view scheme = http_view_of(s->scheme ? s->scheme : "");
	size_t around = name.n + 2 + scheme.n + (scheme.n ? 1 : 0) + strlen(END_OF_LINE);
	struct head_out o = { .size = size };

	o.p = out;
	if (!secret_name_valid(name) || (scheme.n && !http_is_token(scheme)))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "no field of this name can bear a key");
	if (!field_value_valid(value, len))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a key that a field cannot hold");
	if (around > size || len > size - around)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "a key that its buffer cannot hold");
	head_put(&o, name);
	head_put_text(&o, ": ");
	if (scheme.n) {
		head_put(&o, scheme);
		head_put_text(&o, " ");
	}
	head_put(&o, (struct http_view){ value, len });
	head_put_text(&o, END_OF_LINE);
	*n = o.n;
	return 0;
}
