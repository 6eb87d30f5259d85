/*
 * client/common/key_kind.h - what a key's own beginning says of where it belongs.
 */
#ifndef CLIENT_COMMON_KEY_KIND_H
#define CLIENT_COMMON_KEY_KIND_H

#include <stddef.h>
#include <stdint.h>

struct failure;
struct wanted;

/*
 * Does the key of n bytes at p go with what w says of it?  FAIL_BAD_VALUE: Anthropic's own API
 * would refuse it in that header.  *owner = whose key it is, where that is not whose address it
 * goes to, as with a gateway; else NULL.  No message has any of the key.  0 or -1.
 */
int key_kind_check(const uint8_t *p, size_t n, const struct wanted *w, const char **owner,
		   struct failure *f);

#endif
