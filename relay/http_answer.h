/*
 * relay/http_answer.h - read the head of a provider's HTTP/1.1 answer (RFC 9112), and
 * write the one that claude gets instead.
 *
 * Answers to GET and POST only: one to HEAD or CONNECT would be framed differently.
 * What two readers could frame differently is refused, as bytes after such an answer
 * could be taken for the next one.
 */
#ifndef RELAY_HTTP_ANSWER_H
#define RELAY_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;
struct secret_filter;

#define ANSWER_HEAD_MAX 65536 /* bytes, with the informational heads before it */
#define ANSWER_FIELDS_MAX 100
/* A head that is written adds its framing and a blank for each field. */
#define ANSWER_HEAD_OUT_MAX (ANSWER_HEAD_MAX + 256)

/* A part of the head: n bytes, at bytes from the beginning of what was read. */
struct answer_view {
	uint32_t at, n;
};

struct answer_field {
	struct answer_view name, value; /* the value without blanks around it */
};

enum answer_framing {
	ANSWER_NO_BODY, /* 204, 304 */
	ANSWER_LENGTH,	/* body_length bytes */
	ANSWER_CHUNKED, /* relay/http_chunks.h */
	/* What comes until the provider ends the connection.  The caller writes the last
	   chunk (HTTP_CHUNKS_END) only after TLS's close_notify: without it the connection
	   may have been cut, and claude would take a part for the whole. */
	ANSWER_UNTIL_CLOSE,
};

/* Zeroed, it stands at the beginning of an answer. */
struct answer_head {
	/* Set once the head is complete: */
	size_t length;	 /* of all that was read; the body follows */
	unsigned status; /* 200 to 599 */
	struct answer_view reason;
	size_t count;
	struct answer_field fields[ANSWER_FIELDS_MAX];
	enum answer_framing framing;
	uint64_t body_length;
	bool last;     /* the connection cannot be used for another request */
	bool redirect; /* 3xx with a Location, which is passed on and never followed */
	bool coded;    /* the body has a Content-Encoding: a secret in it cannot be seen */
	/* Between calls: */
	size_t line_at, scanned;
};

/*
 * Read a head.  p is the answer from its first byte, n how much of it has arrived; call
 * again with a greater n while the result is 0.  Informational heads (1xx) before it
 * are checked and skipped.  No pointer to p is kept.  Returns 1: *h is complete; 0: it
 * needs more bytes; -1 with FAIL_MALFORMED or FAIL_TOO_LARGE: it is refused, and the
 * connection is of no further use.
 */
int answer_head_read(struct answer_head *h, const char *p, size_t n, struct failure *f);

/*
 * The first field of that name (in any case) of a complete head, or NULL.  *count, if it
 * is not NULL, is how many of that name there are.
 */
const struct answer_field *answer_head_find(const struct answer_head *h, const char *p,
					    const char *name, size_t *count);

/*
 * Write the head for claude to out: status, reason and fields in their order, secrets
 * overwritten, without hop-by-hop fields and cookies.  A body with a length keeps it;
 * any other is announced as chunked (relay/http_chunks.h).  A field whose colon belongs
 * to a secret is left out.  h and p as answer_head_read left and got them; filter at the
 * beginning of a stream, as which it is left; close: announce the connection's end.
 * *out_n is the length, at most size; ANSWER_HEAD_OUT_MAX is always enough.  Returns 0,
 * or -1 with FAIL_TOO_LARGE.
 */
int answer_head_write(const struct answer_head *h, const char *p, struct secret_filter *filter,
		      bool close, char *out, size_t size, size_t *out_n, struct failure *f);

#endif
