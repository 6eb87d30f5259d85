/*
 * import/outside.h - the process that does for ccrun-import what its cage forbids: it runs
 * ccctl, and starts a broker.
 *
 * It is forked before a file of somebody's is read, and takes a word for an order, with
 * nothing beside it: whoever takes the reader over can have ccctl ask its usual question.
 */
#ifndef IMPORT_OUTSIDE_H
#define IMPORT_OUTSIDE_H

struct client;
struct failure;

/*
 * Fork it.  pass_fd: the descriptor of --passphrase-fd, or -1; it is the other process's from
 * now on, unless it is a standard stream.  0 or -1.
 */
int outside_begin(int pass_fd, struct failure *f);

enum outside_wish {
	OUTSIDE_BROKER = 'b',
	OUTSIDE_INIT = 'i',
	OUTSIDE_UNLOCK = 'u',
	OUTSIDE_AUTO = 'a'
};

/*
 * Have it done.  OUTSIDE_BROKER: 0.  The others are ccctl's init, unlock and unlock --auto:
 * its exit code; a signal that ended it ends us.  Or -1.
 */
int outside_ask(enum outside_wish wish, struct failure *f);

/* client_connect; where no broker runs, one is started. */
int outside_connect(struct client *c, struct failure *f);

#endif
