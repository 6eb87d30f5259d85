/*
 * tests/relay/test_http_request.c - heads that are read, and heads with one fault each
 * that are refused for it; each whole, byte by byte, and cut in two at every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "relay/http_request.h"

#define GET_LINE "GET /v1/models HTTP/1.1\r\n"
#define POST_LINE "POST /v1/messages HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define LENGTH "Content-Length: 5\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define GET(fields) GET_LINE HOST fields "\r\n"
#define POST(fields) POST_LINE HOST fields "\r\n"
#define TARGET(target) "GET " target " HTTP/1.1\r\n" HOST "\r\n"
#define TEXT(text) text, sizeof(text) - 1

static void assert_same_view(struct http_view a, struct http_view b)
{
	assert_ptr_equal(a.p, b.p);
	assert_int_equal(a.n, b.n);
}

static void assert_same_request(const struct http_request *a, const struct http_request *b)
{
	size_t i;

	assert_int_equal(a->method, b->method);
	assert_same_view(a->path, b->path);
	assert_same_view(a->query, b->query);
	assert_int_equal(a->field_count, b->field_count);
	for (i = 0; i < a->field_count; i++) {
		assert_same_view(a->fields[i].name, b->fields[i].name);
		assert_same_view(a->fields[i].value, b->fields[i].value);
	}
	assert_int_equal(a->framing, b->framing);
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->keep, b->keep);
	assert_int_equal(a->head_size, b->head_size);
}

static void assert_same(const struct http_request_reader *a, const struct http_request_reader *b)
{
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->seen, b->seen);
	assert_int_equal(a->refusal.status, b->refusal.status);
	assert_ptr_equal(a->refusal.reason, b->refusal.reason);
	if (a->outcome == HTTP_DONE)
		assert_same_request(&a->request, &b->request);
}

/* The bytes arrive one by one; behind them lies what would end every line. */
static void read_by_bytes(struct http_request_reader *r, char *buf, const char *head, size_t n)
{
	size_t i;

	memset(buf, '\n', n);
	http_request_init(r);
	for (i = 0; i < n; i++) {
		buf[i] = head[i];
		http_request_read(r, buf, i + 1);
	}
}

/* Read a head in every way.  *r is how it was read as a whole; its views lie in *buf. */
static void read_head(struct http_request_reader *r, char **buf, const char *head, size_t n)
{
	static struct http_request_reader other;
	size_t cut;

	*buf = malloc(n ? n : 1);
	assert_non_null(*buf);
	memcpy(*buf, head, n);
	http_request_init(r);
	http_request_read(r, *buf, n);
	for (cut = 0; cut < n && n < 2000; cut++) {
		http_request_init(&other);
		http_request_read(&other, *buf, cut);
		http_request_read(&other, *buf, n);
		assert_same(r, &other);
	}
	read_by_bytes(&other, *buf, head, n);
	assert_same(r, &other);
	assert_int_equal(http_request_read(r, *buf, n), r->outcome);
}

static void expect_refused(const char *head, size_t n, int status, const char *reason)
{
	static struct http_request_reader r;
	char *buf;

	read_head(&r, &buf, head, n);
	if (r.outcome != HTTP_REFUSED || r.refusal.status != status ||
	    strcmp(r.refusal.reason, reason) != 0)
		fail_msg("%.*s\noutcome %d, %d %s", (int)n, head, (int)r.outcome, r.refusal.status,
			 r.outcome == HTTP_REFUSED ? r.refusal.reason : "");
	free(buf);
}

struct good {
	const char *head;
	size_t n;
	enum http_method method;
	const char *path, *query;
	size_t fields;
	enum http_framing framing;
	uint64_t length;
	bool keep;
};

#define GOOD_GET(fields, count, keep)                                                           \
	{                                                                                       \
		TEXT(GET(fields)), HTTP_GET, "/v1/models", NULL, count, HTTP_BODY_NONE, 0, keep \
	}
