/*
 * claim.h - from the connection to the secrets in this process's environment.
 */
#ifndef SHIM_PRELOAD_CLAIM_H
#define SHIM_PRELOAD_CLAIM_H

struct refusal;

/*
 * Harden this process, claim the secrets over the connection fd, and put them
 * into session (to recognise them) and environ (for the program).  0, or -1.
 */
int claim_secrets(int fd, struct refusal *why);

#endif
