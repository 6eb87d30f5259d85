/*
 * client/common/terminal.h - questions to the person at /dev/tty.
 */
#ifndef CLIENT_COMMON_TERMINAL_H
#define CLIENT_COMMON_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct failure;
struct secret;

/* Is there a terminal for a passphrase, whatever standard input is? */
bool terminal_here(void);

/* Is a person at standard input, so that a question makes sense? */
bool terminal_asks(void);

/*
 * Ask without echo; the answer goes straight into s, without its newline.  A
 * signal ends us (or stops us, and the question is put again) only after the
 * terminal is as it was.  -1: no terminal, end of input, too long, a NUL.
 */
int terminal_secret(const char *prompt, struct secret *s, struct failure *f);

/* The same on a terminal that is open already. */
int terminal_secret_on(int fd, const char *prompt, struct secret *s, struct failure *f);

/* Ask with echo, for what is no secret. */
int terminal_line(const char *prompt, char *out, size_t size, struct failure *f);

/* "question [y/N] "; anything but y or yes is no.  0 or -1. */
int terminal_yes(const char *question, bool *yes, struct failure *f);

/* A line of text on the terminal. */
void terminal_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A secret that is to be seen, from where it lies, between two texts. */
void terminal_show(const char *before, const void *secret, size_t n, const char *after);

#endif
