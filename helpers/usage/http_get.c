/*
 * helpers/usage/http_get.c - one HTTP GET request with a key (libcurl).  Redirects are not
 * followed.
 */
#include "helpers/usage/http_get.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "helpers/usage/usage_kind.h"
#include "vault/locked_heap.h"
#include "helpers/usage/usage_result.h"
#include "wire/endpoint.h"
#include "wire/usage_place.h"

#define CONNECT_SECONDS 5L
#define TOTAL_SECONDS 10L
#define SLOW_BYTES 32L /* per second, over SLOW_SECONDS: slower servers are given up */
#define SLOW_SECONDS 8L
#define HEADERS_MAX 32768
#define BUFFER_SIZE 16384L /* libcurl's minimum for sending */

struct transfer {
	struct http_answer *out;
	size_t headers;
	bool too_large;
};

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;

	if (n > sizeof(t->out->body) - t->out->n) {
		t->too_large = true;
		return 0;
	}
	memcpy(t->out->body + t->out->n, p, one * n);
	t->out->n += n;
	return n;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)p;
	t->headers += one * n;
	if (t->headers <= HEADERS_MAX)
		return n;
	t->too_large = true;
	return 0;
}

/* If an option cannot be set, no request is sent.  Returns true if all are set. */
static bool set_security_options(CURL *c, const struct usage_target *target)
{
	static char address[] = "::127.0.0.1:";
	static struct curl_slist here = { address, NULL };
	bool bad = false;

	/* Verify the certificate and its host name; TLS 1.2 or later. */
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) != CURLE_OK;
	/* The key goes to this host only: follow no redirect, send the header to no proxy. */
	bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) != CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075500
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
				target->loopback ? "http,https" : "https") != CURLE_OK;
#else
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS,
				target->loopback ? CURLPROTO_HTTP | CURLPROTO_HTTPS
						 : CURLPROTO_HTTPS) != CURLE_OK;
#endif
	/* To other hosts a proxy from the environment is used, through a CONNECT tunnel. */
	if (target->loopback)
		bad |= curl_easy_setopt(c, CURLOPT_PROXY, "") != CURLE_OK;
	/* One address, as of a relay (relay/settings.c), and whatever a name server says. */
	if (endpoint_host_is_localhost(target->host))
		bad |= curl_easy_setopt(c, CURLOPT_CONNECT_TO, &here) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_USERAGENT, "ccrun/" CCRUN_VERSION) != CURLE_OK;
	return !bad;
}

static bool set_limits_and_callbacks(CURL *c, struct transfer *t)
{
	bool bad = false;

	bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT, TOTAL_SECONDS) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_BUFFERSIZE, BUFFER_SIZE) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_SIZE) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_WRITEDATA, t) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_HEADERDATA, t) != CURLE_OK;
	return !bad;
}

static enum usage_error error_from_curl(CURLcode code)
{
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return USAGE_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
		return USAGE_TLS;
	default:
		return USAGE_NETWORK;
	}
}

/* Returns false if the handle must not be freed: a thread may still resolve a name. */
static bool perform_request(CURL *c, struct transfer *t)
{
	curl_off_t retry = 0;
	long status = 0;
	CURLcode r = curl_easy_perform(c);

	if (t->too_large)
		t->out->error = USAGE_TOO_LARGE;
	else if (r != CURLE_OK)
		t->out->error = error_from_curl(r);
	else if (curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
		t->out->error = usage_error_of_status(status);
	/* Retry-After is seconds or a date (RFC 9110); libcurl converts both to seconds. */
	if (r == CURLE_OK && t->out->error != USAGE_DONE &&
	    curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &retry) == CURLE_OK && retry > 0)
		t->out->retry = retry < RETRY_MAX ? (uint32_t)retry : RETRY_MAX;
	return r != CURLE_OPERATION_TIMEDOUT;
}

void http_get(const struct usage_kind *kind, const struct usage_target *target,
	      const uint8_t *token, size_t len, struct http_answer *out)
{
	static const char before[] = "Authorization: ", bearer[] = "Bearer ";
	size_t size = sizeof(before) + sizeof(bearer) + len;
	char *line = NULL;
	/* Our own list nodes: curl_slist_append would copy the key. */
	struct curl_slist more = { (char *)(uintptr_t)kind->header, NULL };
	struct curl_slist accept = { (char *)(uintptr_t) "Accept: application/json",
				     kind->header ? &more : NULL };
	struct curl_slist key = { NULL, &accept };
	struct transfer t = { .out = out };
	CURL *c = NULL;
	bool can_clean_up = true;

	memset(out, 0, sizeof(*out));
	out->error = USAGE_NETWORK;
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, heap_malloc, heap_free, heap_realloc,
				 heap_strdup, heap_calloc) != CURLE_OK)
		return;
	line = heap_malloc(size);
	c = curl_easy_init();
	if (line && c && set_security_options(c, target) && set_limits_and_callbacks(c, &t) &&
	    curl_easy_setopt(c, CURLOPT_URL, target->url) == CURLE_OK) {
		/* No snprintf: it may use a buffer of its own, which is not wiped. */
		size = sizeof(before) - 1;
		memcpy(line, before, size);
		if (kind->place->bearer) {
			memcpy(line + size, bearer, sizeof(bearer) - 1);
			size += sizeof(bearer) - 1;
		}
		memcpy(line + size, token, len);
		line[size + len] = '\0';
		key.data = line;
		if (curl_easy_setopt(c, CURLOPT_HTTPHEADER, &key) == CURLE_OK)
			can_clean_up = perform_request(c, &t);
	}
	heap_free(line);
	if (can_clean_up)
		curl_easy_cleanup(c);
}
