/*
 * client/login/login_files.h - the files that open the vault at log-in: systemd user
 * units, or an autostart entry.  Each is filled in from a template in share/, and
 * recognised by its first line.
 */
#ifndef CLIENT_LOGIN_FILES_H
#define CLIENT_LOGIN_FILES_H

#include <stdbool.h>
#include "base/paths.h"

struct failure;

enum {
	UNIT_SOCKET,
	UNIT_BROKER,
	UNIT_UNLOCK,
	UNIT_LOGIND,
	LOGIN_UNITS,
	AUTOSTART = LOGIN_UNITS,
	LOGIN_FILES
};

#define LOGIN_TEXT 8192 /* bytes of a file; a template has about 2,000 */

enum file_state {
	FILE_MISSING,
	FILE_CURRENT, /* the same as this installation writes */
	FILE_STALE,   /* written by ccctl of another installation or version */
	FILE_FOREIGN  /* not written by ccctl: never touched */
};

struct login_file {
	const char *name;
	char path[PATH_SIZE]; /* the user's own */
	enum file_state state;
	char text[LOGIN_TEXT]; /* what this installation writes there */
};

struct login_files {
	struct login_file file[LOGIN_FILES];
	char dir[PATH_SIZE];	/* of the user's own units */
	char shared[PATH_SIZE]; /* where root installed all units; "": nowhere */
	bool shared_current;	/* those are this installation's */
};

/* The name of a state: missing, current, stale, foreign. */
const char *login_state_name(enum file_state s);

/* Find all files and their states.  0 or -1. */
int login_look(struct login_files *l, struct failure *f);

/* FAIL_EXISTS when one of the files from `first` to `last` is FILE_FOREIGN.  0 or -1. */
int login_not_foreign(const struct login_files *l, int first, int last, struct failure *f);

/* Write the file.  1: written, 0: it was current, -1. */
int login_write(struct login_files *l, int which, struct failure *f);

/* Remove the file if ccctl wrote it.  1: removed, 0: it did not, -1. */
int login_remove(struct login_files *l, int which, struct failure *f);

/* Is the unit enabled by a link in the user's own directory? */
bool login_linked(const struct login_files *l, int which);

/* Remove that link.  0 (also when there is none) or -1. */
int login_unlink(const struct login_files *l, int which, struct failure *f);

#endif
