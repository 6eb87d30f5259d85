/*
 * vault/recovery.h - a slot's key as a code that a person writes down.
 */
#ifndef VAULT_RECOVERY_H
#define VAULT_RECOVERY_H

#include <stddef.h>
#include <stdint.h>
#include "wire/limits.h"

struct failure;

#define RECOVERY_TEXT 36 /* six groups of five characters, with the hyphens and the NUL */

/* Draw a code, and derive the slot's key.  Both in the arena. */
void recovery_make(char text[RECOVERY_TEXT], uint8_t key[KEY_LEN]);

/*
 * Derive the key (in the arena) from n typed characters.  Case, blanks and
 * hyphens of every kind do not matter; O is read as 0, I and L as 1.  0, or -1 with FAIL_BAD_VALUE
 * saying what is wrong with the code.
 */
int recovery_parse(const char *typed, size_t n, uint8_t key[KEY_LEN], struct failure *f);

#endif
