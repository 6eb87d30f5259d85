/*
 * broker/fields.h - fields that several requests have.
 *
 * Each returns 0, or -1 with FAIL_WRONG_TYPE (absent, of another type) or what the
 * line says.
 */
#ifndef BROKER_FIELDS_H
#define BROKER_FIELDS_H

#include <stdint.h>
#include "wire/unpack.h"

struct failure;
struct slot_info;

/* An entry's name into out (NAME_MAX_LEN + 1 bytes); FAIL_BAD_VALUE. */
int field_name(struct wire_map m, const char *key, char *out, struct failure *f);

/* "key": a slot's wrapping key.  *key is KEY_LEN bytes inside the packet. */
int field_key(struct wire_map m, const uint8_t **key, struct failure *f);

/* The id of a slot; FAIL_NO_ENTRY when it is over 32 bits. */
int field_slot(struct wire_map m, const char *key, uint32_t *id, struct failure *f);

/* "slot": an array of one map, a slot to be made; its id is not set.  FAIL_BAD_VALUE,
 * FAIL_TOO_LARGE, FAIL_KDF_BOUNDS. */
int field_new_slot(struct wire_map m, struct slot_info *s, struct failure *f);

/*
 * "keyfile", optional (then *p is NULL and *slot is left): *p is a whole keyfile of
 * KEYFILE_LEN bytes inside the packet, of the vault with that id (VAULT_ID_LEN
 * bytes; NULL matches none); *slot is the slot whose key it has.  FAIL_BAD_VALUE, or
 * what keyfile_inspect says.
 */
int field_keyfile(struct wire_map m, const uint8_t *vault, const uint8_t **p, uint32_t *slot,
		  struct failure *f);

/* The failure for a keyfile of another slot than the request's.  -1. */
int keyfile_fail_other_slot(uint32_t slot, struct failure *f);

#endif
