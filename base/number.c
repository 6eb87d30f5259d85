/*
 * base/number.c - reading a whole number strictly.
 */
#include "base/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool number_parse(const char *text, unsigned long least, unsigned long most, unsigned long *out)
{
	int before = errno, wrong;
	unsigned long n;

	/* strtoul takes signs and blanks. */
	if (!text[0] || text[strspn(text, "0123456789")] != '\0')
		return false;
	errno = 0;
	n = strtoul(text, NULL, 10);
	wrong = errno;
	errno = before;
	if (wrong != 0 || n < least || n > most)
		return false;
	*out = n;
	return true;
}

int number_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
