/*
 * helpers/usage/claude_login.h - the client's own log-in, as it keeps it.
 */
#ifndef HELPERS_USAGE_CLAUDE_LOGIN_H
#define HELPERS_USAGE_CLAUDE_LOGIN_H

#include <stddef.h>
#include <stdint.h>

/*
 * The access token of $CLAUDE_CONFIG_DIR/.credentials.json (~/.claude), into
 * token (size bytes, locked memory).  Everything on the way is in locked memory
 * too (heap_use was called), and wiped.  Returns an enum usage_error:
 * USAGE_DONE with *len, USAGE_MISSING, or USAGE_UNAUTHORIZED (it has expired:
 * the client gets itself another, we do not).
 */
int claude_login_read_token(uint8_t *token, size_t size, size_t *len);

#endif
