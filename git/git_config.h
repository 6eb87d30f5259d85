/*
 * git/git_config.h - the settings of a repository's own config file that
 * say where its files and its origin are, and how to compare files.  The user's
 * configuration is not read, includes are not followed, commands are ignored.
 */
#ifndef GIT_GIT_CONFIG_H
#define GIT_GIT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include "git/git_file.h"

#define GIT_CONFIG_MAX 65536 /* bytes of a configuration that are read */

struct git_config {
	char url[1024];		 /* of remote "origin"; "" for none */
	char worktree[GIT_PATH]; /* core.worktree; "" for none */
	unsigned hash;		 /* bytes of an object's id: 20 (SHA-1) or 32 (SHA-256) */
	bool filemode, symlinks; /* core.fileMode, core.symlinks: the work tree supports them */
	bool whole_seconds;	 /* core.checkStat = minimal: compare no nanoseconds */
};

/*
 * Parse the n bytes of a config file (git-config(1), "Syntax") up to the first
 * that is not well-formed.  When n is GIT_CONFIG_MAX or more, the last line may
 * have been cut and is ignored.
 */
void git_config_parse(const char *text, size_t n, struct git_config *c);

#endif
