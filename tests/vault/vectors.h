/*
 * tests/vault/vectors.h - reading the files of tests/vectors, which another
 * program wrote.  Included by tests, behind cmocka.h.
 */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* CCRUN_VECTORS, the checkout that we were started in, or the one around us. */
static const char *vector_root(void)
{
	static char root[4096 + 64];
	const char *set = getenv("CCRUN_VECTORS");
	ssize_t n;
	char *slash;
	int up;

	snprintf(root, sizeof(root), "%s", set ? set : "tests/vectors");
	if (set || access(root, R_OK) == 0)
		return root;
	n = readlink("/proc/self/exe", root, 4095);
	root[n < 0 ? 0 : n] = '\0';
	for (up = 0; up < 3; up++) {
		slash = strrchr(root, '/');
		if (slash)
			*slash = '\0';
	}
	strcat(root, "/tests/vectors");
	return root;
}

/* A file of tests/vectors/DIRECTORY ("." for tests/vectors itself). */
static FILE *vector_open(const char *directory, const char *name)
{
	char path[4096 + 512];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s/%s", vector_root(), directory, name);
	in = fopen(path, "rb");
	if (!in)
		fail_msg("cannot open %s", path);
	return in;
}

/* All of it, at most max bytes; the caller frees *out, which is exactly as
 * large, so that a sanitizer sees a read past it. */
static inline size_t vector_file(const char *directory, const char *name, size_t max, uint8_t **out)
{
	FILE *in = vector_open(directory, name);
	size_t n;

	*out = malloc(max);
	assert_non_null(*out);
	n = fread(*out, 1, max, in);
	fclose(in);
	*out = realloc(*out, n ? n : 1);
	assert_non_null(*out);
	return n;
}

/* The next line that is no comment, as n fields with tabs between; false at the
 * end.  Valid until the next call. */
static inline bool vector_line(FILE *in, char **field, unsigned n)
{
	static char *line;
	static size_t size;
	char *rest;
	unsigned i;

	do {
		if (getline(&line, &size, in) < 0) {
			free(line);
			line = NULL;
			size = 0;
			return false;
		}
		line[strcspn(line, "\n")] = '\0';
	} while (line[0] == '#' || line[0] == '\0');
	rest = line;
	for (i = 0; i < n; i++) {
		field[i] = strsep(&rest, "\t");
		assert_non_null(field[i]);
	}
	assert_null(rest);
	return true;
}

static inline void vector_hex(const char *hex, uint8_t *out, size_t n)
{
	unsigned byte;
	size_t i;

	assert_int_equal(strlen(hex), 2 * n);
	for (i = 0; i < n; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
}

#endif
