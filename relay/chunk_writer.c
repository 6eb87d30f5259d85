/*
 * relay/chunk_writer.c - the framing of a body in HTTP/1.1's chunked coding.
 */
#include "relay/chunk_writer.h"

size_t chunk_head(size_t n, char out[CHUNK_HEAD_MAX])
{
	size_t rest, digits = 0, i;

	if (n == 0)
		return 0;
	for (rest = n; rest; rest >>= 4)
		digits++;
	for (i = digits, rest = n; i--; rest >>= 4)
		out[i] = "0123456789abcdef"[rest & 15];
	out[digits] = '\r';
	out[digits + 1] = '\n';
	return digits + 2;
}
