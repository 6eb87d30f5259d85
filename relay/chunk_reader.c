/*
 * relay/chunk_reader.c - read a body in HTTP/1.1's chunked coding.
 */
#include "relay/chunk_reader.h"

#include "base/fail.h"
#include "relay/http_bytes.h"

#define DIGITS_MAX 15 /* hexadecimal ones of a size: it fits a signed number of 64 bits */

static int chunk_refuse(struct failure *f, const char *why)
{
	return fail_set(f, FAIL_MALFORMED, NULL, "chunked body: %s", why);
}

static int chunk_hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int chunk_take_size(struct chunk_reader *r, uint8_t c, struct failure *f)
{
	int digit = chunk_hex(c);

	if (digit >= 0) {
		if (++r->digits > DIGITS_MAX)
			return fail_set(f, FAIL_TOO_LARGE, NULL,
					"chunked body: a size of more than %d digits", DIGITS_MAX);
		r->left = r->left << 4 | (unsigned)digit;
		return 0;
	}
	if (!r->digits || (c != ';' && c != '\r'))
		return chunk_refuse(f, "a size that is no hexadecimal number");
	r->state = c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
	return 0;
}

/* A byte of an extension or of a trailer's value; a CR ends it. */
static int chunk_take_text(struct chunk_reader *r, uint8_t c, enum chunk_state at_end,
			   struct failure *f)
{
	if (c == '\r')
		r->state = at_end;
	else if (!http_byte_is_text(c))
		return chunk_refuse(f, "a control byte or a bare LF in a line");
	return 0;
}

static int chunk_take_lf(struct chunk_reader *r, uint8_t c, enum chunk_state next,
			 struct failure *f)
{
	if (c != '\n')
		return chunk_refuse(f, "a CR without its LF");
	r->state = next;
	return 0;
}

static int chunk_take_trailer_name(struct chunk_reader *r, uint8_t c, struct failure *f)
{
	if (c == '\r' && r->state == CHUNK_TRAILER)
		r->state = CHUNK_END_LF;
	else if (c == ':' && r->state == CHUNK_TRAILER_NAME)
		r->state = CHUNK_TRAILER_VALUE;
	else if (http_byte_is_token(c))
		r->state = CHUNK_TRAILER_NAME;
	else
		return chunk_refuse(f, "a trailer line that is no field");
	return 0;
}

/* Count a line's byte, and refuse one too many. */
static int chunk_count(struct chunk_reader *r, struct failure *f)
{
	size_t most = r->state >= CHUNK_TRAILER ? CHUNK_TRAILER_MAX : CHUNK_LINE_MAX;

	if (++r->line > most)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
				"chunked body: a line or trailer of more than %zu bytes", most);
	return 0;
}

/* Take a byte that is not the body's. */
static int chunk_take(struct chunk_reader *r, uint8_t c, struct failure *f)
{
	if (chunk_count(r, f) != 0)
		return -1;
	switch (r->state) {
	case CHUNK_SIZE:
		return chunk_take_size(r, c, f);
	case CHUNK_EXTENSION:
		return chunk_take_text(r, c, CHUNK_SIZE_LF, f);
	case CHUNK_SIZE_LF:
		r->line = 0;
		return chunk_take_lf(r, c, r->left ? CHUNK_DATA : CHUNK_TRAILER, f);
	case CHUNK_DATA_CR:
		if (c != '\r')
			return chunk_refuse(f, "a chunk that is longer than its size");
		r->state = CHUNK_DATA_LF;
		return 0;
	case CHUNK_DATA_LF:
		r->line = 0;
		r->digits = 0;
		return chunk_take_lf(r, c, CHUNK_SIZE, f);
	case CHUNK_TRAILER:
	case CHUNK_TRAILER_NAME:
		return chunk_take_trailer_name(r, c, f);
	case CHUNK_TRAILER_VALUE:
		return chunk_take_text(r, c, CHUNK_TRAILER_LF, f);
	case CHUNK_TRAILER_LF:
		return chunk_take_lf(r, c, CHUNK_TRAILER, f);
	case CHUNK_END_LF:
		return chunk_take_lf(r, c, CHUNK_DONE, f);
	case CHUNK_DATA:
	case CHUNK_DONE:
		break;
	}
	return fail_set(f, FAIL_INTERNAL, NULL, "chunked body: no such state");
}

int chunk_reader_read(struct chunk_reader *r, const uint8_t *in, size_t n, size_t *used,
		      const uint8_t **run, size_t *run_n, struct failure *f)
{
	size_t i;

	*run = in;
	*run_n = 0;
	for (i = 0; i < n && r->state != CHUNK_DATA && r->state != CHUNK_DONE; i++) {
		*used = i + 1;
		if (chunk_take(r, in[i], f) != 0)
			return -1;
	}
	if (r->state == CHUNK_DATA && i < n) {
		*run = in + i;
		*run_n = n - i < r->left ? n - i : (size_t)r->left;
		r->left -= *run_n;
		i += *run_n;
		if (r->left == 0)
			r->state = CHUNK_DATA_CR;
	}
	*used = i;
	return 0;
}

bool chunk_reader_done(const struct chunk_reader *r)
{
	return r->state == CHUNK_DONE;
}
