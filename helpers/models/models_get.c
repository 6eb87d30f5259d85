/*
 * helpers/models/models_get.c - one GET request without a key (libcurl).
 */
#include "helpers/models/models_get.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

#define CONNECT_SECONDS 3L
#define TOTAL_SECONDS 15L
#define URL_MAX 2048

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
	struct models_answer *out = arg;

	/* curl gives up where less is taken than it has. */
	if (n > MODELS_BODY_MAX - out->n)
		return 0;
	memcpy(out->body + out->n, p, one * n);
	out->n += n;
	return n;
}

/* Returns true if all are set: otherwise no request is sent. */
static bool request_set(CURL *c, const char *url, const char *socket, struct models_answer *out)
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
	bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT, TOTAL_SECONDS) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_WRITEDATA, out) != CURLE_OK;
	/* The relay goes through the person's proxy; the socket itself is no proxy's. */
	if (socket)
		bad |= curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket) != CURLE_OK ||
		       curl_easy_setopt(c, CURLOPT_PROXY, "") != CURLE_OK;
	return !bad;
}

/* A fresh, empty answer with its room.  0 or -1. */
static int answer_room(struct models_answer *out)
{
	memset(out, 0, sizeof(*out));
	/* Pages that are not written cost nothing. */
	out->body = malloc(MODELS_BODY_MAX);
	return out->body ? 0 : -1;
}

int models_get(const char *base, const char *path, const char *socket, struct models_answer *out,
	       struct failure *f)
{
	char url[URL_MAX];
	int n = snprintf(url, sizeof(url), "%s%s", base, path);
	CURLcode r = CURLE_FAILED_INIT;
	CURL *c = NULL;

	memset(out, 0, sizeof(*out));
	if (n < 0 || n >= (int)sizeof(url))
		return fail_set(f, FAIL_CONFIG, NULL, "the address is too long");
	if (answer_room(out) == 0 && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		c = curl_easy_init();
	if (c && request_set(c, url, socket, out))
		r = curl_easy_perform(c);
	if (r == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &out->status);
	/* The handle is not freed after a time-out, when a thread may still look up a name. */
	if (c && r != CURLE_OPERATION_TIMEDOUT)
		curl_easy_cleanup(c);
	if (r == CURLE_OK)
		return 0;
	free(out->body);
	out->body = NULL;
	if (r == CURLE_COULDNT_CONNECT || r == CURLE_COULDNT_RESOLVE_HOST)
		return fail_set(f, FAIL_SYSTEM, "is the server started, and the address right?",
				"nothing answers at %.200s", base);
	if (r == CURLE_WRITE_ERROR)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the answer of %.200s is over %u MiB",
				base, MODELS_BODY_MAX >> 20);
	return fail_set(f, FAIL_SYSTEM, NULL, "%.200s: %s", base, curl_easy_strerror(r));
}
