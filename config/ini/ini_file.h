/*
 * config/ini/ini_file.h - one INI file, checked and in memory.  Every item has its
 * file and line, for messages.
 */
#ifndef CONFIG_INI_INI_FILE_H
#define CONFIG_INI_INI_FILE_H

#include <stddef.h>

struct failure;

#define INI_FILE_MAX (64 * 1024) /* bytes; the longest file we ship has 3 KiB */
#define INI_ITEMS_MAX 512  /* headings and keys of one file: finding duplicates is quadratic */
#define INI_SECTION_MAX 48 /* inih keeps 49 characters of a section's name and cuts the rest */

struct ini_item {
	char *section;
	char *key;	  /* NULL: the heading itself */
	char *value;	  /* "" when there is none */
	const char *path; /* of the file, borrowed from it */
	unsigned line;
};

struct ini_file {
	char *path;
	struct ini_item *item; /* in the file's order */
	unsigned items;
};

enum ini_read { INI_FAILED = -1, INI_ABSENT, INI_READ };

/*
 * Read leaf in the directory dirfd (dir is its path, for messages).  The file
 * must be regular, trusted (path_check_trusted), at most INI_FILE_MAX bytes
 * and free of NULs and control characters; a key twice in a section is an
 * error, and so is a key outside of one.  INI_READ: *out is set (ini_file_free).
 * INI_ABSENT: there is no such file.  INI_FAILED: FAIL_CONFIG, FAIL_UNSAFE_PATH,
 * FAIL_TOO_LARGE, FAIL_SYSTEM.  *out is NULL but for INI_READ.
 */
enum ini_read ini_file_read(int dirfd, const char *dir, const char *leaf, struct ini_file **out,
			    struct failure *f);

/* The same from n bytes in memory (text[n] is NUL); path is for messages.  0 or -1. */
int ini_file_parse(const char *path, const char *text, size_t n, struct ini_file **out,
		   struct failure *f);

/* The same; the lines before the first heading belong to the section `begin`. */
int ini_file_parse_in(const char *path, const char *begin, const char *text, size_t n,
		      struct ini_file **out, struct failure *f);

/* The item, or NULL. */
const struct ini_item *ini_file_get(const struct ini_file *file, const char *section,
				    const char *key);

void ini_file_free(struct ini_file *file); /* NULL-safe */

/* FAIL_CONFIG with "FILE:LINE: " before the text.  hint may be NULL.  Returns -1. */
int ini_fail(struct failure *f, const struct ini_item *at, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
