/*
 * start/terminal.h - whether a person can be asked.
 */
#ifndef START_TERMINAL_H
#define START_TERMINAL_H

#include <stdbool.h>

/*
 * Is standard error a terminal, and can /dev/tty be opened, for a program that
 * asks a question?  Standard input may be anything: it is claude's.
 */
bool terminal_available(void);

#endif
