/*
 * wire/policy.h - what a person allowed for one entry, as text and as a struct.
 *
 * The text ("delivery=auto nested=deny strict=no exposed=no", and " keep=yes",
 * " ttl=3600" and " config_dir=~/.work" behind it where they say something) is
 * what the vault seals, the wire carries and `ccctl approve` shows.  Unknown keys
 * are an error: a policy that is not understood is not obeyed by halves.
 */
#ifndef WIRE_POLICY_H
#define WIRE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

/* From tightest to loosest; AUTO is preload, else pipe where that works. */
enum delivery { DELIVERY_PRELOAD = 0, DELIVERY_AUTO = 1, DELIVERY_PIPE = 2, DELIVERY_ENV = 3 };

#define TTL_MAX (366ull * 24 * 3600) /* seconds */
#define CONFIG_DIR_MAX 120	     /* bytes; the whole text stays within POLICY_MAX_LEN */

struct policy {
	enum delivery delivery; /* the loosest delivery allowed */
	bool nested;		/* a marked process may ask too */
	bool strict;		/* refuse what is merely best effort */
	bool exposed;		/* the variable need not be one that the client blanks */
	bool keep;		/* automatic locks spare it */
	uint64_t ttl;		/* seconds in memory after the vault was opened; 0: no limit */
	char config_dir[CONFIG_DIR_MAX + 1]; /* the client's directory, as written; "": its own */
};

/* delivery auto, all else no, no limit. */
void policy_default(struct policy *p);

/* Set one key from its text.  Returns 0 or -1 (unknown key or value). */
int policy_set(struct policy *p, const char *key, const char *value, struct failure *f);

/* Parse a whole policy text (NUL-terminated); absent keys have their default. */
int policy_parse(struct policy *p, const char *text, struct failure *f);

/* Write the canonical text, all keys in a fixed order.  size >= POLICY_MAX_LEN. */
void policy_format(const struct policy *p, char *out, size_t size);

const char *delivery_name(enum delivery d);
/* -1 when unknown. */
int delivery_from_name(const char *name);

#endif
