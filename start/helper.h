/*
 * start/helper.h - running one of ccrun's helper programs, which speak with a
 * desktop's keyring or a TPM: descriptor 3 is the conversation.  The other side
 * is helpers/answer.h.
 */
#ifndef START_HELPER_H
#define START_HELPER_H

#include <stddef.h>
#include "client/common/common.h"

struct failure;

#define HELPER_MAX 4096 /* bytes of one packet */

struct helper {
	const char *program;	 /* "ccrun-keyring" */
	const char *const *argv; /* what follows the name; ends with NULL */
	const void *in;		 /* what it is given, in the arena; NULL: nothing */
	size_t in_len;
	int patience_ms;	 /* then it is killed: FAIL_TIMEOUT */
};

/*
 * Run it and wait.  It inherits descriptor 3 alone, besides /dev/null.  A secret
 * is sent only to a process that has made itself undumpable.  Its answer goes to out (in the arena, with room), its failure to
 * f.  FAIL_CONFIG: not installed.
 */
int helper_run(const struct helper *h, struct secret *out, struct failure *f);

#endif
