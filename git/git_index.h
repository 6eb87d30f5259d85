/*
 * git/git_index.h - are tracked files changed?  From the index and lstat(2)
 * alone: what that finds and what it misses is said in git_status.h.
 */
#ifndef GIT_GIT_INDEX_H
#define GIT_GIT_INDEX_H

struct git_config;

/* GIT_UNKNOWN: not asked for, no time left, or it cannot be told. */
enum git_dirty { GIT_CLEAN, GIT_DIRTY, GIT_UNKNOWN };

struct git_index_query {
	const char *git_dir; /* the directory with the index */
	const char *common;  /* $GIT_COMMON_DIR */
	const char *top;     /* the work tree */
	const char *ref;     /* what HEAD names: refs/heads/main; NULL when detached */
	const struct git_config *config;
	int budget_ms; /* for all of it */
};

/* Not reentrant: the work space is static. */
enum git_dirty git_index_check(const struct git_index_query *query);

/* Has the index an entry of that name, a path below the work tree?  1, 0 (also where there is
 * no index), or -1: it cannot be told.  As above. */
int git_index_has(const struct git_index_query *query, const char *name);

#endif
