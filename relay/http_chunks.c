/*
 * relay/http_chunks.c - a body in chunks (RFC 9112, 7.1), decoded strictly.
 */
#include "relay/http_chunks.h"

#include <string.h>

#include "base/number.h"

enum chunks_state {
	IN_SIZE,
	AT_SIZE_LF,
	IN_DATA,
	AT_DATA_CR,
	AT_DATA_LF,
	AT_END_CR,
	AT_END_LF,
	AT_END,
	IS_REFUSED,
};

void http_chunks_init(struct http_chunks *c)
{
	memset(c, 0, sizeof(*c));
}

static void chunks_refuse(struct http_chunks *c, const char *reason)
{
	c->state = IS_REFUSED;
	c->reason = reason;
}

static void chunks_take_size(struct http_chunks *c, char b)
{
	int value = number_hex_digit(b);

	if (b == '\r' && c->digits > 0) {
		c->state = AT_SIZE_LF;
	} else if (b == ';') {
		chunks_refuse(c, "a chunk's extension");
	} else if (value < 0) {
		chunks_refuse(c, "a chunk's size that is no number");
	} else if (++c->digits > HTTP_CHUNK_DIGITS) {
		chunks_refuse(c, "a chunk's size with too many digits");
	} else {
		c->left = c->left * 16 + (uint64_t)value;
		if (c->left > HTTP_CHUNK_MAX)
			chunks_refuse(c, "a chunk beyond its bound");
	}
}

static void chunks_expect(struct http_chunks *c, char b, char want, int next, const char *reason)
{
	if (b == want)
		c->state = next;
	else
		chunks_refuse(c, reason);
}

/* Any byte but those of a chunk. */
static void chunks_take_byte(struct http_chunks *c, char b)
{
	switch (c->state) {
	case IN_SIZE:
		chunks_take_size(c, b);
		break;
	case AT_SIZE_LF:
		chunks_expect(c, b, '\n', c->left ? IN_DATA : AT_END_CR,
			      "a chunk's size without an end of its line");
		break;
	case AT_DATA_CR:
		chunks_expect(c, b, '\r', AT_DATA_LF, "a chunk that is longer than its size");
		break;
	case AT_DATA_LF:
		chunks_expect(c, b, '\n', IN_SIZE, "a chunk without an end of its line");
		c->digits = 0;
		break;
	case AT_END_CR:
		chunks_expect(c, b, '\r', AT_END_LF, "a trailer");
		break;
	case AT_END_LF:
		chunks_expect(c, b, '\n', AT_END, "a last chunk without an end of its line");
		break;
	default:
		break;
	}
}

enum http_chunks_outcome http_chunks_read(struct http_chunks *c, const char *in, size_t n,
					  size_t *used, struct http_view *data)
{
	*used = 0;
	*data = (struct http_view){ in, 0 };
	while (*used < n && c->state < AT_END) {
		if (c->state != IN_DATA) {
			chunks_take_byte(c, in[(*used)++]);
			continue;
		}
		data->p = in + *used;
		data->n = n - *used < c->left ? n - *used : (size_t)c->left;
		*used += data->n;
		c->left -= data->n;
		if (c->left == 0)
			c->state = AT_DATA_CR;
		break;
	}
	if (c->state == IS_REFUSED)
		return HTTP_CHUNKS_REFUSED;
	return c->state == AT_END ? HTTP_CHUNKS_DONE : HTTP_CHUNKS_MORE;
}

size_t http_chunk_put_head(char out[HTTP_CHUNK_HEAD_MAX], size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 1, i;

	while (len < HTTP_CHUNK_DIGITS && n >> (4 * len))
		len++;
	for (i = 0; i < len; i++)
		out[i] = digits[n >> (4 * (len - 1 - i)) & 15];
	memcpy(out + len, HTTP_CHUNK_END, 2);
	return len + 2;
}
