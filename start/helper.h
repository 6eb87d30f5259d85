/*
 * start/helper.h - running one of ccrun's helper programs (the keyring's, the
 * TPM's, ccrun-source) and getting its answer: the starter's end of the channel,
 * descriptor 3.  The helper's end, and the packets, are in helpers/channel.h.
 */
#ifndef START_HELPER_H
#define START_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct failure;

#define HELPER_MAX 4096	  /* bytes of one packet of the keyring's and the TPM's */
#define HELPER_LEAST 1024 /* room that a failure's three texts need */

struct helper {
	const char *const *argv; /* argv[0]: the program's name; ends with NULL */
	const struct iovec *in;	 /* one packet for it, if in_parts is not 0 */
	unsigned in_parts;
	bool hardened;	  /* send that packet only once the helper is undumpable */
	bool interactive; /* its standard output and error are our standard error, and
				   * Ctrl-C is for the helper: we ignore it meanwhile.  Else
				   * both are /dev/null, since libraries print */
	bool terminal;	  /* its standard input is the terminal, else /dev/null */
	/* Does it not inherit this "NAME=value"?  NULL: it gets what leads to its service,
	 * and nothing else. */
	bool (*drop)(const char *entry);
	int patience_ms; /* how long to wait for its answer; then, and after any other
				   * failure, it is killed.  0: it has a time limit of its own,
				   * is waited for and never killed */
};

/*
 * Run it and wait for its end.  Besides the standard streams it inherits only
 * descriptor 3.  Its answer goes to out (room bytes, HELPER_LEAST or more; locked
 * memory where the answer is a secret; NULL and 0 where none is expected), its
 * length to *n.  Returns 0, or -1 with the helper's failure, FAIL_CONFIG (it is not
 * installed), FAIL_POSTURE (it did not harden itself), FAIL_TIMEOUT, ...
 */
int helper_run(const struct helper *h, uint8_t *out, size_t room, size_t *n, struct failure *f);

#endif
