/*
 * relay/secret_filter.h - overwrite secrets in a stream of bytes.
 *
 * An answer of a provider may repeat the key that it was sent.  Each occurrence becomes
 * as many '*', so lengths and framing stay as they are.
 *
 * Only the secret's own bytes are looked for, one behind the other: not its base64,
 * URL-encoded, JSON-escaped or compressed form, not a part of it, and not parts that are
 * spread over several events of a stream.
 */
#ifndef RELAY_SECRET_FILTER_H
#define RELAY_SECRET_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/limits.h"

struct failure;

#define SECRETS_MAX 4	     /* an Authorization header, and a gateway's further ones */
#define SECRET_MIN 8	     /* bytes; a shorter one would overwrite ordinary text */
#define SECRET_MAX TOKEN_MAX /* bytes */

/* What is looked for; one for any number of streams.  Belongs in locked memory: the sums tell
   much about the secrets. */
struct secret_set {
	size_t count;
	bool wiped;
	const uint8_t *text[SECRETS_MAX];
	size_t len[SECRETS_MAX], shortest, longest;
	uint64_t base;
	uint64_t sum[SECRETS_MAX];	   /* of the secret */
	uint64_t first_power[SECRETS_MAX]; /* what its first byte is multiplied by in that */
};

/* One stream (18 KiB).  Belongs in locked memory: it may hold back secrets. */
struct secret_filter {
	const struct secret_set *set;
	size_t run;		   /* bytes of the run that ends the stream so far */
	uint64_t sum[SECRETS_MAX]; /* of its last ones, one fewer than the secret has */
	size_t first, count;	   /* of held, which is a ring: the stream's last bytes */
	uint8_t held[SECRET_MAX];
	uint8_t masked[SECRET_MAX / 8]; /* a bit for each of these */
};

/* A secret of n bytes at p, which stay where they are while the set is in use. */
struct secret_text {
	const uint8_t *p;
	size_t n;
};

/*
 * Fill the set from count secrets (0 to SECRETS_MAX).  Their bytes are not copied.
 * Returns 0; or -1 with FAIL_TOO_LARGE or FAIL_BAD_VALUE when there are too many or one
 * has fewer than SECRET_MIN or more than SECRET_MAX bytes, or one that is no printable ASCII,
 * a blank or a '*'; and the set is empty.
 */
int secret_set_init(struct secret_set *set, const struct secret_text *secrets, size_t count,
		    struct failure *f);

/* Wipe the set, not the secrets.  It knows none any more: its filters overwrite every byte. */
void secret_set_wipe(struct secret_set *set);

/* Begin a stream.  The set stays the caller's, and must outlive the filter. */
void secret_filter_init(struct secret_filter *s, const struct secret_set *set);

/*
 * Pass bytes on.  Takes at most n bytes from in, writes at most size bytes to out (which
 * must not overlap in), and sets *out_n to how many it wrote.  Returns how many it took.
 * If *out_n is size, more may wait: call again, with the rest of in or with none.
 *
 * With room in out, it takes all and holds back what ends the stream of bytes that a secret
 * may have, fewer than the longest secret has, whether they begin one or not: where an answer
 * stops for a while tells nothing of the secrets but how long they are.  All other bytes are
 * written at once, and so is a line with its end.
 */
size_t secret_filter_write(struct secret_filter *s, const uint8_t *in, size_t n, uint8_t *out,
			   size_t size, size_t *out_n);

/*
 * End the stream: write at most size of the bytes held back to out.  Returns how many;
 * call again until fewer than size were written.  The filter is then as after
 * secret_filter_init.
 */
size_t secret_filter_finish(struct secret_filter *s, uint8_t *out, size_t size);

/* Wipe the stream's state, whether it was finished or not. */
void secret_filter_wipe(struct secret_filter *s);

#endif
