/*
 * client/common/connection.c - the connection to the broker.
 */
#include "client/common/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/mark.h"
#include "start/watcher.h"
#include "vault/arena.h"
#include "wire/limits.h"

int client_begin(struct client *c, bool secrets, struct failure *f)
{
	memset(c, 0, sizeof(*c));
	c->dial.fd = -1;
	if (!secrets) {
		c->buf = malloc(WIRE_PACKET_MAX);
		if (!c->buf)
			return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a packet");
		return 0;
	}
	c->arena = arena_new(ARENA_DEFAULT, f);
	if (!c->arena)
		return -1;
	c->buf = arena_alloc(c->arena, WIRE_PACKET_MAX, f);
	return c->buf ? 0 : -1;
}

static void client_disconnect(struct client *c)
{
	if (c->connected)
		dial_close(&c->dial);
	c->connected = false;
}

void client_end(struct client *c)
{
	client_disconnect(c);
	if (c->arena)
		arena_free(c->arena);
	else
		free(c->buf);
	c->arena = NULL;
	c->buf = NULL;
}

/* A broker that was started before the last upgrade does not say all of it. */
static int hello_read_later_keys(struct client *c, struct failure *f)
{
	struct wire_map m = c->dial.in.top;

	c->why[0] = '\0';
	c->asleep = 0;
	c->watched = false;
	if ((wire_has(m, "why") && wire_get_text(m, "why", c->why, sizeof(c->why), f) != 0) ||
	    (wire_has(m, "asleep") && wire_get_uint(m, "asleep", &c->asleep, f) != 0))
		return -1;
	return wire_has(m, "watched") ? wire_get_bool(m, "watched", &c->watched, f) : 0;
}

int client_connect(struct client *c, bool start, struct failure *f)
{
	client_disconnect(c);
	c->connected = true;
	if (dial_open_at(&c->dial, c->where, start, c->buf, WIRE_PACKET_MAX, f) != 0 ||
	    dial_hello(&c->dial, f) != 0 ||
	    wire_get_text(c->dial.in.top, "state", c->state, sizeof(c->state), f) != 0 ||
	    wire_get_text(c->dial.in.top, "vault", c->vault, sizeof(c->vault), f) != 0 ||
	    hello_read_later_keys(c, f) != 0)
		return -1;
	/*
	 * MUST: the one from now on.  A key that was made for the system broker's vault must not
	 * go to a broker of the user's because that is the one that answers after a prompt.
	 */
	if (c->where == DIAL_ANY)
		c->where = c->dial.system ? DIAL_SYSTEM : DIAL_USER;
	return 0;
}

int client_call(struct client *c, struct wire_out *request, struct failure *f)
{
	return dial_call(&c->dial, request, NULL, f);
}

int client_refuse_marked(struct failure *f)
{
	bool inside = mark_is_inside(getpid(), NULL, NULL);
	struct failure said = { 0 };
	struct client c;

	mark_refuse(getpid(), inside, f);
	if (inside)
		return -1;
	if (client_begin(&c, false, &said) == 0 && client_connect(&c, false, &said) == 0)
		client_call(&c, wire_request("slots"), &said);
	client_end(&c);
	if (said.code == FAIL_MARKED && f)
		*f = said;
	return -1;
}

void client_watch(const struct client *c)
{
	if (!c->watched)
		watcher_start();
}

bool user_vault_file_exists(void)
{
	char path[PATH_SIZE];
	struct stat st;

	/* When in doubt say yes, so that nothing is made in its place. */
	return path_of(PATH_DATA, "vault", path, NULL) != 0 || lstat(path, &st) == 0 ||
	       errno != ENOENT;
}
