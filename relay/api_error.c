/*
 * relay/api_error.c - an answer of the relay itself, in the form of the API's errors.
 */
#include "relay/api_error.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "wire/trial.h"

#define BODY_MAX (API_ERROR_MAX - 512)

static const char *type_name(enum api_error_type type)
{
	switch (type) {
	case API_AUTHENTICATION:
		return "authentication_error";
	case API_INVALID_REQUEST:
		return "invalid_request_error";
	case API_NOT_FOUND:
		return "not_found_error";
	case API_OVERLOADED:
		return "overloaded_error";
	case API_PERMISSION:
		return "permission_error";
	case API_RATE_LIMIT:
		return "rate_limit_error";
	case API_REQUEST_TOO_LARGE:
		return "request_too_large";
	case API_ERROR:
		break;
	}
	return "api_error";
}

static const char *status_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = {
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 413, "Content Too Large" },
		{ 429, "Too Many Requests" },
		{ 431, "Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 529, "Overloaded" },
	};
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

/* One character of a JSON string; returns the bytes written, at most 6. */
static size_t json_character(const char *s, unsigned len, uint32_t c, char *out)
{
	if (c == '"' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	/* DEL and C1 as well: a terminal may see the text as it stands in the body. */
	if (c < ' ' || (c >= 0x7f && c <= 0x9f))
		return (size_t)snprintf(out, 7, "\\u%04x", (unsigned)c);
	memcpy(out, s, len);
	return len;
}

/* text as the inside of a JSON string, from its first API_ERROR_TEXT_MAX bytes. */
static size_t json_escape(const char *text, char *out)
{
	size_t left = strnlen(text, API_ERROR_TEXT_MAX + 1), n = 0;
	bool cut = left > API_ERROR_TEXT_MAX;
	unsigned len;
	uint32_t c;

	for (left -= cut; left; text += len, left -= len) {
		len = utf8_decode(text, left, &c);
		if (len) {
			n += json_character(text, len, c, out + n);
			continue;
		}
		/* A character that the limit cuts is left out. */
		if (cut && left < 4)
			break;
		memcpy(out + n, "\\ufffd", 6);
		n += 6;
		len = 1;
	}
	return n;
}

static size_t error_body(const struct api_error *e, char *out)
{
	size_t n;

	n = (size_t)snprintf(out, BODY_MAX,
			     "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"",
			     type_name(e->type));
	n += json_escape(e->text, out + n);
	memcpy(out + n, "\"}}", 3);
	return n + 3;
}

size_t api_error_write(const struct api_error *e, char out[API_ERROR_MAX])
{
	unsigned status = e->status >= 400 && e->status <= 599 ? e->status : 500;
	char body[BODY_MAX], retry[32] = "", cause[64] = "";
	size_t body_n = error_body(e, body), n;

	if (e->retry_after)
		snprintf(retry, sizeof(retry), "retry-after: %u\r\n", (unsigned)e->retry_after);
	if (e->cause)
		snprintf(cause, sizeof(cause), TRIAL_HEADER ": %s\r\n", e->cause);
	n = (size_t)snprintf(out, API_ERROR_MAX,
			     "HTTP/1.1 %u %s\r\n"
			     "content-type: application/json\r\n"
			     "content-length: %zu\r\n"
			     "%s%s%s\r\n",
			     status, status_reason(status), body_n, retry, cause,
			     e->close ? "connection: close\r\n" : "");
	memcpy(out + n, body, body_n);
	return n + body_n;
}
