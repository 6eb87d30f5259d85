/*
 * display/normal.c - Unicode's normal forms, in memory of the caller's.
 */
#include "display/normal.h"

#include <string.h>

#include <utf8proc.h>

_Static_assert(sizeof(utf8proc_int32_t) == sizeof(int32_t), "a character of utf8proc's");

/* utf8proc_NFC would do it on the heap. */
ssize_t text_normalise(enum text_form form, const uint8_t *text, size_t n, int32_t *room,
		       size_t characters)
{
	const utf8proc_option_t how =
		UTF8PROC_STABLE | (form == TEXT_COMPOSED ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE);
	utf8proc_ssize_t count, length = -1;

	/* More than fits is counted, but not written.  One more is for utf8proc_reencode's NUL. */
	count = utf8proc_decompose(text, (utf8proc_ssize_t)n, room,
				   (utf8proc_ssize_t)characters - 1, how);
	if (count >= 0 && (size_t)count < characters)
		length = utf8proc_reencode(room, count, how);
	if (length < 0) {
		memset(room, 0, characters * sizeof(*room));
		return -1;
	}
	return length;
}
