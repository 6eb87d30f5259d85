/*
 * client/common/seals.h - what a person agrees to before it is sealed: a change, and what a first
 * seal allows.
 */
#ifndef CLIENT_COMMON_SEALS_H
#define CLIENT_COMMON_SEALS_H

#include <stdbool.h>
#include "client/common/entries.h"
#include "client/common/seals_show.h"
#include "config/provider/routes.h"
#include "wire/policy.h"

struct failure;
struct given_params;
struct provider;

/* Words of --allow. */
#define SEALS_ALLOWS_MAX (POLICY_KEYS + ROUTE_CHANGES_MAX + SESSION_ENTRIES_MAX)

/* Let f name the differences of ch, and `ccctl approve` as what seals them.  -1. */
int seals_fail_changed(const struct provider *p, const struct seal_change *ch, struct failure *f);

/*
 * Before w is sealed for the first time: name what is not usual in its policy.  What
 * allows more than usual is agreed to on the terminal, or is among allowed, words
 * KEY=VALUE, n of them.  0, or -1 with FAIL_DECLINED, or FAIL_POLICY when there is no
 * terminal: the hint has the words.
 */
int seals_agree_first(const struct provider *p, const struct wanted *w, const char *const *allowed,
		      unsigned n, struct failure *f);

enum route_choice {
	ROUTE_NAMED,	   /* the user named the provider */
	ROUTE_OF_TOKEN,	   /* it was chosen for a key that was found */
	ROUTE_OF_REFERENCE /* for a reference, which is no secret from who wrote the address */
};

/*
 * Before a key is sealed for the first time: where it will go.  What the user's own files say
 * otherwise than p's shipped one (its questions answered by `given`) is agreed to on the
 * terminal, or is among the n words allowed, as base_url=URL.  The address of a provider that
 * is the user's own is named; where the user did not name the provider, that is agreed to on the
 * terminal, too, and for a reference an address without TLS, where anybody may listen.  0, or -1
 * as seals_agree_first.
 */
int seals_agree_routes(const struct provider *p, const struct given_params *given,
		       const char *const *allowed, unsigned n, enum route_choice choice,
		       struct failure *f);

/*
 * The same two for a key in the place of e, whose seal nobody may have agreed to; what differs
 * between w and e is shown as a change.  Terminal alone.
 */
int seals_agree_again(const struct provider *p, const struct wanted *w, const struct listed *e,
		      const struct given_params *given, const char *const *allowed, unsigned n,
		      struct failure *f);

#endif
