/*
 * relay/chunk_reader.h - read a body in HTTP/1.1's chunked coding (RFC 9112, section
 * 7.1), strictly and piece by piece.
 *
 * A line that two readers could understand differently is refused: a bare CR or LF,
 * blanks around a size, a size of more than 15 digits, control bytes.  Extensions and
 * trailer fields are checked, bounded and dropped.
 */
#ifndef RELAY_CHUNK_READER_H
#define RELAY_CHUNK_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

#define CHUNK_LINE_MAX 256     /* bytes of a size and its extensions: servers send 3 to 10 */
#define CHUNK_TRAILER_MAX 8192 /* bytes of all trailer fields */

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,	     /* at the beginning of a line after the last chunk */
	CHUNK_TRAILER_NAME,  /* before its colon */
	CHUNK_TRAILER_VALUE, /* behind it */
	CHUNK_TRAILER_LF,
	CHUNK_END_LF,
	CHUNK_DONE,
};

/* Zeroed, it stands at the beginning of a body. */
struct chunk_reader {
	enum chunk_state state;
	unsigned digits; /* of the size so far */
	size_t line;	 /* bytes of the size's line, or of the trailer, so far */
	uint64_t left;	 /* bytes of the chunk to come */
};

/*
 * Read from the n bytes at in until a run of the body's bytes is found or nothing is
 * left.  *used is how many bytes were read; the run is the last *run_n of these, at *run
 * within in (0: framing alone).  Call again with the rest.  Behind the body's end it
 * reads nothing.  Returns 0; or -1 with FAIL_MALFORMED or FAIL_TOO_LARGE: the body
 * cannot be understood, and the connection is of no further use.
 */
int chunk_reader_read(struct chunk_reader *r, const uint8_t *in, size_t n, size_t *used,
		      const uint8_t **run, size_t *run_n, struct failure *f);

/* Has the whole body been read?  If the connection ends before, it was cut. */
bool chunk_reader_done(const struct chunk_reader *r);

#endif
