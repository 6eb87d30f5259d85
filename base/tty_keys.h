/*
 * base/tty_keys.h - the characters that a terminal takes for keys: Ctrl-C, Ctrl-Z, erase.
 */
#ifndef BASE_TTY_KEYS_H
#define BASE_TTY_KEYS_H

#include <termios.h>

/*
 * MUST: before a secret is typed.  Put the usual character in the place of each that a secret can
 * have, or that Enter, backspace or a paste sends.  A session can have left them so: the question
 * would end in the middle of the secret, and the shell would get its rest as a command.
 */
void tty_keys_mend(struct termios *t);

#endif
