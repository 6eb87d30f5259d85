/*
 * base/fail.c - failures, with one table of their wire names and exit codes.
 */
#include "base/fail.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/shell_word.h"
#include "base/utf8.h"

static const struct {
	const char *name;
	int exit;
} codes[FAIL_CODE_COUNT] = {
	[FAIL_NONE] = { "none", EXIT_DONE },
	[FAIL_INTERNAL] = { "internal", EXIT_FAILED },
	[FAIL_USAGE] = { "usage", EXIT_USAGE },
	[FAIL_SYSTEM] = { "system", EXIT_FAILED },
	[FAIL_NO_MEMORY] = { "no-memory", EXIT_FAILED },
	[FAIL_LOCKED] = { "locked", EXIT_LOCKED },
	[FAIL_NO_VAULT] = { "no-vault", EXIT_NO_SUCH },
	[FAIL_NO_ENTRY] = { "no-entry", EXIT_NO_SUCH },
	[FAIL_NO_VALUE] = { "no-value", EXIT_FAILED },
	[FAIL_EXISTS] = { "exists", EXIT_FAILED },
	[FAIL_CHANGED] = { "changed", EXIT_FAILED },
	[FAIL_WRONG_KEY] = { "wrong-key", EXIT_REFUSED },
	[FAIL_DAMAGED] = { "damaged", EXIT_FAILED },
	[FAIL_TRUNCATED] = { "truncated", EXIT_FAILED },
	[FAIL_NEWER] = { "newer", EXIT_FAILED },
	[FAIL_KDF_BOUNDS] = { "kdf-bounds", EXIT_FAILED },
	[FAIL_ORIGIN] = { "origin", EXIT_REFUSED },
	[FAIL_POLICY] = { "policy", EXIT_REFUSED },
	[FAIL_IMAGE] = { "image", EXIT_FAILED },
	[FAIL_PERSON] = { "person", EXIT_REFUSED },
	[FAIL_CONFIRM] = { "confirm", EXIT_FAILED },
	[FAIL_MARKED] = { "marked", EXIT_REFUSED },
	[FAIL_PEER] = { "peer", EXIT_REFUSED },
	[FAIL_POSTURE] = { "posture", EXIT_REFUSED },
	[FAIL_BUSY] = { "busy", EXIT_FAILED },
	[FAIL_IN_USE] = { "in-use", EXIT_FAILED },
	[FAIL_TIMEOUT] = { "timeout", EXIT_FAILED },
	[FAIL_MALFORMED] = { "malformed", EXIT_FAILED },
	[FAIL_DUPLICATE_KEY] = { "duplicate-key", EXIT_FAILED },
	[FAIL_TRAILING_BYTES] = { "trailing-bytes", EXIT_FAILED },
	[FAIL_WRONG_TYPE] = { "wrong-type", EXIT_FAILED },
	[FAIL_UNKNOWN_OP] = { "unknown-op", EXIT_FAILED },
	[FAIL_TOO_LARGE] = { "too-large", EXIT_FAILED },
	[FAIL_BAD_VALUE] = { "bad-value", EXIT_FAILED },
	[FAIL_UNSAFE_PATH] = { "unsafe-path", EXIT_REFUSED },
	[FAIL_CONFIG] = { "config", EXIT_FAILED },
	[FAIL_SOURCE] = { "source", EXIT_FAILED },
	[FAIL_PROGRAM] = { "program", EXIT_FAILED },
	[FAIL_DECLINED] = { "declined", EXIT_FAILED },
	[FAIL_NO_BROKER] = { "no-broker", EXIT_FAILED },
	[FAIL_NOT_LOCKED_MEM] = { "not-locked-memory", EXIT_REFUSED },
};

void fail_sanitize(char *s)
{
	size_t n = strlen(s);
	char *to = s;
	unsigned len;
	uint32_t c;

	for (; n; s += len, n -= len) {
		/* A byte that is no UTF-8 stays as it is: it may be a path's. */
		len = utf8_decode(s, n, &c);
		if (len && utf8_misleads(c)) {
			*to++ = '?';
			continue;
		}
		len = len ? len : 1;
		memmove(to, s, len);
		to += len;
	}
	*to = '\0';
}

/* After f->what is written: the rest.  Returns -1. */
static int failure_finish(struct failure *f, enum fail_code code, const char *hint)
{
	if (f) {
		f->code = code;
		fail_sanitize(f->what);
		snprintf(f->hint, sizeof(f->hint), "%s", hint ? hint : "");
		fail_sanitize(f->hint);
	}
	return -1;
}

