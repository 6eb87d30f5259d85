/*
 * client/common/entries.h - the vault's entries, without their secrets; and what the
 * provider files say that they should be bound to.
 */
#ifndef CLIENT_COMMON_ENTRIES_H
#define CLIENT_COMMON_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>
#include "config/client/network.h"
#include "config/provider/provider.h"
#include "wire/limits.h"
#include "wire/source.h"

struct client;
struct failure;

/* An entry as the broker lists it. */
struct listed {
	char name[NAME_MAX_LEN + 1];
	char origin[ORIGIN_MAX_LEN + 1];
	char variable[VARIABLE_MAX_LEN + 1];
	char policy[POLICY_MAX_LEN + 1];
	uint64_t created, changed, used;
	bool has_source; /* the secret is not in the vault, but fetched from source */
	struct entry_source source;
	bool fetched; /* it is in the broker's memory now */
};

/* Where its secret comes from: "vault", or the source's reference. */
const char *entry_source_text(const struct listed *e);

/* The loosest delivery that is sealed for it: `auto` where it was sealed before that was
 * resolved.  "-": its policy cannot be read. */
const char *entry_delivery(const struct listed *e);

/* Which of its launches wait for a person's yes: "no", "first", "session".  "-": as above. */
const char *entry_confirm(const struct listed *e);

/* All entries, sorted by name; c is connected.  *out: n entries (free it).  0 or -1. */
int entries_fetch(struct client *c, struct listed **out, unsigned *n, struct failure *f);

/*
 * The entry of that name, copied; c is connected.  FAIL_NO_ENTRY, with the hint of
 * entries_hint.  0 or -1.
 */
int entry_require(struct client *c, const char *name, struct listed *out, struct failure *f);

/* Print what e is sealed for. */
void entry_say_seal(const struct listed *e);

/* Print what each entry of an open vault is sealed for: others may have written that. */
void entries_say_seals(struct client *c);

/* The entry of that name, or NULL. */
const struct listed *entries_find(const struct listed *list, unsigned n, const char *name);

/*
 * When f is FAIL_NO_ENTRY: hint at the entries that a provider of that name uses, or at the
 * nearest entry or provider; c is connected.
 */
void entries_hint(struct client *c, const char *name, struct failure *f);

/* What one entry is to be bound to: the broker releases it for nothing else. */
struct wanted {
	char entry[NAME_MAX_LEN + 1];
	char origin[ORIGIN_MAX_LEN + 1];
	char variable[VARIABLE_MAX_LEN + 1];
	char policy[POLICY_MAX_LEN + 1];
	enum delivery usual;		     /* what `auto` means for its provider */
	enum nested usual_nested;	     /* what files that say nothing of it mean */
	bool says_nested;		     /* they say something */
	char ca_file[NETWORK_VALUE_MAX + 1]; /* what ca= in the policy is the digest of, or "" */
};

/* The origin of an entry without a provider: no launch can ask for it. */
#define ORIGIN_UNBOUND "unbound"
#define VARIABLE_UNBOUND "ANTHROPIC_AUTH_TOKEN"

/*
 * What provider p's files say for each of its secrets.  FAIL_CONFIG when two secrets
 * share an entry (which is bound to one variable), FAIL_USAGE when a parameter is
 * missing or [env] too long to seal.  Its delivery is resolved (config/provider/delivery.h).
 * Returns how many, or -1.
 */
int wanted_of(const struct provider *p, struct wanted out[SESSION_ENTRIES_MAX], struct failure *f);

/* Put into w what a person chose for e: its ttl if it is shorter (ccctl add -t), its
 * limit (ccctl limit), and its wish for a yes (ccctl confirm) unless the files' is stricter. */
void wanted_keep_choices(struct wanted *w, const struct listed *e);

/* Keep what e allows inside a session where that is less, and no file says anything. */
void wanted_keep_nested(struct wanted *w, const struct listed *e);

/* Has w the prices that e is sealed with? */
bool wanted_has_prices_of(const struct wanted *w, const struct listed *e);

/* Keep the prices that e is sealed with, unless a limit in money counts by them. */
void wanted_keep_prices(struct wanted *w, const struct listed *e);

/*
 * Is e bound to what w says, its ttl and its limit aside, and a stricter confirm?  `auto` of e, from before deliveries were
 * resolved, is what it means.  Less of nested is no difference where no file says any, and
 * prices are none without a limit in money.
 */
bool wanted_is_sealed(const struct wanted *w, const struct listed *e);

/* Is e bound to anything else than w?  As wanted_is_sealed, but only a shorter ttl of e
 * does not count. */
bool wanted_differs(const struct wanted *w, const struct listed *e);

/* The URL of an origin "KIND URL", or the whole origin if it has no kind. */
const char *origin_url(const char *origin);

/* The host (and port) of the origin's URL in out; "" when there is none. */
void origin_host(const char *origin, char *out, size_t size);

/* Set f to FAIL_USAGE, with the command that sets the missing parameters.  -1. */
int provider_fail_missing(const struct provider *p, struct failure *f);

/* "NAME" or "NAME:MODE". */
#define PROVIDER_WORD (2 * NAME_MAX_LEN + 2)
void provider_word(const struct provider *p, char out[PROVIDER_WORD]);

/*
 * The providers that use an entry, each as NAME, or as its first NAME:MODE that does.
 * Fills at most max; returns how many there are, or -1.
 */
int providers_using(const char *entry, char out[][PROVIDER_WORD], int max, struct failure *f);

#endif
