/*
 * config/provider/overlay.h - writing one parameter into the user's overlay.
 */
#ifndef CONFIG_PROVIDER_OVERLAY_H
#define CONFIG_PROVIDER_OVERLAY_H

struct failure;

/*
 * Store a parameter in the user's overlay of a provider (created 0600), keeping the rest of
 * the file byte for byte.  The value is taken without blanks and quotes
 * around it, and tried first, in every mode.  0, or -1 with
 * FAIL_BAD_VALUE, FAIL_NO_ENTRY (no such parameter), or as provider_load.
 */
int provider_set_param(const char *name, const char *key, const char *given, struct failure *f);

#endif