int fail_set(struct failure *f, enum fail_code code, const char *hint, const char *fmt, ...)
{
	va_list ap;

	if (f) {
		va_start(ap, fmt);
		vsnprintf(f->what, sizeof(f->what), fmt, ap);
		va_end(ap);
	}
	return failure_finish(f, code, hint);
}

int fail_errno(struct failure *f, const char *hint, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t n;

	if (f) {
		va_start(ap, fmt);
		vsnprintf(f->what, sizeof(f->what), fmt, ap);
		va_end(ap);
		n = strlen(f->what);
		snprintf(f->what + n, sizeof(f->what) - n, ": %s", strerror(saved));
	}
	failure_finish(f, FAIL_SYSTEM, hint);
	errno = saved;
	return -1;
}

/* What stands for the conversion at *fmt, behind its '%', into out; *fmt is moved on to its last
 * character.  False: it does not fit, or is no word. */
static bool hint_piece(char *out, size_t size, const char **fmt, va_list *ap)
{
	const char *text;

	if (**fmt == 'u')
		return snprintf(out, size, "%u", va_arg(*ap, unsigned)) < (int)size;
	if (**fmt == 'd')
		return snprintf(out, size, "%d", va_arg(*ap, int)) < (int)size;
	if (strncmp(*fmt, "llu", 3) == 0) {
		*fmt += 2;
		return snprintf(out, size, "%llu", va_arg(*ap, unsigned long long)) < (int)size;
	}
	/* MUST: any other is no text that could be read here; tools/hints refuses it. */
	if (**fmt != 's')
		return false;
	text = va_arg(*ap, const char *);
	out[0] = '\0';
	return !text[0] || shell_word(text, out, size);
}

static bool hint_put(char *out, size_t size, const char *fmt, va_list *ap)
{
	size_t n = 0;

	for (; *fmt; fmt++) {
		if (n + 1 >= size)
			return false;
		if (*fmt != '%') {
			out[n++] = *fmt;
			continue;
		}
		fmt++;
		if (!hint_piece(out + n, size - n, &fmt, ap))
			return false;
		n += strlen(out + n);
	}
	out[n] = '\0';
	return true;
}

void fail_hint_list(struct failure *f, const char *fmt, va_list ap)
{
	va_list copy;
	bool whole;

	if (!f)
		return;
	va_copy(copy, ap);
	whole = hint_put(f->hint, sizeof(f->hint), fmt, &copy);
	va_end(copy);
	if (!whole)
		fail_hint_text(f, "nothing can be named for it: a name in it is too long, or has "
				  "characters that do not show");
}

void fail_hint(struct failure *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_hint_list(f, fmt, ap);
	va_end(ap);
}

void fail_hint_add(struct failure *f, const char *fmt, ...)
{
	static const char rest[] = " ...";
	size_t n, room;
	va_list ap;

	if (!f)
		return;
	n = strlen(f->hint);
	room = sizeof(f->hint) - n;
	if (room < sizeof(rest) ||
	    (n >= sizeof(rest) - 1 && strcmp(f->hint + n - (sizeof(rest) - 1), rest) == 0))
		return;
	va_start(ap, fmt);
	if (!hint_put(f->hint + n, room - (sizeof(rest) - 1), fmt, &ap))
		memcpy(f->hint + n, rest, sizeof(rest));
	va_end(ap);
}

void fail_hint_text(struct failure *f, const char *text)
{
	if (!f)
		return;
	snprintf(f->hint, sizeof(f->hint), "%s", text);
	fail_sanitize(f->hint);
}

const char *fail_name(enum fail_code code)
{
	if ((int)code < 0 || code >= FAIL_CODE_COUNT)
		return "internal";
	return codes[code].name;
}

enum fail_code fail_from_name(const char *name)
{
	int i;

	for (i = 1; i < FAIL_CODE_COUNT; i++)
		if (strcmp(codes[i].name, name) == 0)
			return (enum fail_code)i;
	return FAIL_INTERNAL;
}

int fail_exit_code(const struct failure *f)
{
	if ((int)f->code <= 0 || f->code >= FAIL_CODE_COUNT)
		return EXIT_FAILED;
	return codes[f->code].exit;
}

void fail_print(const char *prog, const struct failure *f)
{
	fprintf(stderr, "%s: %s\n", prog, f->what);
	if (f->hint[0])
		fprintf(stderr, "hint: %s\n", f->hint);
}

int fail_unpack(struct failure *f, const char *p, size_t n)
{
	const char *texts[3] = { "", "", "" };
	size_t at = 0, len;
	int i;

	for (i = 0; i < 3 && at < n; i++) {
		len = strnlen(p + at, n - at);
		if (len == n - at)
			break;
		texts[i] = p + at;
		at += len + 1;
	}
	return fail_set(f, fail_from_name(texts[0]), texts[2], "%s", texts[1]);
}
