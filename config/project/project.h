/*
 * config/project/project.h - a project's pin: the file .ccrun says which provider, mode
 * and models `ccrun` uses in a directory and below it.
 *
 * It comes with a repository, so it is hostile until a person has allowed it:
 * it has names and nothing else, and what is allowed is this content at this
 * path.  ccctl keeps the allowed ones in $XDG_DATA_HOME/ccrun/projects: a line
 * with the path, and the content behind it, each line of it after a tab.
 */
#ifndef CONFIG_PROJECT_PROJECT_H
#define CONFIG_PROJECT_PROJECT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/paths.h"
#include "wire/limits.h"

struct failure;
struct provider;

#define PROJECT_LEAF ".ccrun"
#define PROJECT_MAX 4096	  /* bytes; a pin has a few lines */
#define PROJECT_MODELS_MAX 7	  /* the keys of [models] */
#define PROJECT_MODEL_LEN 128
#define PROJECTS_MAX (1024 * 1024) /* bytes of all that are allowed */

struct project {
	char path[PATH_SIZE]; /* of the file, absolute */
	char text[PROJECT_MAX + 1];
	size_t n;
	char provider[NAME_MAX_LEN + 1];
	char mode[NAME_MAX_LEN + 1]; /* "" for none */
	struct {
		char key[16];
		char value[PROJECT_MODEL_LEN + 1];
	} model[PROJECT_MODELS_MAX];
	unsigned models;
};

enum project_standing { PROJECT_UNKNOWN, PROJECT_CHANGED, PROJECT_ALLOWED };

/*
 * The nearest .ccrun, from the working directory upwards, to the home directory
 * or a file system's border.  1 found and understood, 0 none, -1 (FAIL_CONFIG,
 * FAIL_UNSAFE_PATH, FAIL_TOO_LARGE): it says what no pin may say.
 */
int project_find(struct project *p, struct failure *f);

/* The one of a directory, or the file itself.  FAIL_NO_ENTRY when there is none. */
int project_read(const char *where, struct project *p, struct failure *f);

/* Understand p->text, as if it stood at p->path.  FAIL_CONFIG. */
int project_parse(struct project *p, struct failure *f);

/* What a person said of it.  FAIL_UNSAFE_PATH when others can write that. */
int project_ask(const struct project *p, enum project_standing *out, struct failure *f);

/* The content that was allowed at the path, before it changed, in out (NUL-terminated,
 * PROJECT_MAX + 1 bytes); "" for none. */
int project_allowed_text(const char *path, char *out, struct failure *f);

/* Allow this content, or (allow false) forget what was allowed at the path.
 * *was (may be NULL): was anything allowed there? */
int project_decide(const char *path, const char *text, bool allow, bool *was, struct failure *f);

/* Its models over those of the provider's files. */
int project_models(const struct project *p, struct provider *to, struct failure *f);

#endif
