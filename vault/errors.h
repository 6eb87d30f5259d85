/*
 * vault/errors.h - the failures that several files of the vault report.
 */
#ifndef VAULT_ERRORS_H
#define VAULT_ERRORS_H

struct failure;

/* The hint with FAIL_NEWER. */
#define HINT_NEWER "it was written by a newer ccrun: update this one"

/* FAIL_DAMAGED: what is wrong with the file.  Returns -1. */
int vault_fail_damaged(struct failure *f, const char *why);

/* FAIL_NO_MEMORY.  Returns -1. */
int vault_fail_no_memory(struct failure *f);

/* FAIL_NO_ENTRY "cannot DOING NAME: no such entry".  Returns -1. */
int vault_fail_no_entry(struct failure *f, const char *doing, const char *name);

#endif
