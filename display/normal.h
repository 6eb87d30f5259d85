/*
 * display/normal.h - one form for text that keyboards write in two: ü as one character, or
 * as u with a mark behind it (Unicode's normal forms C and D).
 */
#ifndef DISPLAY_NORMAL_H
#define DISPLAY_NORMAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Characters that text_normalise needs for n bytes: taken apart, two bytes are at most three
 * characters, and one more is for the end. */
#define NORMAL_ROOM(n) (2 * (size_t)(n) + 2)

enum text_form {
	TEXT_COMPOSED,	/* ü is one character: form C */
	TEXT_DECOMPOSED /* ... and two: form D */
};

/*
 * Bring n bytes of UTF-8 into a normal form, in room, which has at least NORMAL_ROOM(n)
 * characters; the bytes are left at its beginning.  Nothing is kept anywhere else, so the
 * text may be a secret where room is locked.  Returns their number; -1, with room zeroed,
 * when it is not UTF-8.
 */
ssize_t text_normalise(enum text_form form, const uint8_t *text, size_t n, int32_t *room,
		       size_t characters);

#endif
