/*
 * broker/relay_headers.c - headers that a provider's file says.
 */
#include "broker/relay_headers.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "wire/names.h"
#include "wire/pack.h"

#define PREFIX "header:"

int relay_headers_take(char out[HEADERS_MAX_LEN + 1], const uint8_t *lines, size_t n,
		       struct failure *f)
{
	const size_t prefix = strlen(PREFIX);
	const uint8_t *end;
	size_t used = 0, len;

	out[0] = '\0';
	for (; n > 0; lines += len, n -= len) {
		end = memchr(lines, '\n', n);
		len = end ? (size_t)(end - lines) + 1 : n;
		if (len <= prefix || memcmp(lines, PREFIX, prefix) != 0)
			continue;
		if (!end || memchr(lines, '\0', len))
			return fail_set(f, FAIL_BAD_VALUE, NULL,
					"a header has no end, or a NUL in it");
		if (len > HEADERS_MAX_LEN - used)
			return fail_set(f, FAIL_TOO_LARGE, NULL,
					"the headers have more than %d bytes", HEADERS_MAX_LEN);
		memcpy(out + used, lines, len);
		used += len;
		out[used] = '\0';
	}
	return 0;
}

void relay_headers_text(char out[HEADERS_MAX_LEN + 1], const char *lines)
{
	const char *name, *equals, *end;
	size_t used = 0;

	out[0] = '\0';
	for (; *lines; lines = end + 1) {
		name = lines + strlen(PREFIX);
		end = strchr(lines, '\n');
		equals = memchr(name, '=', (size_t)(end - name));
		if (!equals)
			continue;
		/* It is shorter than the line that it is made from. */
		used += (size_t)snprintf(out + used, HEADERS_MAX_LEN + 1 - used, "%s%.*s: %.*s",
					 used ? "\n" : "", (int)(equals - name), name,
					 (int)(end - equals - 1), equals + 1);
	}
}

/* One line, without its newline. */
static int put_line(struct wire_out *o, const char *line, size_t n, struct failure *f)
{
	const char *equals = memchr(line, '=', n);
	char name[HEADER_NAME_MAX + 1], value[HEADER_VALUE_MAX + 1];
	size_t name_n, value_n;

	if (!equals)
		goto bad;
	line += strlen(PREFIX);
	name_n = (size_t)(equals - line);
	value_n = n - strlen(PREFIX) - name_n - 1;
	if (equals < line || name_n > HEADER_NAME_MAX || value_n > HEADER_VALUE_MAX)
		goto bad;
	memcpy(name, line, name_n);
	name[name_n] = '\0';
	memcpy(value, equals + 1, value_n);
	value[value_n] = '\0';
	if (!wire_header_ok(name))
		goto bad;
	wire_begin_item(o);
	wire_put_str(o, "name", name);
	wire_put_str(o, "value", value);
	return 0;
bad:
	return fail_set(f, FAIL_BAD_VALUE, NULL, "a header that is none");
}

int relay_headers_put(struct wire_out *o, const char *lines, struct failure *f)
{
	const char *end;

	wire_begin_array(o, "added");
	for (; *lines; lines = end + 1) {
		end = strchr(lines, '\n');
		if (put_line(o, lines, (size_t)(end - lines), f) != 0)
			return -1;
	}
	wire_end_array(o);
	return 0;
}
