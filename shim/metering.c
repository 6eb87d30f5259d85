/*
 * shim/metering.c - the project and the prices of a session.
 */
#include "shim/metering.h"

#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/utf8.h"
#include "config/provider/provider.h"
#include "wire/pack.h"

/* The working directory: of a long one the end, which tells projects apart.  One whose
 * name no terminal should show has none. */
static void put_project(struct wire_out *o)
{
	char path[PATH_SIZE];
	const char *from = path;
	size_t i, n;

	if (!getcwd(path, sizeof(path)))
		return;
	n = strlen(path);
	if (!utf8_valid(path, n))
		return;
	for (i = 0; i < n; i++)
		if (utf8_control(path + i, n - i))
			return;
	if (n > PROJECT_MAX_LEN)
		for (from = path + n - PROJECT_MAX_LEN; utf8_is_continuation(*from); from++)
			;
	wire_put_str(o, "project", from);
}

void metering_put(struct wire_out *o, const struct provider *p)
{
	unsigned i;
	int kind;

	put_project(o);
	wire_begin_array(o, "prices");
	for (i = 0; i < p->prices; i++) {
		wire_begin_item(o);
		wire_put_str(o, "model", p->price[i].model);
		for (kind = 0; kind < TOKEN_KINDS; kind++)
			if (p->price[i].prices.known[kind])
				wire_put_uint(o, token_kind_name((enum token_kind)kind),
					      p->price[i].prices.per_million[kind]);
	}
	wire_end_array(o);
}
