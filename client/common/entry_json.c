/*
 * client/common/entry_json.c - an entry of the vault as JSON.
 */
#include "client/common/entry_json.h"

#include "client/common/entries.h"
#include "json/output.h"

struct json_t *entry_json(const struct listed *e)
{
	struct json_t *o = js_object();

	js_text(o, "name", e->name);
	js_text(o, "origin", e->origin);
	js_text(o, "variable", e->variable);
	js_text(o, "policy", e->policy);
	js_text(o, "confirm", entry_confirm(e));
	js_time(o, "created", e->created);
	js_time(o, "changed", e->changed);
	js_time(o, "used", e->used);
	js_text(o, "source", e->has_source ? e->source.ref : NULL);
	js_text(o, "command", e->has_source ? e->source.command : NULL);
	js_text(o, "pick", e->has_source ? e->source.pick : NULL);
	js_bool(o, "fetched", e->fetched);
	return o;
}
