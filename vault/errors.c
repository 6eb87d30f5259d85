/*
 * vault/errors.c - the failures that several files of the vault report.
 */
#include "vault/errors.h"

#include <stddef.h>

#include "base/fail.h"
#include "wire/limits.h"

int vault_fail_damaged(struct failure *f, const char *why)
{
	return fail_set(f, FAIL_DAMAGED, NULL, "cannot read the vault: it is damaged: %s", why);
}

int vault_fail_no_memory(struct failure *f)
{
	return fail_set(f, FAIL_NO_MEMORY, NULL, "cannot hold the vault: out of memory");
}

int vault_fail_no_entry(struct failure *f, const char *doing, const char *name)
{
	return fail_set(f, FAIL_NO_ENTRY, "ccctl keys shows what is there",
			"cannot %s %.*s: no such entry", doing, NAME_MAX_LEN, name);
}
