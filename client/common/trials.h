/*
 * client/common/trials.h - what the last trial of a provider came to (ccctl test), kept.
 *
 * A file for each provider and mode, in the state directory.  It is a memory and no
 * authority: whoever runs as the user can write it, and all that it changes is words on the
 * screen.
 */
#ifndef CLIENT_COMMON_TRIALS_H
#define CLIENT_COMMON_TRIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/limits.h"
#include "wire/policy.h"
#include "wire/trial.h"

struct failure;
struct listed;
struct provider;

#define TRIAL_MODEL_MAX 255 /* bytes of a model's name; a longer one is cut */

/* What a provider was when it was tried: with another of these it was not tried since. */
struct trial_subject {
	char files[SEAL_DIGEST_HEX + 1]; /* digest of what its files say */
	char keys[SEAL_DIGEST_HEX + 1];	 /* of which entries it uses, and their last change; "":
					  * not known, as the vault is not open */
};

struct kept_trial {
	uint64_t at; /* seconds since the epoch */
	enum trial outcome;
	uint64_t first_ms; /* of one that works */
	char model[TRIAL_MODEL_MAX + 1];
	struct trial_subject subject;
};

/* What p is now; entries: n of the open vault's, or NULL.  0 or -1 (no memory). */
int trial_subject_of(const struct provider *p, const struct listed *entries, unsigned n,
		     struct trial_subject *out, struct failure *f);

/* Was it the same then?  What is not known now counts as the same. */
bool trial_subject_same(const struct trial_subject *then, const struct trial_subject *now);

/* The last trial of that provider and mode ("" for none).  False: there is none. */
bool trial_kept(const char *provider, const char *mode, struct kept_trial *out);

/* Keep it in the place of the one before.  0 or -1. */
int trial_keep(const char *provider, const char *mode, const struct kept_trial *t,
	       struct failure *f);

#endif
