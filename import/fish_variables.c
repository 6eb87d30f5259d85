/*
 * import/fish_variables.c - fish's universal variables.  fish writes the file, a line
 * each: SETUVAR --export NAME:value, with \xHH for what is no plain character.
 */
#include "import/fish_variables.h"

#include <string.h>

#include "base/fail.h"

static const char begins[] = "SETUVAR ";

static int hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c | ' ') : NULL;

	return p ? (int)(p - digits) : -1;
}

/* In place, as it gets no longer.  False: a list, or not what fish writes. */
static bool value_decode(char *p, size_t *n)
{
	size_t i, k = 0;

	for (i = 0; i < *n; i++, k++) {
		p[k] = p[i];
		if (p[i] != '\\')
			continue;
		if (*n - i < 4 || p[i + 1] != 'x' || hex(p[i + 2]) < 0 || hex(p[i + 3]) < 0)
			return false;
		p[k] = (char)(hex(p[i + 2]) << 4 | hex(p[i + 3]));
		if (p[k] < ' ') /* \x1e divides the elements of a list */
			return false;
		i += 3;
	}
	*n = k;
	return true;
}

static int line_read(struct assignments *r, char *p, size_t n, unsigned line, struct failure *f)
{
	struct assignment *a;
	char *name = p + sizeof(begins) - 1, *end = p + n;
	size_t k;

	if (n < sizeof(begins) || memcmp(p, begins, sizeof(begins) - 1) != 0)
		return 0;
	while (name < end && *name == '-' && memchr(name, ' ', (size_t)(end - name)))
		name = (char *)memchr(name, ' ', (size_t)(end - name)) + 1;
	k = variable_name_length(name, (size_t)(end - name));
	if (k == 0 || k > VARIABLE_MAX_LEN || name + k >= end || name[k] != ':')
		return 0;
	a = assignments_add(r, name, k, f);
	if (!a)
		return -1;
	a->line = line;
	p = name + k + 1;
	n = (size_t)(end - p);
	a->kind = VALUE_DYNAMIC;
	return value_decode(p, &n) ? assignments_set_text(r, a, p, n, f) : 0;
}

int fish_variables_parse(const struct locked_text *t, struct assignments *r, struct failure *f)
{
	struct locked_text copy = { 0 };
	unsigned line = 1;
	size_t at, n;
	int ret = 0;

	if (assignments_begin(r, t->n + 16, f) != 0 || locked_text_new(&copy, t->n, f) != 0)
		return -1;
	memcpy(copy.p, t->p, t->n);
	for (at = 0; ret == 0 && at < t->n; at += n + 1, line++) {
		const char *end = memchr(copy.p + at, '\n', t->n - at);

		n = end ? (size_t)(end - copy.p) - at : t->n - at;
		ret = line_read(r, copy.p + at, n, line, f);
	}
	locked_text_free(&copy);
	return ret;
}