#define GOOD_POST(fields, count, framing, length)                                                 \
	{                                                                                         \
		TEXT(POST(fields)), HTTP_POST, "/v1/messages", NULL, count, framing, length, true \
	}
#define GOOD_TARGET(path, query, text)                                                \
	{                                                                             \
		TEXT(TARGET(text)), HTTP_GET, path, query, 1, HTTP_BODY_NONE, 0, true \
	}

static const struct good good[] = {
	GOOD_GET("", 1, true),
	{ TEXT(GET("Content-Length: 0\r\nX: y\r\n")), HTTP_GET, "/v1/models", NULL, 3,
	  HTTP_BODY_LENGTH, 0, true },
	GOOD_GET("Accept: a\r\nAccept: b\r\n", 3, true),
	GOOD_GET("X:\r\nY: \r\nZ:z\r\n-_09azAZ: \"~ : ,;\"\r\n", 5, true),
	GOOD_GET("Connection: keep-alive\r\n", 2, true),
	GOOD_GET("Connection: X-A , Keep-Alive\r\nCONNECTION: x-b\r\n", 3, true),
	GOOD_GET("connection: close\r\n", 2, false),
	GOOD_POST(LENGTH, 2, HTTP_BODY_LENGTH, 5),
	GOOD_POST("content-length:0\r\n", 2, HTTP_BODY_LENGTH, 0),
	GOOD_POST("Content-Length: 9007199254740992\r\n", 2, HTTP_BODY_LENGTH, HTTP_LENGTH_MAX),
	GOOD_POST(CHUNKED, 2, HTTP_BODY_CHUNKED, 0),
	GOOD_TARGET("/", NULL, "/"),
	GOOD_TARGET("/v1/", NULL, "/v1/"),
	GOOD_TARGET("/v1/models/a.b", NULL, "/v1/models/a.b"),
	GOOD_TARGET("/.a/..b/...", NULL, "/.a/..b/..."),
	GOOD_TARGET("/m/x:1@2", "", "/m/x:1@2?"),
	GOOD_TARGET("/m/x%5b1m%5D%3A%20", "beta=true&p=/../?%2e",
		    "/m/x%5b1m%5D%3A%20?beta=true&p=/../?%2e"),
};

static void test_good(void **state)
{
	static struct http_request_reader r;
	size_t i;
	char *buf;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct good *g = &good[i];

		read_head(&r, &buf, g->head, g->n);
		if (r.outcome != HTTP_DONE)
			fail_msg("%s\n%s", g->head,
				 r.outcome == HTTP_REFUSED ? r.refusal.reason : "more");
		assert_int_equal(r.request.method, g->method);
		assert_true(http_view_is(r.request.path, g->path));
		assert_int_equal(r.request.query.p != NULL, g->query != NULL);
		if (g->query)
			assert_true(http_view_is(r.request.query, g->query));
		assert_int_equal(r.request.field_count, g->fields);
		assert_true(http_view_is(r.request.fields[0].name, "Host"));
		assert_true(http_view_is(r.request.fields[0].value, "a"));
		assert_int_equal(r.request.framing, g->framing);
		assert_int_equal(r.request.length, g->length);
		assert_int_equal(r.request.keep, g->keep);
		assert_int_equal(r.request.head_size, g->n);
		free(buf);
	}
}

