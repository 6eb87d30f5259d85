/*
 * client/common/terminal_secret.h - asking for a secret without echo, on an open terminal.
 */
#ifndef CLIENT_COMMON_TERMINAL_SECRET_H
#define CLIENT_COMMON_TERMINAL_SECRET_H

#include <stdbool.h>

struct failure;
struct secret;
struct terminal_page;

/*
 * Ask on fd.  own: it is an open file of the caller's alone, opened as /dev/tty.  prompt, or the
 * page, which then is shown in its place, or NULL.  Into s, in locked memory, without the newline;
 * s is wiped where this fails.  As terminal_secret.
 */
int terminal_secret_ask(int fd, bool own, const char *prompt, const struct terminal_page *page,
			struct secret *s, struct failure *f);

#endif
