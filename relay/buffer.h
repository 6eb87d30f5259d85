/*
 * relay/buffer.h - bytes on their way: from where they were read to where they go.
 */
#ifndef RELAY_BUFFER_H
#define RELAY_BUFFER_H

#include <stddef.h>

/* p[from] to p[to - 1] wait; p[to] to p[size - 1] are free. */
struct buffer {
	char *p;
	size_t size, from, to;
};

static inline size_t buffer_waiting(const struct buffer *b)
{
	return b->to - b->from;
}

static inline size_t buffer_room(const struct buffer *b)
{
	return b->size - b->to;
}

/* n of the waiting bytes are done; the last of them makes all of it free. */
static inline void buffer_take(struct buffer *b, size_t n)
{
	b->from += n;
	if (b->from == b->to)
		b->from = b->to = 0;
}

#endif
