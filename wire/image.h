/*
 * wire/image.h - what the name of a program led to: the image that ccrun executes.  ccrun
 * says it with `open`, the vault keeps that of the last launch.
 */
#ifndef WIRE_IMAGE_H
#define WIRE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "wire/limits.h"

struct failure;
struct wire_map;
struct wire_out;

#define IMAGE_PATH_MAX 1024    /* bytes; of a longer one nothing can be kept */
#define IMAGE_IDENTITY_MAX 320 /* a word of digits, '.', ':' and '+' */
#define IMAGE_DIGEST_HEX 64
#define IMAGE_BYTES_MAX (2048ll * 1024 * 1024) /* of all its files; a client has 250 MiB */
#define IMAGE_TEXT 512			       /* image_describe */

/* One file of it. */
struct image_file {
	char path[IMAGE_PATH_MAX + 1]; /* where it was found */
	char file[IMAGE_PATH_MAX + 1]; /* what that is without symbolic links */
	uint64_t owner;		       /* uid */
};

struct image {
	char name[NAME_MAX_LEN + 1]; /* what was looked for in PATH */
	struct image_file program;
	struct image_file interpreter; /* of a script; else its path is "" */
	/* Which files these are: device, inode, size and time of change of each. */
	char identity[IMAGE_IDENTITY_MAX + 1];
	/* BLAKE2b-256 of their bytes, one behind the other; "" where it is not said. */
	char digest[IMAGE_DIGEST_HEX + 1];
};

/* Can it be one: names and paths without control characters, absolute paths, the digits of
 * identity and digest? */
bool image_ok(const struct image *i);

/* An array of one map; wire_end_array goes before the next key of the message. */
void wire_put_image(struct wire_out *o, const char *key, const struct image *i);

/* 0, or -1 with FAIL_WRONG_TYPE, FAIL_TOO_LARGE, FAIL_BAD_VALUE. */
int wire_get_image(struct wire_map m, const char *key, struct image *out, struct failure *f);

/* For a person: "program /a/claude (/b/2.1.330) of uid 1000", or "script ... run by ...". */
void image_describe(const struct image *i, char out[IMAGE_TEXT]);

#endif
