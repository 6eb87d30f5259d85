/*
 * client/common/terminal.h - questions to the person at /dev/tty.
 */
#ifndef CLIENT_COMMON_TERMINAL_H
#define CLIENT_COMMON_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct failure;
struct secret;
struct terminal_page;

/* Is standard input a terminal, so that a person can answer questions? */
bool terminal_asks(void);

/*
 * Ask without echo; the answer goes straight into s, without its newline.  Meanwhile no
 * other process can open the terminal; of those that have it open already the person is
 * told, and asked (FAIL_DECLINED), and none reads it.  Where one waits for the input before us,
 * takes the terminal back or alters it, what was typed is wiped (FAIL_CHANGED).  A signal takes effect only after the terminal is
 * restored; after a stop the question is asked again.  0, or -1: no terminal, end of
 * input, too long, a NUL.
 */
int terminal_secret(const char *prompt, struct secret *s, struct failure *f);

/* The same on an open terminal. */
int terminal_secret_on(int fd, const char *prompt, struct secret *s, struct failure *f);

/* Ask with echo.  out: NUL-terminated, cut to size bytes.  0 or -1. */
int terminal_line(const char *prompt, char *out, size_t size, struct failure *f);

/* Ask "question [y/N] "; anything but y or yes is no.  0 or -1. */
int terminal_yes(const char *question, bool *yes, struct failure *f);

/* Print a line on the terminal, if there is one. */
void terminal_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Show a secret until the person presses Enter, which `below` asks for; as terminal_secret in
 * all else.  s: room for what is typed, wiped.  Nothing is shown where terminal_page_require fails.
 */
int terminal_show(const struct terminal_page *page, struct secret *s, struct failure *f);

#endif
