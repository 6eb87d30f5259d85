/*
 * json/locked.h - jansson's memory while what it parses holds a secret: locked,
 * in no core dump, wiped as a whole.
 */
#ifndef JSON_LOCKED_H
#define JSON_LOCKED_H

#include <stddef.h>

struct failure;

/*
 * Until js_locked_end(), jansson allocates from `room` bytes of locked memory
 * (of the whole process; not nested).  Nothing is given back before that, so a
 * text that is parsed needs many times its length; when the room is used up,
 * jansson reports that it is out of memory.  Returns 0, or -1 with
 * FAIL_NOT_LOCKED_MEM in f (which may be NULL), and jansson allocates as before.
 */
int js_locked_begin(size_t room, struct failure *f);

/*
 * Wipe and unmap it; jansson uses malloc and free again.  Values that were
 * allocated since js_locked_begin() are gone and must not even be freed.  Does
 * nothing when nothing was begun.
 */
void js_locked_end(void);

/* Enough room to parse n bytes of JSON once, unless most of it is tiny objects. */
size_t js_locked_room(size_t n);

#endif
