/*
 * client/allow_list.c - printing the pins that were allowed.
 */
#include "client/allow_list.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/output.h"
#include "config/project/allowed_pins.h"
#include "config/project/project.h"
#include "json/output.h"

#define STATE_WIDTH 7 /* of "changed" */

struct listing {
	bool json;
	struct json_t *array;
	unsigned lines;
};

/* Is the file still what was allowed? */
static const char *pin_state(const char *path, const char *text)
{
	static struct project now;

	if (project_read(path, &now, NULL) != 0)
		return now.path[0] && now.n > 0 ? "changed" : "gone";
	return strcmp(now.text, text) == 0 ? "same" : "changed";
}

static void line_put_json(struct listing *l, const char *path, const char *inside,
			  const char *state, const struct project *p)
{
	struct json_t *o = js_object();

	js_text(o, inside ? "repository" : "path", path);
	if (inside)
		js_text(o, "inside", inside);
	js_text(o, "provider", p->provider);
	js_text(o, "mode", p->mode[0] ? p->mode : NULL);
	if (!inside)
		js_text(o, "state", state);
	js_append(l->array, o);
}

static int line_put(void *arg, const char *path, const char *inside, const char *text,
		    struct failure *f)
{
	static struct project p;
	struct listing *l = arg;
	const char *state = inside ? "" : pin_state(path, text);
	char named[2 * NAME_MAX_LEN + 2];

	(void)f;
	memset(&p, 0, sizeof(p));
	snprintf(p.path, sizeof(p.path), "%s", path);
	p.n = strlen(text);
	memcpy(p.text, text, p.n + 1);
	/* What this version does not understand has no provider's name to show. */
	if (project_parse(&p, NULL) != 0)
		strcpy(p.provider, "?");
	l->lines++;
	if (l->json) {
		line_put_json(l, path, inside, state, &p);
		return 0;
	}
	snprintf(named, sizeof(named), "%s%s%s", p.provider, p.mode[0] ? ":" : "", p.mode);
	put_cell(named, 16);
	put_cell(state, STATE_WIDTH);
	put_foreign(inside ? inside : path);
	if (inside) {
		put_plain(" in every work tree of ");
		put_foreign(path);
	}
	putchar('\n');
	return 0;
}

int allow_list(bool json, struct failure *f)
{
	struct listing l = { .json = json };

	if (json)
		l.array = js_array();
	if (allowed_each(line_put, &l, f) != 0) {
		js_free(l.array);
		return -1;
	}
	if (json)
		return js_print(l.array, f);
	if (l.lines == 0)
		say("no project is allowed");
	return 0;
}
