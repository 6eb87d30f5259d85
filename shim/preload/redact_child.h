/*
 * redact_child.h - taking the secrets out of a child's arguments and environment.
 *
 * For vfork children, on the parent's stack and in its memory: nothing here
 * allocates, locks or writes, but into the memory that it is given.
 */
#ifndef SHIM_PRELOAD_REDACT_CHILD_H
#define SHIM_PRELOAD_REDACT_CHILD_H

#include <stddef.h>

struct exec_image;

/* Bytes that redact_child needs for this image. */
size_t redact_child_size(const struct exec_image *in);

/*
 * Fill out with what the child may see of in:
 *   path, arguments: every secret in them overwritten with x;
 *   environment: without the variables that are or contain a secret and those of
 *   ccrun, and with what the user had in their place (CCRUN_SAVED_*).
 * An image that keeps the session gets ccrun's variables instead of the saved ones.
 * out points into in and into mem (size bytes, aligned for pointers).  0, or -1
 * when mem is too small.
 */
int redact_child(const struct exec_image *in, void *mem, size_t size, struct exec_image *out);

#endif
