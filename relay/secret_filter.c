/*
 * relay/secret_filter.c - overwrite secrets in a stream of bytes (Knuth, Morris, Pratt
 * 1977, once for each secret).
 *
 * For each secret the filter knows the longest prefix of it that ends the stream so far.
 * An occurrence that is not complete yet begins with such a prefix, so all bytes before
 * the longest of these prefixes are decided.  An occurrence that completes lies within
 * the bytes held back, but for leading ones that were written as '*' already.
 */
#include "relay/secret_filter.h"

#include <string.h>

#include "base/control.h"
#include "base/fail.h"

#define MASK '*'

/* ---- the set ---- */

static void fallback_fill(uint16_t *fallback, const uint8_t *text, size_t n)
{
	size_t i, k = 0;

	fallback[0] = 0;
	for (i = 1; i < n; i++) {
		while (k && text[k] != text[i])
			k = fallback[k - 1];
		if (text[k] == text[i])
			k++;
		fallback[i] = (uint16_t)k;
	}
}

int secret_set_init(struct secret_set *set, const struct secret_text *secrets, size_t count,
		    struct failure *f)
{
	size_t i;

	memset(set, 0, sizeof(*set));
	if (count > SECRETS_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "more than %d secrets to look for",
				SECRETS_MAX);
	for (i = 0; i < count; i++) {
		if (secrets[i].n > SECRET_MAX)
			return fail_set(f, FAIL_TOO_LARGE, NULL,
					"a secret of more than %d bytes to look for", SECRET_MAX);
		if (secrets[i].n < SECRET_MIN)
			return fail_set(f, FAIL_BAD_VALUE, NULL,
					"a secret of fewer than %d bytes to look for", SECRET_MIN);
		/* Overwriting one occurrence could write another one's '*'. */
		if (memchr(secrets[i].p, MASK, secrets[i].n))
			return fail_set(f, FAIL_BAD_VALUE, NULL, "a secret with a '%c' to look for",
					MASK);
	}
	for (i = 0; i < count; i++) {
		set->text[i] = secrets[i].p;
		set->len[i] = secrets[i].n;
		fallback_fill(set->fallback[i], secrets[i].p, secrets[i].n);
		set->begins[secrets[i].p[0]] = true;
	}
	set->count = control_active(CONTROL_ANSWER_FILTER) ? count : 0;
	return 0;
}

void secret_set_wipe(struct secret_set *set)
{
	explicit_bzero(set, sizeof(*set));
}

/* ---- the stream ---- */

void secret_filter_init(struct secret_filter *s, const struct secret_set *set)
{
	memset(s, 0, sizeof(*s));
	s->set = set;
}

void secret_filter_wipe(struct secret_filter *s)
{
	explicit_bzero(s, sizeof(*s));
}

/* How many bytes at the stream's end may belong to an occurrence that is not complete. */
static size_t filter_undecided(const struct secret_filter *s)
{
	size_t i, most = 0;

	for (i = 0; i < s->set->count; i++)
		if (s->matched[i] > most)
			most = s->matched[i];
	return most;
}

/* Is the first byte held back decided, when the last `undecided` are not?  A '*' is
   written as '*', whether it belongs to an occurrence or not. */
static bool held_is_ready(const struct secret_filter *s, size_t undecided)
{
	return s->count && (s->count > undecided || s->held[s->first] == MASK);
}

static size_t held_release(struct secret_filter *s, size_t undecided, uint8_t *out, size_t size)
{
	size_t n;

	for (n = 0; n < size && held_is_ready(s, undecided); n++) {
		out[n] = s->held[s->first];
		s->held[s->first] = 0;
		s->first = (s->first + 1) % SECRET_MAX;
		s->count--;
	}
	return n;
}

/* Overwrite the last n bytes of the stream; those not held any more were '*'. */
static void held_mask(struct secret_filter *s, uint64_t n)
{
	size_t i;

	for (i = 1; i <= s->count && i <= n; i++)
		s->held[(s->first + s->count - i) % SECRET_MAX] = MASK;
}

/* How many bytes of secret i end the stream once c has followed, when k did before. */
static size_t secret_step(const struct secret_set *set, size_t i, size_t k, uint8_t c)
{
	const uint8_t *text = set->text[i];

	while (k && text[k] != c)
		k = set->fallback[i][k - 1];
	return text[k] == c ? k + 1 : 0;
}

/* Take one byte.  Fewer than SECRET_MAX are held, as all decided ones are written. */
static void filter_take(struct secret_filter *s, uint8_t c)
{
	const struct secret_set *set = s->set;
	size_t i, k;

	s->held[(s->first + s->count) % SECRET_MAX] = c;
	s->count++;
	s->seen++;
	for (i = 0; i < set->count; i++) {
		k = secret_step(set, i, s->matched[i], c);
		if (k == set->len[i]) {
			/* What the occurrence before it covers is overwritten already: without
			   this limit "aaaa..." would cost a secret's length for each byte. */
			held_mask(s, s->seen - s->masked_to[i] < k ? s->seen - s->masked_to[i] : k);
			s->masked_to[i] = s->seen;
			k = set->fallback[i][k - 1];
		}
		s->matched[i] = k;
	}
}

/* May a secret begin at p, of which left bytes are there?  Its first byte alone may be one
   of twenty of any text. */
static bool secret_may_begin(const struct secret_set *set, const uint8_t *p, size_t left)
{
	size_t n = left < SECRET_MIN ? left : SECRET_MIN, i;

	for (i = 0; i < set->count; i++)
		if (memcmp(set->text[i], p, n) == 0)
			return true;
	return false;
}

/* The first byte that is one of a secret, or n. */
static size_t first_byte_find(const struct secret_set *set, const uint8_t *in, size_t n)
{
	const uint8_t *at;
	size_t i = 0;

	if (set->count == 1) {
		at = memchr(in, set->text[0][0], n);
		return at ? (size_t)(at - in) : n;
	}
	while (i < n && !set->begins[in[i]])
		i++;
	return i;
}

/* Copy bytes before the next one where a secret may begin, when nothing is undecided. */
static size_t filter_pass(struct secret_filter *s, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t run = 0;

	while (run < n) {
		run += first_byte_find(s->set, in + run, n - run);
		if (run == n || secret_may_begin(s->set, in + run, n - run))
			break;
		run++;
	}
	if (run)
		memcpy(out, in, run);
	s->seen += run;
	return run;
}

size_t secret_filter_write(struct secret_filter *s, const uint8_t *in, size_t n, uint8_t *out,
			   size_t size, size_t *out_n)
{
	size_t taken = 0, written = 0, undecided, room, run;

	for (;;) {
		undecided = filter_undecided(s);
		written += held_release(s, undecided, out + written, size - written);
		if (taken == n || written == size)
			break;
		if (undecided == 0) {
			room = size - written < n - taken ? size - written : n - taken;
			run = filter_pass(s, in + taken, room, out + written);
			taken += run;
			written += run;
			if (run)
				continue;
		}
		filter_take(s, in[taken++]);
	}
	*out_n = written;
	return taken;
}

size_t secret_filter_finish(struct secret_filter *s, uint8_t *out, size_t size)
{
	size_t n;

	memset(s->matched, 0, sizeof(s->matched));
	n = held_release(s, 0, out, size);
	if (s->count == 0)
		secret_filter_init(s, s->set);
	return n;
}
