/*
 * client/common/assuan.h - the client's side of the Assuan protocol, as far as pinentry
 * speaks it: a command out, lines in until OK or ERR.
 *
 * The other side is not trusted: a line is at most ASSUAN_LINE bytes, lines are counted,
 * and what the protocol does not know is the end.
 */
#ifndef CLIENT_COMMON_ASSUAN_H
#define CLIENT_COMMON_ASSUAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;
struct secret;

#define ASSUAN_LINE 1000 /* bytes, without its newline */
#define ASSUAN_LINES_MAX 100

struct assuan {
	int fd;		 /* a stream socket of the caller's */
	const char *who; /* for messages */
	uint8_t *buf;	 /* locked: a PIN passes through it */
	size_t from, have;
	/* Called about ten times a second while a reply is awaited; -1 ends that.  NULL: none. */
	int (*idle)(void *arg, struct failure *f);
	void *arg;
};

/* What ended a reply. */
struct assuan_reply {
	bool ok;
	bool repeated;	    /* it said S PIN_REPEATED */
	unsigned long code; /* of ERR: gpg-error's, with the source in its upper half */
	char text[160];	    /* what ERR says, as it came */
};

/* fd, who and idle are set.  0 or -1; assuan_end in either case. */
int assuan_begin(struct assuan *a, struct failure *f);

/* Wipe and unmap the buffer. */
void assuan_end(struct assuan *a);

/* Send "COMMAND" or "COMMAND text", the text escaped, and cut where the line is full. */
int assuan_send(struct assuan *a, const char *command, const char *text, struct failure *f);

/*
 * Read lines until OK or ERR, which both return 0.  Data goes into s, unescaped (NULL:
 * there must be none).  deadline: clock_now_ms(), or INT64_MAX.  -1: it ended, was late,
 * or broke the protocol; s is wiped then.
 */
int assuan_receive(struct assuan *a, struct secret *s, int64_t deadline, struct assuan_reply *r,
		   struct failure *f);

#endif
