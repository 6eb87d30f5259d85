/*
 * statusline/git_parts.h - what the files of the reader of .git know of
 * each other.
 */
#ifndef STATUSLINE_GIT_PARTS_H
#define STATUSLINE_GIT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stat;

#define GIT_PATH 4096	       /* bytes of a path with its NUL, as PATH_MAX */
#define GIT_CONFIG_MAX 65536   /* bytes of a configuration that are read */

/* out (GIT_PATH bytes) = dir/name, or name when that is absolute.  false: too long. */
bool git_join(char *out, const char *dir, const char *name);

/*
 * Open dir/name for reading; nothing but a regular file, and nothing that could
 * block.  follow: a symbolic link, too (else ELOOP).  Returns a descriptor and
 * what fstat says, or -1 with errno.
 */
int git_open(const char *dir, const char *name, bool follow, struct stat *st);

/*
 * Read at most size - 1 bytes from the beginning of dir/name into buf and end
 * them with NUL.  Returns their number, or -1 with errno as git_open.
 */
ssize_t git_read(const char *dir, const char *name, bool follow, char *buf, size_t size);

struct git_config {
	char url[1024];		 /* of remote "origin"; "" for none */
	char worktree[GIT_PATH]; /* core.worktree; "" for none */
	unsigned hash;		 /* bytes of an object's name: 20, 32 */
	bool filemode, symlinks; /* the work tree can have such */
	bool coarse;		 /* core.checkStat = minimal: no parts of a second */
};

/* Read a configuration's n bytes as far as they are well-formed.  Includes are never followed. */
void git_config_parse(const char *text, size_t n, struct git_config *c);

/*
 * out (size bytes) = the https page of a remote's URL, or "".  What stands before
 * the host's @ may be a password or a token: it is never let through.
 */
void git_page(const char *url, char *out, size_t size);

struct git_index_ask {
	const char *git;    /* the directory with index and HEAD */
	const char *common; /* the one with refs */
	const char *top;    /* the work tree */
	const char *ref;    /* what HEAD names: refs/heads/main; NULL when detached */
	const struct git_config *config;
	int budget_ms;
};

/* Is something changed?  GIT_CLEAN, GIT_DIRTY or GIT_UNKNOWN of git.h. */
int git_index_look(const struct git_index_ask *ask);

#endif
