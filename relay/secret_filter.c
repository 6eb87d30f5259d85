/*
 * relay/secret_filter.c - overwrite secrets in a stream of bytes (Karp, Rabin 1987, once for
 * each secret).
 *
 * MUST: neither what is held back nor the work that a byte costs depends on a secret's bytes.
 * Who has the provider repeat a guess sees where the answer stops for a while, or how it is
 * cut into chunks, and how long this process ran: if that told a guess which begins the
 * secret from one that does not, the secret could be guessed byte by byte.
 *
 * So bytes that no secret has divide the stream into runs.  Of the last run as many bytes are
 * held back as an occurrence that is not complete could have, whatever they are; and each
 * byte of a run changes a sum of the last ones, which is that of the secret by chance, or
 * where it stands there.
 */
#include "relay/secret_filter.h"

#include <string.h>

#include "base/control.h"
#include "base/fail.h"
#include "vault/crypto.h"

#define MASK '*'

/* What wire_token_check allows. */
static bool byte_may_be_secret(uint8_t c)
{
	return c > 0x20 && c < 0x7f && c != MASK;
}

/* ---- the set ---- */

static int secret_check(const struct secret_text *secret, struct failure *f)
{
	size_t i;

	if (secret->n > SECRET_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
				"a secret of more than %d bytes to look for", SECRET_MAX);
	if (secret->n < SECRET_MIN)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"a secret of fewer than %d bytes to look for", SECRET_MIN);
	for (i = 0; i < secret->n; i++)
		if (!byte_may_be_secret(secret->p[i]))
			return fail_set(f, FAIL_BAD_VALUE, NULL,
					"a secret to look for with a byte that none has");
	return 0;
}

/* The sum of n bytes, each times a power of base: the last one's is 1. */
static void set_add(struct secret_set *set, const struct secret_text *secret)
{
	size_t i = set->count++, k;

	set->text[i] = secret->p;
	set->len[i] = secret->n;
	set->first_power[i] = 1;
	for (k = 0; k < secret->n; k++) {
		set->sum[i] = set->sum[i] * set->base + secret->p[k];
		if (k)
			set->first_power[i] *= set->base;
	}
	if (secret->n > set->longest)
		set->longest = secret->n;
	if (secret->n < set->shortest)
		set->shortest = secret->n;
}

int secret_set_init(struct secret_set *set, const struct secret_text *secrets, size_t count,
		    struct failure *f)
{
	size_t i;

	memset(set, 0, sizeof(*set));
	set->shortest = SECRET_MAX;
	if (count > SECRETS_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "more than %d secrets to look for",
				SECRETS_MAX);
	for (i = 0; i < count; i++)
		if (secret_check(&secrets[i], f) != 0)
			return -1;
	/* Random, so that nobody can make texts of the same sum.  An even one forgets bytes. */
	random_fill(&set->base, sizeof(set->base));
	set->base |= 1;
	for (i = 0; control_active(CONTROL_ANSWER_FILTER) && i < count; i++)
		set_add(set, &secrets[i]);
	return 0;
}

void secret_set_wipe(struct secret_set *set)
{
	explicit_bzero(set, sizeof(*set));
	set->wiped = true;
}

/* ---- the bytes held back ---- */

void secret_filter_init(struct secret_filter *s, const struct secret_set *set)
{
	memset(s, 0, sizeof(*s));
	s->set = set;
}

void secret_filter_wipe(struct secret_filter *s)
{
	explicit_bzero(s, sizeof(*s));
}

/* Where the n-th last byte held back is. */
static size_t held_at(const struct secret_filter *s, size_t n)
{
	return (s->first + s->count - n) % SECRET_MAX;
}

static void held_mask(struct secret_filter *s, size_t n)
{
	size_t at;

	for (; n; n--) {
		at = held_at(s, n);
		s->masked[at / 8] = (uint8_t)(s->masked[at / 8] | 1u << at % 8);
	}
}

/* Write the first ones, but for the last `left`, as far as there is room. */
static size_t held_release(struct secret_filter *s, size_t left, uint8_t *out, size_t size)
{
	size_t n, at;

	for (n = 0; n < size && s->count > left; n++) {
		at = s->first;
		out[n] = s->set->wiped || s->masked[at / 8] >> at % 8 & 1 ? MASK : s->held[at];
		s->held[at] = 0;
		s->masked[at / 8] = (uint8_t)(s->masked[at / 8] & ~(1u << at % 8));
		s->first = (at + 1) % SECRET_MAX;
		s->count--;
	}
	return n;
}

static bool held_ends_with(const struct secret_filter *s, size_t i)
{
	const struct secret_set *set = s->set;
	size_t k;

	for (k = 0; k < set->len[i]; k++)
		if (s->held[held_at(s, set->len[i] - k)] != set->text[i][k])
			return false;
	return true;
}

/* ---- the stream ---- */

/* One byte of a run.  Fewer than the longest secret has are held, so this one has room. */
static void run_take(struct secret_filter *s, uint8_t c)
{
	const struct secret_set *set = s->set;
	bool same;
	size_t i;

	s->held[(s->first + s->count++) % SECRET_MAX] = c;
	s->run++;
	for (i = 0; i < set->count; i++) {
		s->sum[i] = s->sum[i] * set->base + c;
		if (s->run < set->len[i])
			continue;
		same = s->sum[i] == set->sum[i];
		/* Of all but the first byte, which the next one is not behind any more. */
		s->sum[i] -= set->first_power[i] * s->held[held_at(s, set->len[i])];
		if (same && held_ends_with(s, i))
			held_mask(s, set->len[i]);
	}
}

/* The length of what is at p of a run, of n bytes at most. */
static size_t run_length(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && byte_may_be_secret(p[i]))
		i++;
	return i;
}

/* Copy what is no run, and runs that are too short for a secret, from where none goes on. */
static size_t filter_pass(const struct secret_set *set, const uint8_t *in, size_t n, size_t room,
			  uint8_t *out)
{
	size_t done = 0, run;

	while (done < n) {
		run = run_length(in + done, n - done);
		if (run >= set->shortest || run == n - done || run >= room - done)
			break;
		done += run + 1;
	}
	memcpy(out, in, done);
	return done;
}

size_t secret_filter_write(struct secret_filter *s, const uint8_t *in, size_t n, uint8_t *out,
			   size_t size, size_t *out_n)
{
	const struct secret_set *set = s->set;
	size_t taken = 0, written = 0, run;

	if (set->count == 0) {
		*out_n = n < size ? n : size;
		if (*out_n && set->wiped)
			memset(out, MASK, *out_n);
		else if (*out_n)
			memcpy(out, in, *out_n);
		return *out_n;
	}
	while (taken < n && written < size) {
		if (s->count == 0) {
			run = filter_pass(set, in + taken, n - taken, size - written,
					  out + written);
			taken += run;
			written += run;
			if (run)
				continue;
		}
		if (byte_may_be_secret(in[taken])) {
			run_take(s, in[taken++]);
			written += held_release(s, set->longest - 1, out + written, size - written);
			continue;
		}
		/* The run's end; what it was held back for is not there. */
		s->run = 0;
		memset(s->sum, 0, sizeof(s->sum));
		written += held_release(s, 0, out + written, size - written);
		if (written < size)
			out[written++] = in[taken++];
	}
	*out_n = written;
	return taken;
}

size_t secret_filter_finish(struct secret_filter *s, uint8_t *out, size_t size)
{
	size_t n = held_release(s, 0, out, size);

	if (s->count == 0)
		secret_filter_init(s, s->set);
	return n;
}
