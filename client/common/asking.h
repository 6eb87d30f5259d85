/*
 * client/common/asking.h - having ccrun ask a provider, as the process of a session.
 */
#ifndef CLIENT_COMMON_ASKING_H
#define CLIENT_COMMON_ASKING_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

/*
 * Run ccrun with the words of argv (argv[0] is "ccrun"), and read what it prints: at most size
 * bytes in text.  quiet: without its messages and its questions.  *status: its exit status.
 * Returns the number of bytes, or -1 with f set.
 */
long ccrun_ask(const char *const *argv, bool quiet, char *text, size_t size, int *status,
	       struct failure *f);

#endif
