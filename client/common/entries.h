/*
 * client/common/entries.h - what the vault holds, without the secrets; and what the
 * provider files say that it should be sealed to.
 */
#ifndef CLIENT_COMMON_ENTRIES_H
#define CLIENT_COMMON_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>
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
	bool has_source; /* the token stays elsewhere: */
	struct entry_source source;
	bool fetched; /* and is in the broker's memory now */
};

/* Where its token comes from: "vault", or the reference. */
const char *entry_from(const struct listed *e);

/* All of them, by name; *out is allocated (free).  c is connected. */
int entries_fetch(struct client *c, struct listed **out, unsigned *n, struct failure *f);

/* NULL when there is none of that name. */
const struct listed *entries_find(const struct listed *list, unsigned n, const char *name);

/* To "there is no entry NAME": which entries the provider of that name uses. */
void entries_hint(const char *name, struct failure *f);

/* What one entry is to be sealed to. */
struct wanted {
	char entry[NAME_MAX_LEN + 1];
	char origin[ORIGIN_MAX_LEN + 1];
	char variable[VARIABLE_MAX_LEN + 1];
	char policy[POLICY_MAX_LEN + 1];
};

/* An entry that no provider was named for: no launch can ask for this origin. */
#define ORIGIN_UNBOUND "unbound"
#define VARIABLE_UNBOUND "ANTHROPIC_AUTH_TOKEN"

/*
 * What provider p's files say for each of its secrets.  FAIL_CONFIG when two
 * of them share an entry (it is sealed to one variable), FAIL_USAGE when a
 * parameter is missing.  Returns how many, or -1.
 */
int wanted_of(const struct provider *p, struct wanted out[SESSION_ENTRIES_MAX], struct failure *f);

/* A shorter ttl that was sealed (ccctl add -t) is no difference to be mended. */
void wanted_keep_ttl(struct wanted *w, const struct listed *e);
bool wanted_differs(const struct wanted *w, const struct listed *e);

/* An origin is "KIND URL": the url, or the whole of it when it has no kind. */
const char *origin_url(const char *origin);

/* The url's host (and port) in out; "" when there is none. */
void origin_host(const char *origin, char *out, size_t size);

/* FAIL_USAGE with the command that sets the parameters that p lacks. */
int provider_lacks(const struct provider *p, struct failure *f);

/* "NAME" or "NAME:MODE". */
#define PROVIDER_WORD (2 * NAME_MAX_LEN + 2)
void provider_word(const struct provider *p, char out[PROVIDER_WORD]);

/*
 * The providers that use an entry: of each its plain form, or else its first
 * mode that does.  Fills at most max; returns how many there are, or -1.
 */
int providers_using(const char *entry, char out[][PROVIDER_WORD], int max, struct failure *f);

#endif
