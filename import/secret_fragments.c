/*
 * import/secret_fragments.c - fragments of tokens in other text.
 *
 * A token is cut into blocks of BLOCK characters.  Every run of 2 * BLOCK - 1 of its
 * characters holds a whole block, so that a search for the blocks misses no fragment.
 */
#include "import/secret_fragments.h"

#include <string.h>

#include "import/accounts.h"

#define FRAGMENT_LEAST 12 /* characters in a row that count as a leak */
#define BLOCK 6		  /* at most (FRAGMENT_LEAST + 1) / 2 */

/* The length of the prefix that all keys of a kind have, which is no secret. */
static size_t token_public_prefix(const char *p, size_t n)
{
	static const char *const known[] = { "sk-ant-admin01-", "sk-ant-api03-", "sk-ant-oat01-",
					     "sk-or-v1-",	"sk-proj-",	 "sk-" };
	size_t i, k;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		k = strlen(known[i]);
		if (n > k && memcmp(p, known[i], k) == 0)
			return k;
	}
	return 0;
}

/* token[at..] was found at p[hit]: how far do they agree in both directions?
 * *secret: how many of these characters are behind the public prefix. */
static struct fragment fragment_extend(const struct account *a, size_t at, const char *p,
				       size_t hit, size_t n, size_t open, size_t *secret)
{
	size_t low = 0, high = 0;

	while (low < at && low < hit && p[hit - low - 1] == a->token[at - low - 1])
		low++;
	while (at + high < a->n && hit + high < n && p[hit + high] == a->token[at + high])
		high++;
	*secret = at + high - (at - low > open ? at - low : open);
	return (struct fragment){ hit - low, hit + high };
}

/* Make *best the first fragment of this token in p[from..n), if it is before it. */
static void fragment_search(const struct account *a, const char *p, size_t from, size_t n,
			    struct fragment *best)
{
	size_t open = token_public_prefix(a->token, a->n), least = FRAGMENT_LEAST, at, size = BLOCK,
	       secret;
	const char *hit;
	struct fragment found;

	if (a->n - open < least)
		least = a->n - open;
	if (least < BLOCK)
		size = least;
	for (at = open; size > 0 && at + size <= a->n; at += size) {
		size_t begin = from;

		/* Behind the first that is found nothing is searched. */
		while (begin < best->at &&
		       (hit = memmem(p + begin, n - begin, a->token + at, size))) {
			found = fragment_extend(a, at, p, (size_t)(hit - p), n, open, &secret);
			begin = (size_t)(hit - p) + 1;
			if (secret < least)
				continue;
			if (found.at < best->at || (found.at == best->at && found.end > best->end))
				*best = found;
			break;
		}
	}
}

struct fragment fragment_next(const struct import *im, enum fragments_of of, const char *p,
			      size_t from, size_t n)
{
	struct fragment best = { n, n };
	unsigned i;

	for (i = 0; i < im->accounts; i++) {
		const struct account *a = &im->account[i];

		if (a->token && a->twin == i &&
		    a->n >= (of == FRAGMENTS_SHOWN ? BLOCK : FRAGMENT_LEAST) &&
		    (of != FRAGMENTS_IN_VAULT || account_in_vault(a)))
			fragment_search(a, p, from, n, &best);
	}
	return best;
}
