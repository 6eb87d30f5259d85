/*
 * relay/http_request.h - reading the head of a request from the client, strictly.
 *
 * The relay lets a request pass by its method, path and framing, and the provider
 * acts on what it reads itself.  So what two readers could understand differently is
 * refused (request smuggling; RFC 9112, 11.2), also where the RFC would allow it.
 */
#ifndef RELAY_HTTP_REQUEST_H
#define RELAY_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/http_text.h"

#define HTTP_HEAD_MAX 65536 /* the client's own heads have about 2 KiB */
#define HTTP_FIELDS_MAX 100
/* A length that every JSON reader and every signed 64-bit number can hold. */
#define HTTP_LENGTH_MAX (UINT64_C(1) << 53)

enum http_outcome { HTTP_MORE, HTTP_DONE, HTTP_REFUSED };
enum http_method { HTTP_GET, HTTP_POST };
enum http_framing { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED };

struct http_field {
	struct http_view name, value;
};

struct http_request {
	enum http_method method;
	struct http_view path, query; /* as http_target_split gives them */
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t field_count;
	enum http_framing framing;
	uint64_t length;  /* of the body, with HTTP_BODY_LENGTH */
	bool keep;	  /* does the client keep the connection for another request? */
	size_t head_size; /* of the head, with the empty line: the body begins there */
};

struct http_refusal {
	int status;	    /* to answer; the connection must be closed then */
	const char *reason; /* a static text of ours, without the client's bytes */
};

struct http_request_reader {
	struct http_request request; /* once the outcome is HTTP_DONE */
	struct http_refusal refusal; /* once it is HTTP_REFUSED */
	/* the reader's own */
	enum http_outcome outcome;
	size_t seen, line; /* bytes that were read; where the current line begins */
	bool has_host, has_type, keep_named, close_named;
};

/* Begin a request.  Nothing needs to be freed. */
void http_request_init(struct http_request_reader *r);

/*
 * Read on.  buf is the client's bytes from the first one of this request, n of them so
 * far; it is the same buffer in every call, and the views lie in it.  However the bytes
 * are cut into calls, the outcome is the same: HTTP_DONE with the whole head in
 * r->request (bytes behind it are left alone), HTTP_REFUSED at the first byte that is
 * wrong or too many, otherwise HTTP_MORE.  Once it is not HTTP_MORE it stays so.
 */
enum http_outcome http_request_read(struct http_request_reader *r, const char *buf, size_t n);

#endif
