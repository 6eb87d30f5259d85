/*
 * relay/kept_request.c - a request as the client sent it, until its answer begins.
 */
#include "relay/kept_request.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"

#define SIZE_FIRST 32768u /* most requests fit */

static size_t all; /* bytes of memory of all of them */

static void kept_free(struct kept_request *k)
{
	if (k->b.p)
		io_wipe(k->b.p, k->b.size);
	free(k->b.p);
	all -= k->b.size;
	memset(&k->b, 0, sizeof(k->b));
}

/* Make room for n bytes more.  Not realloc, which would leave a copy. */
static bool kept_grow(struct kept_request *k, size_t n)
{
	size_t size = k->b.size ? k->b.size : SIZE_FIRST;
	char *larger;

	while (size - k->b.to < n)
		size *= 2;
	if (size == k->b.size)
		return true;
	if (size > KEPT_MAX || all - k->b.size + size > KEPT_ALL)
		return false;
	larger = malloc(size);
	if (!larger)
		return false;
	if (k->b.to)
		memcpy(larger, k->b.p, k->b.to);
	n = k->b.to;
	kept_free(k);
	k->b = (struct buffer){ .p = larger, .size = size, .to = n };
	all += size;
	return true;
}

void kept_request_add(struct kept_request *k, const char *p, size_t n)
{
	if (!k->on || k->over || n == 0)
		return;
	if (!kept_grow(k, n)) {
		kept_free(k);
		k->over = true;
		return;
	}
	memcpy(k->b.p + k->b.to, p, n);
	k->b.to += n;
}

void kept_request_replay(struct kept_request *k)
{
	k->on = false;
	k->replaying = true;
}

bool kept_request_waits(const struct kept_request *k)
{
	return k->replaying && buffer_waiting(&k->b) > 0;
}

void kept_request_end(struct kept_request *k)
{
	kept_free(k);
	memset(k, 0, sizeof(*k));
}