static const struct {
	const char *head;
	size_t n;
	int status;
	const char *reason;
} bad[] = {
	/* lines */
	{ TEXT("\r\n" GET("")), 400, "no request line" },
	{ TEXT("GET /v1/models HTTP/1.1\n" HOST "\r\n"), 400, "a line feed by itself" },
	{ TEXT(GET("X: y\n")), 400, "a line feed by itself" },
	{ TEXT(GET_LINE HOST "\n"), 400, "a line feed by itself" },
	{ TEXT(GET("X: y\rZ: z\r\n")), 400, "a carriage return by itself" },
	{ TEXT(GET("X: y\r\r\n")), 400, "a carriage return by itself" },
	{ TEXT(GET("X: y\r\n z\r\n")), 400, "a line that is folded" },
	{ TEXT(GET("X: y\r\n\tz\r\n")), 400, "a byte that is no printable ASCII" },
	{ TEXT("\x16\x03\x01"), 400, "a byte that is no printable ASCII" },
	/* the request line */
	{ TEXT("GET /v1/models\r\n" HOST "\r\n"), 400, "no request line" },
	{ TEXT(" GET /v1/models HTTP/1.1\r\n" HOST "\r\n"), 400, "a request without a method" },
	{ TEXT("G(T /v1/models HTTP/1.1\r\n" HOST "\r\n"), 400, "a request without a method" },
	{ TEXT("GET  /v1/models HTTP/1.1\r\n" HOST "\r\n"), 400, "a target that is no path" },
	{ TEXT("GET /v1/models  HTTP/1.1\r\n" HOST "\r\n"), 505, "a version other than HTTP/1.1" },
	{ TEXT("GET /v1/models HTTP/1.1 \r\n" HOST "\r\n"), 505, "a version other than HTTP/1.1" },
	{ TEXT("GET /v1/models HTTP/1.0\r\n" HOST "\r\n"), 505, "a version other than HTTP/1.1" },
	{ TEXT("GET /v1/models HTTP/2.0\r\n" HOST "\r\n"), 505, "a version other than HTTP/1.1" },
	{ TEXT("GET /v1/models http/1.1\r\n" HOST "\r\n"), 505, "a version other than HTTP/1.1" },
	{ TEXT("get /v1/models HTTP/1.1\r\n" HOST "\r\n"), 405,
	  "a method other than GET and POST" },
	{ TEXT("PUT /v1/models HTTP/1.1\r\n" HOST "\r\n"), 405,
	  "a method other than GET and POST" },
	{ TEXT("HEAD /v1/models HTTP/1.1\r\n" HOST "\r\n"), 405,
	  "a method other than GET and POST" },
	{ TEXT("CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n"), 405, "a method other than GET and POST" },
	/* targets */
	{ TEXT(TARGET("*")), 400, "a target that is no path" },
	{ TEXT(TARGET("http://a/v1/models")), 400, "a target that is no path" },
	{ TEXT(TARGET("a:443")), 400, "a target that is no path" },
	{ TEXT(TARGET("v1/models")), 400, "a target that is no path" },
	{ TEXT(TARGET("?a")), 400, "a target that is no path" },
	{ TEXT(TARGET("//v1/models")), 400, "an empty segment" },
	{ TEXT(TARGET("/v1//models")), 400, "an empty segment" },
	{ TEXT(TARGET("/v1/./models")), 400, "a segment of dots" },
	{ TEXT(TARGET("/v1/../models")), 400, "a segment of dots" },
	{ TEXT(TARGET("/v1/..")), 400, "a segment of dots" },
	{ TEXT(TARGET("/v1/.?a")), 400, "a segment of dots" },
	{ TEXT(TARGET("/v1/%6dodels")), 400, "percent-encoding of a character that needs none" },
	{ TEXT(TARGET("/v1/%2E%2e")), 400, "percent-encoding of a character that needs none" },
	{ TEXT(TARGET("/v1/%7E")), 400, "percent-encoding of a character that needs none" },
	{ TEXT(TARGET("/v1/%2fb")), 400, "an empty segment" },
	{ TEXT(TARGET("/v1%2F/b")), 400, "an empty segment" },
	{ TEXT(TARGET("/v1/a%2f")), 400, "an empty segment" },
	{ TEXT(TARGET("/v1/a%2F..")), 400, "a segment of dots" },
	{ TEXT(TARGET("/v1/..%2Fa")), 400, "a segment of dots" },
	{ TEXT(TARGET("/v1/a%2f.%2Fb")), 400, "a segment of dots" },
	{ TEXT(TARGET("/v1/a%5Cb")), 400, "percent-encoding of a character that splits paths" },
	{ TEXT(TARGET("/v1/a%252fb")), 400, "percent-encoding of a character that splits paths" },
	{ TEXT(TARGET("/v1/a%3Fb")), 400, "percent-encoding of a character that splits paths" },
	{ TEXT(TARGET("/v1/a%3bb")), 400, "percent-encoding of a character that splits paths" },
	{ TEXT(TARGET("/v1/a%00")), 400, "percent-encoding of a byte that is no printable ASCII" },
	{ TEXT(TARGET("/v1/%c0%ae")), 400,
	  "percent-encoding of a byte that is no printable ASCII" },
	{ TEXT(TARGET("/v1/%4")), 400, "a % without two hexadecimal digits" },
	{ TEXT(TARGET("/v1/%4x")), 400, "a % without two hexadecimal digits" },
	{ TEXT(TARGET("/v1?%")), 400, "a % without two hexadecimal digits" },
	{ TEXT(TARGET("/v1/models;a")), 400, "a parameter in the path" },
	{ TEXT(TARGET("/v1/models#a")), 400, "a fragment" },
	{ TEXT(TARGET("/v1/models?a#b")), 400, "a fragment" },
	{ TEXT(TARGET("/v1\\models")), 400, "a character that a target cannot have" },
	{ TEXT(TARGET("/v1/\xc3\xa4")), 400, "a byte that is no printable ASCII" },
	{ TEXT(TARGET("/v1?\xc3\xa4")), 400, "a byte that is no printable ASCII" },
	{ TEXT(TARGET("/v1?a=%0d%0a")), 400,
	  "percent-encoding of a byte that is no printable ASCII" },
	{ TEXT(TARGET("/v1?a=%00")), 400, "percent-encoding of a byte that is no printable ASCII" },
	{ TEXT(TARGET("/v1?a=%7F")), 400, "percent-encoding of a byte that is no printable ASCII" },
	{ TEXT(TARGET("/v1?a=%ff")), 400, "percent-encoding of a byte that is no printable ASCII" },
	{ TEXT(TARGET("/v1?[a]")), 400, "a character that a target cannot have" },
	{ TEXT(TARGET("/v1/\0")), 400, "a byte that is no printable ASCII" },
	/* names and values */
	{ TEXT(GET(": y\r\n")), 400, "a field's name that is none" },
	{ TEXT(GET("X y: z\r\n")), 400, "a field's name that is none" },
	{ TEXT(GET("X(: y\r\n")), 400, "a field's name that is none" },
	{ TEXT(GET("X.Api.Key: y\r\n")), 400, "a field's name that is none" },
	{ TEXT(GET("X~: y\r\n")), 400, "a field's name that is none" },
	{ TEXT(GET("\xc3\xa4: y\r\n")), 400, "a byte that is no printable ASCII" },
	{ TEXT(GET("X: \xc3\xa4\r\n")), 400, "a byte that is no printable ASCII" },
	{ TEXT(GET("X : y\r\n")), 400, "a blank before the colon" },
	{ TEXT(GET(" : y\r\n")), 400, "a line that is folded" },
	{ TEXT(GET("X\r\n")), 400, "a field without a colon" },
	{ TEXT(GET("X: a\0b\r\n")), 400, "a byte that is no printable ASCII" },
	{ TEXT(GET("X: a\tb\r\n")), 400, "a byte that is no printable ASCII" },
	{ TEXT(GET("X: a\033b\r\n")), 400, "a byte that is no printable ASCII" },
	{ TEXT(GET("X: a\177b\r\n")), 400, "a byte that is no printable ASCII" },
	{ TEXT(GET("X:  y\r\n")), 400, "blanks around a field's value" },
	{ TEXT(GET("X: y \r\n")), 400, "blanks around a field's value" },
	/* Host */
	{ TEXT(GET_LINE "\r\n"), 400, "no Host" },
	{ TEXT(GET(HOST)), 400, "a second Host" },
	{ TEXT(GET_LINE "Host:\r\n\r\n"), 400, "a Host that names no host" },
	{ TEXT(GET_LINE "Host: a, b\r\n\r\n"), 400, "a Host that names no host" },
	{ TEXT(GET_LINE "Host: a@b\r\n\r\n"), 400, "a Host that names no host" },
	{ TEXT(GET_LINE "Host: a/b\r\n\r\n"), 400, "a Host that names no host" },
	/* framing */
	{ TEXT(POST("")), 411, "a POST without a length" },
	{ TEXT(POST(LENGTH LENGTH)), 400, "a second Content-Length" },
	{ TEXT(POST(LENGTH "content-length: 6\r\n")), 400, "a second Content-Length" },
	{ TEXT(POST("Content-Length:\r\n")), 400, "a Content-Length that is no length" },
	{ TEXT(POST("Content-Length: +5\r\n")), 400, "a Content-Length that is no length" },
	{ TEXT(POST("Content-Length: -5\r\n")), 400, "a Content-Length that is no length" },
	{ TEXT(POST("Content-Length: 5 5\r\n")), 400, "a Content-Length that is no length" },
	{ TEXT(POST("Content-Length: 5, 5\r\n")), 400, "a Content-Length that is no length" },
	{ TEXT(POST("Content-Length: 05\r\n")), 400, "a Content-Length that is no length" },
	{ TEXT(POST("Content-Length: 0x5\r\n")), 400, "a Content-Length that is no length" },
	{ TEXT(POST("Content-Length: 5.0\r\n")), 400, "a Content-Length that is no length" },
	{ TEXT(POST("Content-Length:  5\r\n")), 400, "blanks around a field's value" },
	{ TEXT(POST("Content-Length : 5\r\n")), 400, "a blank before the colon" },
	{ TEXT(POST("Content-Length: 9007199254740993\r\n")), 400,
	  "a Content-Length beyond its bound" },
	{ TEXT(POST("Content-Length: 18446744073709551621\r\n")), 400,
	  "a Content-Length that is no length" },
	{ TEXT(POST("Content_Length: 5\r\n")), 400, "a name with _ in the place of -" },
	{ TEXT(POST(LENGTH CHUNKED)), 400, "Content-Length with Transfer-Encoding" },
	{ TEXT(POST(CHUNKED LENGTH)), 400, "Content-Length with Transfer-Encoding" },
	{ TEXT(POST(CHUNKED CHUNKED)), 400, "a second Transfer-Encoding" },
	{ TEXT(POST("Transfer-Encoding:\r\n")), 501, "a Transfer-Encoding other than chunked" },
	{ TEXT(POST("Transfer-Encoding: Chunked\r\n")), 501,
	  "a Transfer-Encoding other than chunked" },
	{ TEXT(POST("Transfer-Encoding: xchunked\r\n")), 501,
	  "a Transfer-Encoding other than chunked" },
	{ TEXT(POST("Transfer-Encoding: gzip, chunked\r\n")), 501,
	  "a Transfer-Encoding other than chunked" },
	{ TEXT(POST("Transfer-Encoding: identity\r\n")), 501,
	  "a Transfer-Encoding other than chunked" },
	{ TEXT(POST("Transfer_Encoding: chunked\r\n")), 400, "a name with _ in the place of -" },
	{ TEXT(GET(LENGTH)), 400, "a GET with a body" },
	{ TEXT(GET(CHUNKED)), 400, "a GET with a body" },
	/* what changes the protocol */
	{ TEXT(GET("Upgrade: h2c\r\n")), 501, "Upgrade" },
	{ TEXT(GET("Connection: Upgrade\r\n")), 501, "Connection: upgrade" },
	{ TEXT(GET("Connection: keep-alive, upgrade\r\n")), 501, "Connection: upgrade" },
	{ TEXT(GET("Connection:\r\n")), 400, "a Connection that is no list" },
	{ TEXT(GET("Connection: close,\r\n")), 400, "a Connection that is no list" },
	{ TEXT(GET("Connection: a b\r\n")), 400, "a Connection that is no list" },
	{ TEXT(GET("Connection: close, keep-alive\r\n")), 400,
	  "a Connection that is kept and closed" },
	{ TEXT(GET("Connection: close\r\nConnection: keep-alive\r\n")), 400,
	  "a Connection that is kept and closed" },
	{ TEXT(GET("Connection: host\r\n")), 400, "a Connection with a field it cannot have" },
	{ TEXT(GET("Connection: Content-Length\r\n")), 400,
	  "a Connection with a field it cannot have" },
	{ TEXT(GET("Connection: transfer-encoding\r\n")), 400,
	  "a Connection with a field it cannot have" },
	{ TEXT(POST(LENGTH "Expect: 100-continue\r\n")), 417, "Expect" },
	{ TEXT(POST(LENGTH "Content-Type: application/json\r\nCONTENT-TYPE: "
			   "application/json\r\n")),
	  400, "a second Content-Type" },
	{ TEXT(POST(LENGTH "Content-Type: application/x-www-form-urlencoded\r\n")), 415,
	  "a Content-Type other than application/json" },
	{ TEXT(POST(LENGTH "Content-Type: multipart/form-data; boundary=a\r\n")), 415,
	  "a Content-Type other than application/json" },
	{ TEXT(POST(LENGTH "Content-Type: application/json; charset=utf-16\r\n")), 415,
	  "a Content-Type other than application/json" },
	{ TEXT(POST(LENGTH "Content-Type: application/json, text/plain\r\n")), 415,
	  "a Content-Type other than application/json" },
	{ TEXT(POST(LENGTH "Content-Type:\r\n")), 415,
	  "a Content-Type other than application/json" },
	{ TEXT(POST(LENGTH "Content_Type: application/json\r\n")), 400,
	  "a name with _ in the place of -" },
};

