/*
 * config/project/project.h - a project's pin: the file .ccrun says which provider, mode
 * and models `ccrun` uses in a directory and below it.
 *
 * It may come with a repository, so it is not used until the user has allowed this
 * content at this path (allowed.h), and it can hold names and nothing else.
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
#define PROJECT_MAX 4096     /* bytes; a pin has a few lines */
#define PROJECT_MODELS_MAX 7 /* the keys of [models] */
#define PROJECT_MODEL_LEN 128

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

enum project_search { PROJECT_FAILED = -1, PROJECT_NONE, PROJECT_FOUND };

/*
 * Find the nearest .ccrun, from the working directory upwards to the home directory or
 * the root of the file system, and parse it.  PROJECT_FAILED with FAIL_CONFIG,
 * FAIL_UNSAFE_PATH or FAIL_TOO_LARGE when it is no valid pin.
 */
enum project_search project_find(struct project *p, struct failure *f);

/* Read the pin of a directory, or the .ccrun file `where`.  0, or -1 with FAIL_NO_ENTRY when
 * there is none, else as project_find. */
int project_read(const char *where, struct project *p, struct failure *f);

/* Parse p->text, as if it stood at p->path.  0, or -1 with FAIL_CONFIG. */
int project_parse(struct project *p, struct failure *f);

/* Set its models over those of the provider's files.  0 or -1. */
int project_models(const struct project *p, struct provider *to, struct failure *f);

#endif
