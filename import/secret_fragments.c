/*
 * import/secret_fragments.c - pieces of tokens in other text.
 */
#include <string.h>

#include "import/found.h"

#define PIECE 12 /* so many characters in a row are a leak */
#define BLOCK 6	 /* any PIECE characters hold one whole aligned block of this */

/* What every key of a kind begins with is no secret. */
static size_t public_part(const char *p, size_t n)
{
	static const char *const known[] = { "sk-ant-admin01-", "sk-ant-api03-", "sk-ant-oat01-", "sk-or-v1-",
					     "sk-proj-", "sk-" };
	size_t i, k;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		k = strlen(known[i]);
		if (n > k && memcmp(p, known[i], k) == 0)
			return k;
	}
	return 0;
}

/* A hit of token[at..] at p[hit]: how far do they agree? */
static struct piece extend(const struct account *a, size_t at, const char *p, size_t hit, size_t n,
			   size_t open, size_t *secret)
{
	size_t low = 0, high = 0;

	while (low < at && low < hit && p[hit - low - 1] == a->token[at - low - 1])
		low++;
	while (at + high < a->n && hit + high < n && p[hit + high] == a->token[at + high])
		high++;
	*secret = at + high - (at - low > open ? at - low : open);
	return (struct piece){ hit - low, hit + high };
}

static void search(const struct account *a, const char *p, size_t from, size_t n, struct piece *best)
{
	size_t open = public_part(a->token, a->n), least = PIECE, at, size = BLOCK, secret;
	const char *hit;
	struct piece found;

	if (a->n - open < least)
		least = a->n - open;
	if (least < BLOCK)
		size = least;
	for (at = open; size > 0 && at + size <= a->n; at += size) {
		size_t begin = from;

		/* nothing behind what we have would be the next */
		while (begin < best->at && (hit = memmem(p + begin, n - begin, a->token + at, size))) {
			found = extend(a, at, p, (size_t)(hit - p), n, open, &secret);
			begin = (size_t)(hit - p) + 1;
			if (secret < least)
				continue;
			if (found.at < best->at || (found.at == best->at && found.end > best->end))
				*best = found;
			break;
		}
	}
}

bool pieces_safe(const struct account *a)
{
	return a->kind == ACCOUNT_TOKEN && (a->state == STATE_STORED || a->state == STATE_SAME);
}

struct piece pieces_next(const struct import *im, enum pieces of, const char *p, size_t from, size_t n)
{
	struct piece best = { n, n };
	unsigned i;

	for (i = 0; i < im->accounts; i++) {
		const struct account *a = &im->account[i];

		if (a->token && a->twin == i && a->n >= (of == PIECES_SHOWN ? BLOCK : PIECE) &&
		    (of != PIECES_SAFE || pieces_safe(a)))
			search(a, p, from, n, &best);
	}
	return best;
}
