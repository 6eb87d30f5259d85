/*
 * broker/renewal.c - processes that fetch tokens when they are asked.
 */
#include "broker/renewal.h"

#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "broker/broker.h"
#include "broker/fields.h"
#include "broker/relay.h"
#include "vault/entries.h"
#include "wire/pack.h"

/* Until a process that was asked waits again: a manager without a terminal has 30 s. */
#define TOLD_DEADLINE_MS 90000

bool renewal_is_fetching(const struct broker *b, const struct tenant *t, const char *name,
			 const struct connection *c)
{
	const struct connection *other;
	unsigned i;

	for (i = 0; i < b->places; i++) {
		other = &b->connection[i];
		if (other->fd >= 0 && other != c && other->tenant == t &&
		    strcmp(other->fetching_token_of, name) == 0)
			return true;
	}
	return false;
}

static bool renewer_has(const struct renewer *r, const char *name)
{
	unsigned i;

	for (i = 0; i < r->names; i++)
		if (strcmp(r->name[i], name) == 0)
			return true;
	return false;
}

bool renewal_possible(const struct broker *b, const struct tenant *t, const char *name)
{
	unsigned i;

	for (i = 0; i < b->places; i++)
		if (b->connection[i].fd >= 0 && b->connection[i].tenant == t &&
		    renewer_has(&b->connection[i].renewer, name))
			return true;
	return false;
}

static void renewer_tell(struct connection *c, const char *name)
{
	memcpy(c->renewer.told, name, strlen(name) + 1);
	c->renewer.waiting = false;
	c->deadline = clock_now_ms() + TOLD_DEADLINE_MS;
}

/* Answer the deferred source-wait.  One that is gone is dropped by the loop, which hears
 * of it; false then. */
static bool renewer_answer(struct connection *c, const char *name)
{
	struct wire_out *o = wire_ok();
	int r;

	wire_put_str(o, "name", name);
	r = wire_send(c->fd, o, -1);
	wire_out_free(o);
	if (r == 0)
		renewer_tell(c, name);
	else
		memset(&c->renewer, 0, sizeof(c->renewer));
	return r == 0;
}

bool renewal_ask(struct broker *b, const struct tenant *t, const char *name)
{
	struct connection *c, *idle = NULL;
	bool busy = false;
	unsigned i;

	for (i = 0; i < b->places; i++) {
		c = &b->connection[i];
		if (c->fd < 0 || c->tenant != t || !renewer_has(&c->renewer, name))
			continue;
		if (strcmp(c->renewer.told, name) == 0)
			return true;
		if (!c->renewer.waiting)
			busy = true; /* it is told when it waits again: renewal_wait */
		else if (!idle)
			idle = c;
	}
	if (renewal_is_fetching(b, t, name, NULL))
		return true;
	return (idle && renewer_answer(idle, name)) || busy;
}

int renewal_join(struct connection *c, struct wire_map m, struct failure *f)
{
	struct renewer r = { .names = 0 };
	struct wire_map item;
	unsigned i, n;

	if (wire_get_array(m, "names", &n, f) != 0)
		return -1;
	if (n == 0 || n > SESSION_ENTRIES_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "1 to %d names", SESSION_ENTRIES_MAX);
	for (i = 0; i < n; i++)
		if (wire_get_item(m, "names", i, &item, f) != 0 ||
		    field_name(item, "name", r.name[i], f) != 0)
			return -1;
	r.names = n;
	c->renewer = r;
	return 0;
}

/* Is this entry's token wanted by a relay, and fetched by nobody? */
static bool is_wanted(const struct broker *b, const struct tenant *t, const char *name)
{
	const struct relay *r;
	unsigned i;

	for (r = t->relays; r && strcmp(r->awaits, name) != 0; r = r->next)
		;
	if (!r || renewal_is_fetching(b, t, name, NULL))
		return false;
	for (i = 0; i < b->places; i++)
		if (b->connection[i].fd >= 0 && b->connection[i].tenant == t &&
		    strcmp(b->connection[i].renewer.told, name) == 0)
			return false;
	return true;
}

void renewal_wait(struct broker *b, struct connection *c, const char **name)
{
	struct renewer *r = &c->renewer;
	unsigned i;

	*name = NULL;
	r->told[0] = '\0';
	for (i = 0; i < r->names; i++)
		if (is_wanted(b, c->tenant, r->name[i])) {
			*name = r->name[i];
			renewer_tell(c, *name);
			return;
		}
	r->waiting = true;
	c->deadline = 0;
}
