/*
 * wire/names.c - the syntax of names, variables and tokens.
 */
#include "wire/names.h"

#include <string.h>

#include "base/fail.h"
#include "wire/limits.h"

static bool is_alnum_ascii(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool wire_name_ok(const char *name)
{
	size_t i, n = strnlen(name, NAME_MAX_LEN + 1);

	if (n == 0 || n > NAME_MAX_LEN || !is_alnum_ascii(name[0]))
		return false;
	for (i = 1; i < n; i++)
		if (!is_alnum_ascii(name[i]) && !strchr("._-", name[i]))
			return false;
	return true;
}

bool wire_variable_ok(const char *name)
{
	size_t i, n = strnlen(name, VARIABLE_MAX_LEN + 1);

	if (n == 0 || n > VARIABLE_MAX_LEN || (name[0] >= '0' && name[0] <= '9'))
		return false;
	for (i = 0; i < n; i++)
		if (!is_alnum_ascii(name[i]) && name[i] != '_')
			return false;
	return true;
}

const char *wire_carrier_header(const char *name)
{
	static const char prefix[] = "header:";

	return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : NULL;
}

/* How many of the bytes at s a header's name has, from its beginning. */
static size_t header_span(const char *s)
{
	size_t n = 0;

	while (s[n] == '-' || (is_alnum_ascii(s[n]) && !(s[n] >= 'A' && s[n] <= 'Z')))
		n++;
	return s[0] == '-' ? 0 : n;
}

bool wire_header_ok(const char *name)
{
	size_t n = header_span(name);

	return n > 0 && n <= HEADER_NAME_MAX && name[n] == '\0';
}

bool wire_carrier_ok(const char *name)
{
	const char *header = wire_carrier_header(name), *scheme;
	size_t n, i;

	if (!header)
		return wire_variable_ok(name);
	n = header_span(header);
	if (n == 0 || strnlen(name, VARIABLE_MAX_LEN + 1) > VARIABLE_MAX_LEN)
		return false;
	if (header[n] == '\0')
		return true;
	scheme = header + n + 1;
	for (i = 0; is_alnum_ascii(scheme[i]) || (i && scheme[i] == '-'); i++)
		;
	return header[n] == ':' && i > 0 && scheme[i] == '\0' &&
	       !(scheme[0] >= '0' && scheme[0] <= '9');
}

bool wire_carriers_collide(const char *a, const char *b)
{
	size_t n;

	a = wire_carrier_header(a);
	b = wire_carrier_header(b);
	if (!a || !b)
		return false;
	n = header_span(a);
	return n == header_span(b) && memcmp(a, b, n) == 0;
}

int wire_token_check(const uint8_t *p, size_t n, struct failure *f)
{
	size_t i;

	if (n == 0)
		return fail_set(f, FAIL_BAD_VALUE, "paste the key as the provider shows it",
				"the token is empty");
	if (n > TOKEN_MAX)
		return fail_set(f, FAIL_TOO_LARGE, "is this really a token, and not a file?",
				"the token has %zu bytes, the limit is %d", n, TOKEN_MAX);
	if (n < 8)
		return fail_set(
			f, FAIL_BAD_VALUE, "paste the key as the provider shows it",
			"the token has %zu bytes; below 8 it cannot be told from ordinary text", n);
	for (i = 0; i < n; i++) {
		if (p[i] == '\n' || p[i] == '\r')
			return fail_set(f, FAIL_BAD_VALUE, "a token is one line",
					"the token has a line break at byte %zu", i + 1);
		if (p[i] == 0)
			return fail_set(f, FAIL_BAD_VALUE, NULL, "the token has a NUL at byte %zu",
					i + 1);
		if (p[i] == ' ')
			return fail_set(f, FAIL_BAD_VALUE, "paste the key alone",
					"the token has a blank at character %zu", i + 1);
		if (p[i] < ' ' || p[i] > '~')
			return fail_set(f, FAIL_BAD_VALUE,
					"a token is printable ASCII without spaces",
					"the token has a byte at %zu that no HTTP header can carry",
					i + 1);
	}
	return 0;
}
