/*
 * helpers/ask/question.c - one request without a key, and its answer (libcurl).
 */
#include "helpers/ask/question.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fail.h"
#include "reach/reach.h"

#define CONNECT_SECONDS 10L
#define RETRY_MAX (86400l * 31)
#define URL_MAX 2048
#define HEADER_MAX 2048

/* What libcurl fills while it works. */
struct asking {
	struct answer *out;
	char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
	struct answer *out = arg;

	/* curl gives up where less is taken than it has. */
	if (n > ANSWER_BODY_MAX - out->n)
		return 0;
	memcpy(out->body + out->n, p, one * n);
	out->n += n;
	return n;
}

/* The field's value in out, if the line is of that name. */
static bool field_take(const char *line, size_t n, const char *name, char *out, size_t size)
{
	size_t k = strlen(name);

	if (n <= k || line[k] != ':' || strncasecmp(line, name, k) != 0)
		return false;
	for (k++; k < n && line[k] == ' '; k++)
		;
	while (n > k && (line[n - 1] == '\r' || line[n - 1] == '\n'))
		n--;
	snprintf(out, size, "%.*s", (int)(n - k), line + k);
	return true;
}

static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
	struct answer *out = arg;
	char value[64];

	if (field_take(p, n, TRIAL_HEADER, value, sizeof(value)))
		trial_from_name(value, &out->cause);
	if (field_take(p, n, "retry-after", value, sizeof(value)) &&
	    value[strspn(value, "0123456789")] == '\0' && strlen(value) < 8 &&
	    strtol(value, NULL, 10) <= RETRY_MAX)
		out->retry = (unsigned)strtol(value, NULL, 10);
	return one * n;
}

/* Returns true if all are set: otherwise no request is sent. */
static bool request_set(CURL *c, const struct question *q, const char *url, struct asking *a)
{
	bool bad = false;

	bad |= curl_easy_setopt(c, CURLOPT_URL, url) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075500
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK;
#else
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS) != CURLE_OK;
#endif
	bad |= curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_USERAGENT, "ccrun/" CCRUN_VERSION) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT, q->seconds) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->error) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_WRITEDATA, a->out) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_HEADERDATA, a->out) != CURLE_OK;
	if (q->json)
		bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->json) != CURLE_OK;
	/* The relay goes through the person's proxy; the socket itself is no proxy's. */
	if (q->socket)
		bad |= curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, q->socket) != CURLE_OK ||
		       curl_easy_setopt(c, CURLOPT_PROXY, "") != CURLE_OK;
	return !bad;
}

/* One more header of n bytes.  False: no memory, or it is too long. */
static bool header_add(struct curl_slist **list, const char *name, const char *value, size_t n)
{
	char line[HEADER_MAX];
	struct curl_slist *longer = NULL;

	if (snprintf(line, sizeof(line), "%s%.*s", name, (int)n, value) < (int)sizeof(line))
		longer = curl_slist_append(*list, line);
	if (longer)
		*list = longer;
	return longer != NULL;
}

/* What the API wants besides a key.  NULL: no memory, or one that is too long. */
static struct curl_slist *headers_make(const struct question *q)
{
	struct curl_slist *list = curl_slist_append(NULL, "anthropic-version: 2023-06-01");
	const char *line = q->headers, *end;
	bool ok = list != NULL;

	if (q->json)
		ok = ok && header_add(&list, "content-type: ", "application/json", 16);
	if (q->token)
		ok = ok && header_add(&list, "authorization: Bearer ", q->token, strlen(q->token));
	for (; ok && line && *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		ok = end == line || header_add(&list, "", line, (size_t)(end - line));
	}
	if (ok)
		return list;
	curl_slist_free_all(list);
	return NULL;
}

static void answer_settle(CURL *c, CURLcode r, struct asking *a)
{
	struct answer *out = a->out;
	curl_off_t first = 0;
	const char *type = NULL;
	long status = 0;

	out->body[out->n] = '\0';
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c, CURLINFO_STARTTRANSFER_TIME_T, &first);
	curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
	out->first_ms = first > 0 ? (uint64_t)first / 1000 : 0;
	snprintf(out->type, sizeof(out->type), "%s", type ? type : "");
	if (r == CURLE_OK) {
		out->status = status;
		return;
	}
	/* What began and did not end is no answer. */
	out->cause = r == CURLE_OPERATION_TIMEDOUT ? TRIAL_TIMEOUT
		     : status			   ? TRIAL_BROKEN_ANSWER
						   : reach_outcome(c, r, a->error);
	if (r == CURLE_GOT_NOTHING || r == CURLE_WEIRD_SERVER_REPLY ||
	    r == CURLE_UNSUPPORTED_PROTOCOL)
		out->cause = TRIAL_BROKEN_ANSWER;
	snprintf(out->words, sizeof(out->words), "%s",
		 a->error[0] ? a->error : curl_easy_strerror(r));
	fail_sanitize(out->words);
}

int question_ask(const struct question *q, struct answer *out, struct failure *f)
{
	struct asking a = { .out = out };
	char url[URL_MAX];
	int n = snprintf(url, sizeof(url), "%s%s", q->base, q->path);
	struct curl_slist *headers = NULL;
	CURLcode r = CURLE_FAILED_INIT;
	CURL *c = NULL;

	memset(out, 0, sizeof(*out));
	if (n < 0 || n >= (int)sizeof(url))
		return fail_set(f, FAIL_CONFIG, NULL, "the address is too long");
	/* Pages that are not written cost nothing. */
	out->body = malloc(ANSWER_BODY_MAX + 1);
	headers = out->body ? headers_make(q) : NULL;
	if (headers && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		c = curl_easy_init();
	if (c && request_set(c, q, url, &a) &&
	    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK)
		r = curl_easy_perform(c);
	if (c && r != CURLE_FAILED_INIT && r != CURLE_WRITE_ERROR) {
		answer_settle(c, r, &a);
		/* The handle is not freed after a time-out, when a thread may still look up a
		 * name. */
		if (r != CURLE_OPERATION_TIMEDOUT)
			curl_easy_cleanup(c);
		curl_slist_free_all(headers);
		return 0;
	}
	if (c)
		curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	free(out->body);
	out->body = NULL;
	if (r == CURLE_WRITE_ERROR)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the answer of %.200s is over %u MiB",
				q->base, ANSWER_BODY_MAX >> 20);
	return fail_set(f, FAIL_NO_MEMORY, NULL, "the request to %.200s cannot be made", q->base);
}

bool answer_is_none(const struct answer *a)
{
	return a->status == 0;
}
