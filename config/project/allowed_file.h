/*
 * config/project/allowed_file.h - the file of what the user has allowed,
 * $XDG_DATA_HOME/ccrun/projects: records of a key, in a line of its own, and a text, with a
 * tab before each of its lines.  A key begins with no tab; several records may have one key.
 */
#ifndef CONFIG_PROJECT_ALLOWED_FILE_H
#define CONFIG_PROJECT_ALLOWED_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

#define ALLOWED_MAX (1024 * 1024) /* bytes of the file */

/* A record: offsets into the file's text. */
struct allowed_at {
	size_t start, body, end; /* its key, its text, and what follows it */
};

/* Read the whole file into *all, NUL-terminated; "" when there is none.  The caller frees it,
 * on failure too.  0, or -1: FAIL_UNSAFE_PATH when others can write the file. */
int allowed_file_load(char **all, struct failure *f);

/* The first record that begins at or behind offset from. */
bool allowed_file_next(const char *all, size_t from, struct allowed_at *at);

/* The first one with this key. */
bool allowed_file_find(const char *all, size_t from, const char *key, struct allowed_at *at);

/* Its text, without tabs, in out (max + 1 bytes; more is cut off). */
void allowed_file_text(const char *all, const struct allowed_at *at, char *out, size_t max);

/* The file as it will be: without the record. */
void allowed_file_remove(char *all, const struct allowed_at *at);

/* With one more, at its end.  false: no memory, and *all stays. */
bool allowed_file_add(char **all, const char *key, const char *text);

/* Take the lock of the file, so that no decision of another ccctl is lost between load and
 * save.  A descriptor whose close releases it, or -1. */
int allowed_file_lock(struct failure *f);

/* Replace the file by what it will be.  0, or -1: FAIL_TOO_LARGE above ALLOWED_MAX. */
int allowed_file_save(const char *all, struct failure *f);

#endif
