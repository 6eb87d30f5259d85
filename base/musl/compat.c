/*
 * base/musl/compat.c - glibc symbols that Debian's static libmsgpackc, libinih
 * and libjansson refer to and musl does not (or no longer) define.
 *
 * The checked variants only add a check of the buffer's size, which here is
 * passed on.  The 64 in fopen64 is what musl always does.  Debian 13's glibc
 * compiles strtoll as __isoc23_strtoll, which also reads a 0b prefix in base 2
 * or 0; libjansson reads base 10.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __snprintf_chk(char *out, size_t n, int flag, size_t size, const char *fmt, ...);
int __vsnprintf_chk(char *out, size_t n, int flag, size_t size, const char *fmt, va_list ap);
int __fprintf_chk(FILE *f, int flag, const char *fmt, ...);
char *__strncpy_chk(char *to, const char *from, size_t n, size_t size);
FILE *compat_fopen64(const char *path, const char *mode) __asm__("fopen64");
long long __isoc23_strtoll(const char *s, char **end, int base);

int __snprintf_chk(char *out, size_t n, int flag, size_t size, const char *fmt, ...)
{
	va_list ap;
	int r;

	(void)flag;
	va_start(ap, fmt);
	r = vsnprintf(out, n < size ? n : size, fmt, ap);
	va_end(ap);
	return r;
}

int __vsnprintf_chk(char *out, size_t n, int flag, size_t size, const char *fmt, va_list ap)
{
	(void)flag;
	return vsnprintf(out, n < size ? n : size, fmt, ap);
}

char *__strncpy_chk(char *to, const char *from, size_t n, size_t size)
{
	return strncpy(to, from, n < size ? n : size);
}

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
	va_list ap;
	int r;

	(void)flag;
	va_start(ap, fmt);
	r = vfprintf(f, fmt, ap);
	va_end(ap);
	return r;
}

FILE *compat_fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}

long long __isoc23_strtoll(const char *s, char **end, int base)
{
	return strtoll(s, end, base);
}
