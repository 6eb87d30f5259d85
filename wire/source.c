/*
 * wire/source.c - the source of a token, on the wire.
 */
#include "wire/source.h"

#include "base/fail.h"
#include "wire/pack.h"

static int get_nonempty_text(struct wire_map m, const char *key, char *out, size_t size,
			     struct failure *f)
{
	if (wire_get_text(m, key, out, size, f) != 0)
		return -1;
	return out[0] ? 0 : fail_set(f, FAIL_BAD_VALUE, NULL, "'%s' is empty", key);
}

void wire_put_source(struct wire_out *o, const struct entry_source *s)
{
	wire_put_str(o, "source", s->ref);
	wire_put_str(o, "command", s->command);
	wire_put_str(o, "pick", s->pick);
}

int wire_get_source(struct wire_map m, struct entry_source *s, bool *there, struct failure *f)
{
	if (there) {
		*there = wire_has(m, "source");
		if (!*there)
			return 0;
	}
	if (get_nonempty_text(m, "source", s->ref, sizeof(s->ref), f) != 0 ||
	    get_nonempty_text(m, "command", s->command, sizeof(s->command), f) != 0)
		return -1;
	return get_nonempty_text(m, "pick", s->pick, sizeof(s->pick), f);
}
