/*
 * json/locked.h - locked memory for jansson while it parses text with a secret:
 * excluded from core dumps, and wiped as a whole.
 */
#ifndef JSON_LOCKED_H
#define JSON_LOCKED_H

#include <stddef.h>

struct failure;

/*
 * From now until js_locked_end(), jansson allocates from `room` bytes of locked
 * memory, in the whole process; calls cannot be nested.  Nothing is freed before
 * that, so a text needs many times its length; when the room is used up, jansson
 * reports that it is out of memory.  Returns 0, or -1 with FAIL_NOT_LOCKED_MEM in f
 * (which may be NULL), and jansson allocates as before.
 */
int js_locked_begin(size_t room, struct failure *f);

/*
 * Wipe and unmap that memory; jansson uses malloc and free again.  Values that were
 * allocated since js_locked_begin() are gone: they must not be used or freed.  Does
 * nothing without a js_locked_begin().
 */
void js_locked_end(void);

/* Room that is enough to parse n bytes of JSON, unless most of them are tiny objects. */
size_t js_locked_room(size_t n);

#endif
