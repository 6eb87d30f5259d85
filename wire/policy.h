/*
 * wire/policy.h - an entry's policy: what its user allowed, as text and as a struct.
 *
 * The text ("delivery=auto nested=deny strict=no exposed=no", then " keep=yes",
 * " ttl=3600", " linger=28800", " confine=off", " config_dir=~/.work",
 * " limit=5M/day,$10/day", " env=DIGEST", " ca=DIGEST", " prices=DIGEST" and " confirm=session"
 * where they are set) is what the vault seals and the wire carries.  Unknown keys are an error: a policy
 * must not be applied in part.
 */
#ifndef WIRE_POLICY_H
#define WIRE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/limit_text.h"
#include "wire/limits.h"

struct failure;

/*
 * How a secret is used for the client, tightest first; compared by order.  RELAY: it
 * stays outside the client.  AUTO: relay, else preload, else pipe.  Only names are
 * stored and sent, so the numbers may change.
 */
enum delivery { DELIVERY_RELAY = 0, DELIVERY_PRELOAD, DELIVERY_AUTO, DELIVERY_PIPE, DELIVERY_ENV };

/*
 * What processes of a session may have, tightest first.  NESTED_USE: a session of their
 * own by relay, for the same entry, with the ticket of their session.  NESTED_ALLOW:
 * what a process outside gets, its value too.
 */
enum nested { NESTED_DENY = 0, NESTED_USE = 1, NESTED_ALLOW = 2 };

/*
 * Which launches wait for a person's yes, loosest first.  FIRST: the first one after the vault
 * was opened.  SESSION: every one.
 */
enum confirm { CONFIRM_NO = 0, CONFIRM_FIRST = 1, CONFIRM_SESSION = 2 };

/*
 * What a session's processes cannot do to others (shim/confine.h), tightest first.
 * CONFINE_ON: all of it, else there is no session.  CONFINE_AUTO: what the kernel offers.
 */
enum confine { CONFINE_ON = 0, CONFINE_AUTO = 1, CONFINE_OFF = 2 };

#define TTL_MAX (366ull * 24 * 3600) /* seconds */
#define CONFIG_DIR_MAX 120	     /* bytes; the whole text stays within POLICY_MAX_LEN */

struct policy {
	enum delivery delivery; /* the loosest delivery allowed */
	enum nested nested;	/* what a process inside a session (marked) may ask for */
	bool strict;		/* refuse deliveries and systems that protect it less */
	bool exposed; /* accept a variable that the client does not keep from MCP servers and hooks */
	bool keep;    /* automatic locks leave it in memory */
	uint64_t ttl;	 /* seconds in memory after the vault was opened; 0: no limit */
	uint64_t linger; /* seconds that nested sessions may outlive the one that they came from */
	enum confine confine;		     /* the loosest confinement of its sessions */
	char config_dir[CONFIG_DIR_MAX + 1]; /* the client's directory, as written; "": its own */
	struct limit limit;		     /* how much of it may be used; all zero: no limit */
	/* vault/crypto.h seal_digest of the provider's [env] as far as it is sealed
	 * (config/provider/env_sealed.h), and of the file of further certificate
	 * authorities, and of the lines of [prices] (wire/prices.h prices_sealed_text); "": none */
	char env[SEAL_DIGEST_HEX + 1];
	char ca[SEAL_DIGEST_HEX + 1];
	char prices[SEAL_DIGEST_HEX + 1];
	enum confirm confirm;
};

#define POLICY_KEYS 14
#define POLICY_VALUE (CONFIG_DIR_MAX + 1) /* the longest value, with its NUL */

/* Key number i (from 0), in the order of the text. */
const char *policy_key(unsigned i);

/* Its value as policy_set takes it; "" for no config_dir, env, ca and prices. */
void policy_value(const struct policy *p, unsigned i, char out[POLICY_VALUE]);

/* The same for people: a length of time with its unit. */
void policy_words_value(const struct policy *p, unsigned i, char out[POLICY_VALUE]);

/* delivery and confine auto, all else no, no limit. */
void policy_default(struct policy *p);

/* Set one key from its text.  0, or -1 with FAIL_BAD_VALUE (unknown key or value). */
int policy_set(struct policy *p, const char *key, const char *value, struct failure *f);

/* Parse a whole text; absent keys get their default.  0, or -1 with FAIL_BAD_VALUE or
 * FAIL_TOO_LARGE. */
int policy_parse(struct policy *p, const char *text, struct failure *f);

/* Write the canonical text, keys in a fixed order.  size: POLICY_MAX_LEN + 1 at least. */
void policy_format(const struct policy *p, char *out, size_t size);

/* out (POLICY_MAX_LEN + 1 bytes) = the text of a policy for people; as it is where it is none. */
void policy_words(const char *text, char *out);

const char *confine_name(enum confine c);
/* An enum confine, or -1 when unknown. */
int confine_from_name(const char *name);

const char *delivery_name(enum delivery d);
/* An enum delivery, or -1 when unknown. */
int delivery_from_name(const char *name);

const char *confirm_name(enum confirm c);
/* An enum confirm, or -1 when unknown. */
int confirm_from_name(const char *name);

#endif
