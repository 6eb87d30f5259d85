/*
 * broker/spending_refusal.h - does a limit refuse the next request, and how is that said?
 */
#ifndef BROKER_SPENDING_REFUSAL_H
#define BROKER_SPENDING_REFUSAL_H

#include <stdint.h>

struct book;
struct book_event;
struct limit;

#define SPENDING_RETRY_SOON 5 /* seconds; requests that are under way may have ended by then */

struct spending_refusal {
	char message[512]; /* one line; names the limit and when it ends */
	uint64_t retry;	   /* seconds until a request may pass again */
};

/* Fill *out.  -1 always. */
int spending_refuse(struct spending_refusal *out, uint64_t retry, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * May e, a request with its estimate, pass the limit l of its entry?  What the entry's
 * requests that are under way may use counts as used.  0, or -1 with *out filled.
 */
int spending_refusal_check(const struct book *b, const struct limit *l, const struct book_event *e,
			   struct spending_refusal *out);

#endif
