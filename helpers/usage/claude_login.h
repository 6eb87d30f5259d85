/*
 * helpers/usage/claude_login.h - the log-in of the client (Claude Code), from its file.
 */
#ifndef HELPERS_USAGE_CLAUDE_LOGIN_H
#define HELPERS_USAGE_CLAUDE_LOGIN_H

#include <stddef.h>
#include <stdint.h>

#include "helpers/usage/usage_result.h"

/*
 * Read the OAuth access token from $CLAUDE_CONFIG_DIR/.credentials.json (default
 * directory ~/.claude) into token (size bytes of locked memory).  The file's text is
 * only in locked memory (call heap_use before), and wiped.  Returns USAGE_DONE with
 * *len set, USAGE_MISSING, or USAGE_UNAUTHORIZED if the token has expired; the client
 * renews it, this program does not.
 */
enum usage_error claude_login_read_token(uint8_t *token, size_t size, size_t *len);

#endif
