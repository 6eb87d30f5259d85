/*
 * wire/names.h - which names, variables and tokens every program accepts.
 */
#ifndef WIRE_NAMES_H
#define WIRE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

/* An entry's, provider's or mode's name: [A-Za-z0-9][A-Za-z0-9._-]{0,63}. */
bool wire_name_ok(const char *name);
/* An environment variable's name: [A-Za-z_][A-Za-z0-9_]{0,63}. */
bool wire_variable_ok(const char *name);
/* A header of requests, as files and messages spell it: [a-z0-9][a-z0-9-]{0,56}. */
bool wire_header_ok(const char *name);
/* What carries a secret: an environment variable, or "header:NAME", a header of requests
 * that a relay adds; "header:NAME:SCHEME" writes a word and a blank before the secret
 * ("Bearer"): [A-Za-z][A-Za-z0-9-]*.  VARIABLE_MAX_LEN in all. */
bool wire_carrier_ok(const char *name);
/* The header of such a carrier with its scheme, "NAME" or "NAME:SCHEME", or NULL: it is a
 * variable. */
const char *wire_carrier_header(const char *name);
/* Would both be sent as the same header?  Of carriers that are ok. */
bool wire_carriers_collide(const char *a, const char *b);
/* A token: 8 to TOKEN_MAX bytes, printable ASCII without a space.  0, or -1 with
 * FAIL_BAD_VALUE or FAIL_TOO_LARGE.  The message never has a byte of the token. */
int wire_token_check(const uint8_t *p, size_t n, struct failure *f);

#endif
