/*
 * shim/session.h - getting a session from the broker, with the person's help
 * where there is one.
 */
#ifndef SHIM_SESSION_H
#define SHIM_SESSION_H

#include <stdbool.h>
#include "wire/limits.h"
#include "wire/policy.h"

struct failure;
struct provider;

/* Is there a terminal to ask on? */
bool session_terminal(void);

/* Run "ccctl VERB WORD" on the terminal and wait.  0 when it succeeded. */
int session_run(const char *verb, const char *word, struct failure *f);

/*
 * Run "ccctl VERB [NAME[:MODE]]" on the terminal and wait.  0 when it succeeded.
 */
int session_ccctl(const char *verb, const struct provider *p, struct failure *f);

/*
 * Open a session for p's secrets.  A vault that nobody locked is opened without
 * a person where that can be.  On a terminal a missing vault is made, a locked
 * one unlocked, a missing key added, in place; without one the failure names
 * the commands.  Returns the connection (blocking, close-on-exec) or -1.
 */
int session_open(const struct provider *p, enum delivery d, struct failure *f);

/* The manager that the key of the granted session stays in ("pass"), or "": the vault. */
extern char session_source[NAME_MAX_LEN + 1];

/* The descriptor of a pipe that holds the secret (pipe delivery), or -1. */
int session_pipe(int connection, struct failure *f);

/*
 * Claim the secrets into this process (env delivery): "NAME=value" strings in
 * out[], their number returned, or -1.  The caller has marked itself; wipe the
 * strings with session_wipe.
 */
int session_claim(int connection, char **out, unsigned max, struct failure *f);
void session_wipe(char **strings, unsigned n);

#endif
