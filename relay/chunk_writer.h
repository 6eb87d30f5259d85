/*
 * relay/chunk_writer.h - the framing of a body that goes to claude in HTTP/1.1's chunked
 * coding: chunk_head, the chunk's bytes, CHUNK_TAIL; at the end CHUNK_LAST.
 */
#ifndef RELAY_CHUNK_WRITER_H
#define RELAY_CHUNK_WRITER_H

#include <stddef.h>

#define CHUNK_HEAD_MAX 18 /* bytes: 16 digits, CR, LF */
#define CHUNK_TAIL "\r\n"
#define CHUNK_LAST "0\r\n\r\n" /* never after a body that was cut: the client must notice */

/*
 * Write the line before a chunk of n bytes to out.  Returns its length; 0 for n 0, as a
 * chunk without bytes would end the body.
 */
size_t chunk_head(size_t n, char out[CHUNK_HEAD_MAX]);

#endif