static void test_bad(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refused(bad[i].head, bad[i].n, bad[i].status, bad[i].reason);
}

/* Every beginning of a good head wants more. */
static void test_more(void **state)
{
	static struct http_request_reader r;
	size_t i, n;
	char *buf;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		for (n = 0; n < good[i].n; n++) {
			read_head(&r, &buf, good[i].head, n);
			assert_int_equal(r.outcome, HTTP_MORE);
			free(buf);
		}
	}
}

/* Each of the 256 bytes in a name, a value and a path. */
static void test_every_byte(void **state)
{
	static const char name[] = GET_LINE HOST "Xx: y\r\n\r\n";
	static const char others[] = "-_:"; /* with the colon the value is "x: y" */
	static struct http_request_reader r;
	size_t at_name = sizeof(GET_LINE HOST "X") - 1, at_value = sizeof(GET_LINE HOST "Xx: ") - 1;
	char head[sizeof(name)], *buf;
	bool alphanumeric, want;
	int b;

	(void)state;
	for (b = 0; b < 256; b++) {
		alphanumeric =
			(b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
		memcpy(head, name, sizeof(head));
		head[at_name] = (char)b;
		read_head(&r, &buf, head, sizeof(head) - 1);
		want = alphanumeric || (b && strchr(others, b));
		assert_int_equal(r.outcome, want ? HTTP_DONE : HTTP_REFUSED);
		free(buf);
		memcpy(head, name, sizeof(head));
		head[at_value] = (char)b;
		read_head(&r, &buf, head, sizeof(head) - 1);
		assert_int_equal(r.outcome, b > ' ' && b < 127 ? HTTP_DONE : HTTP_REFUSED);
		free(buf);
		memcpy(head, name, sizeof(head));
		head[sizeof("GET /v1") - 1] = (char)b; /* "/v1?models" */
		read_head(&r, &buf, head, sizeof(head) - 1);
		want = alphanumeric || (b && b != ';' && strchr("-._~!$&'()*+,=:@/?", b));
		assert_int_equal(r.outcome, want ? HTTP_DONE : HTTP_REFUSED);
		free(buf);
	}
}

/* A head of exactly n bytes. */
static char *head_of_size(size_t n)
{
	static const char begin[] = GET_LINE HOST "X: ", end[] = "\r\n\r\n";
	char *head = malloc(n);

	assert_non_null(head);
	memset(head, 'x', n);
	memcpy(head, begin, sizeof(begin) - 1);
	memcpy(head + n - (sizeof(end) - 1), end, sizeof(end) - 1);
	return head;
}

static void test_bounds(void **state)
{
	static struct http_request_reader r;
	static char many[8192];
	char *head, *buf;
	int i, n;

	(void)state;
	head = head_of_size(HTTP_HEAD_MAX);
	read_head(&r, &buf, head, HTTP_HEAD_MAX);
	assert_int_equal(r.outcome, HTTP_DONE);
	assert_int_equal(r.request.head_size, HTTP_HEAD_MAX);
	free(buf);
	read_head(&r, &buf, head, HTTP_HEAD_MAX - 1);
	assert_int_equal(r.outcome, HTTP_MORE);
	free(buf);
	free(head);
	head = head_of_size(HTTP_HEAD_MAX + 1);
	expect_refused(head, HTTP_HEAD_MAX + 1, 431, "a head beyond its bound");
	free(head);

	n = snprintf(many, sizeof(many), "%s", GET_LINE HOST);
	for (i = 1; i < HTTP_FIELDS_MAX; i++)
		n += snprintf(many + n, sizeof(many) - (size_t)n, "X: %d\r\n", i);
	snprintf(many + n, sizeof(many) - (size_t)n, "\r\n");
	read_head(&r, &buf, many, strlen(many));
	assert_int_equal(r.outcome, HTTP_DONE);
	assert_int_equal(r.request.field_count, HTTP_FIELDS_MAX);
	free(buf);
	snprintf(many + n, sizeof(many) - (size_t)n, "X: y\r\n\r\n");
	expect_refused(many, strlen(many), 431, "too many fields");
}

/* What comes behind a head is left alone, whatever it is. */
static void test_rest(void **state)
{
	static const char two[] = POST(LENGTH) "\0\r\n\n\r" GET("");
	static struct http_request_reader r;
	size_t first = sizeof(POST(LENGTH)) - 1;
	char *buf;

	(void)state;
	read_head(&r, &buf, two, sizeof(two) - 1);
	assert_int_equal(r.outcome, HTTP_DONE);
	assert_int_equal(r.request.head_size, first);
	http_request_init(&r);
	assert_int_equal(http_request_read(&r, two + first + 5, sizeof(two) - 1 - first - 5),
			 HTTP_DONE);
	assert_int_equal(r.request.method, HTTP_GET);
	free(buf);
}

/* The type of a body: with its charset or without, and with blanks where they may stand. */
static void test_types(void **state)
{
	static const char *const taken[] = { "application/json", "application/json;charset=utf-8",
					     "application/json; charset=utf-8",
					     "application/json  ;  charset=utf-8" };
	static const char *const refused[] = { "application/json;",
					       "application/json; charset=utf-8;", ";charset=utf-8",
					       ";", "text/plain; charset=utf-8" };
	struct http_request_reader r;
	char head[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		snprintf(head, sizeof(head), POST(LENGTH "Content-Type: %s\r\n"), taken[i]);
		http_request_init(&r);
		assert_int_equal(http_request_read(&r, head, strlen(head)), HTTP_DONE);
	}
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		snprintf(head, sizeof(head), POST(LENGTH "Content-Type: %s\r\n"), refused[i]);
		http_request_init(&r);
		assert_int_equal(http_request_read(&r, head, strlen(head)), HTTP_REFUSED);
		assert_int_equal(r.refusal.status, 415);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),	   cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),	   cmocka_unit_test(test_more),
		cmocka_unit_test(test_every_byte), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
