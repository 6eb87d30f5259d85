/*
 * relay/http_chunks.h - a body in chunks (RFC 9112, 7.1), decoded strictly, whichever
 * side it comes from.
 */
#ifndef RELAY_HTTP_CHUNKS_H
#define RELAY_HTTP_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include "relay/http_text.h"

#define HTTP_CHUNK_MAX 0x7fffffffu /* bytes in one chunk */
#define HTTP_CHUNK_DIGITS 8	   /* of a chunk's size; some servers fill it up with zeros */
#define HTTP_CHUNK_HEAD_MAX (HTTP_CHUNK_DIGITS + 2)
#define HTTP_CHUNK_END "\r\n"	    /* behind the bytes of every chunk */
#define HTTP_CHUNKS_END "0\r\n\r\n" /* behind the last chunk */

enum http_chunks_outcome { HTTP_CHUNKS_MORE, HTTP_CHUNKS_DONE, HTTP_CHUNKS_REFUSED };

/* The reader's own, but for the reason. */
struct http_chunks {
	int state;
	uint64_t left; /* of the chunk: its size while that is read, then what is to come */
	unsigned digits;
	const char *reason; /* once it is refused: a static text */
};

/* Begin a body.  Nothing needs to be freed. */
void http_chunks_init(struct http_chunks *c);

/*
 * Read on: n bytes at in, of which *used belong to the body's coding, and of those
 * the *data (perhaps none) to the body itself.  HTTP_CHUNKS_MORE: call it again, with
 * what is left of the bytes or with new ones.  HTTP_CHUNKS_DONE: the body has ended; the
 * bytes behind *used are of what follows it.  HTTP_CHUNKS_REFUSED: c->reason.  Refused
 * are extensions and trailers, which nobody needs and readers skip differently, and
 * sizes that are not hexadecimal digits alone.  Once it is not MORE it stays so, and
 * nothing is used.
 */
enum http_chunks_outcome http_chunks_read(struct http_chunks *c, const char *in, size_t n,
					  size_t *used, struct http_view *data);

/*
 * Write the line before a chunk of n bytes, 1 to HTTP_CHUNK_MAX; the chunk and
 * HTTP_CHUNK_END come behind it.  Returns the line's length; there is no NUL.
 */
size_t http_chunk_put_head(char out[HTTP_CHUNK_HEAD_MAX], size_t n);

#endif
