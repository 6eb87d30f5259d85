/*
 * helpers/source/keep.h - ccrun-source keep: waits until the broker wants a token of a
 * session again, and has it fetched.
 */
#ifndef HELPERS_SOURCE_KEEP_H
#define HELPERS_SOURCE_KEEP_H

struct failure;

/*
 * Descriptor 3 is a pidfd of the session; names ends with NULL.  Ends with the session, or
 * with the broker: 0.  -1 with f set.  No token comes into this process: each is fetched
 * by one of its own.
 */
int keep_run(char *const names[], struct failure *f);

#endif
