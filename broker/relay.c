/*
 * broker/relay.c - what is sent to a relay.
 */
#include "broker/relay.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sock.h"
#include "broker/session.h"
#include "wire/pack.h"

static const char *const file_names[RELAY_FILES] = { "ca", "cert", "key" };

int relay_file_from_name(const char *name)
{
	int i;

	for (i = 0; i < RELAY_FILES; i++)
		if (strcmp(file_names[i], name) == 0)
			return i;
	return -1;
}

struct relay *relay_new(unsigned *kept)
{
	struct relay *r = calloc(1, sizeof(*r));
	int i;

	if (!r)
		return NULL;
	r->kept = kept;
	r->channel = r->listener = r->pidfd = -1;
	for (i = 0; i < RELAY_FILES; i++)
		r->file[i] = -1;
	return r;
}

void relay_keep_descriptor(struct relay *r, int *place, int fd)
{
	*place = fd;
	++*r->kept;
}

static void descriptor_close(struct relay *r, int fd)
{
	if (fd < 0)
		return;
	sock_close(fd);
	--*r->kept;
}

void relay_free(struct relay *r)
{
	int i;

	if (!r)
		return;
	descriptor_close(r, r->listener);
	for (i = 0; i < RELAY_FILES; i++)
		descriptor_close(r, r->file[i]);
	wire_out_free(r->start);
	free(r);
}

static int relay_send_file(const struct relay *r, const char *kind, int fd)
{
	struct wire_out *o = wire_request("file");
	int result;

	wire_put_str(o, "kind", kind);
	result = wire_send(r->channel, o, fd);
	wire_out_free(o);
	return result;
}

/* By it the relay tells this process's end from a channel that was only cut. */
static int relay_send_broker(const struct relay *r)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0), result;

	if (fd < 0)
		return -1;
	result = relay_send_file(r, "broker", fd);
	close(fd);
	return result;
}

int relay_send_start(const struct relay *r)
{
	int i;

	if (relay_send_file(r, "session", r->pidfd) != 0 || relay_send_broker(r) != 0)
		return -1;
	for (i = 0; i < RELAY_FILES; i++)
		if (r->file[i] >= 0 && relay_send_file(r, file_names[i], r->file[i]) != 0)
			return -1;
	return wire_send(r->channel, r->start, r->listener);
}

void relay_cut(struct relay *r, const char *why)
{
	shutdown(r->channel, SHUT_RDWR);
	r->cut = why;
}

/* What the client is told of requests that this ends. */
static const char *wipe_message(const char *why)
{
	if (strcmp(why, "locked") == 0)
		return "the vault is locked: ccctl unlock";
	if (strcmp(why, "ended") == 0)
		return "this session was ended: start another one";
	return "the key was changed: try again";
}

static void relay_wipe(struct relay *r, const char *why)
{
	struct wire_out *o = wire_request("wipe");

	wire_put_str(o, "why", why);
	wire_put_str(o, "message", wipe_message(why));
	if (wire_send(r->channel, o, -1) != 0)
		relay_cut(r, "it could not be told to wipe its key");
	wire_out_free(o);
	r->has_value = false;
}

void relay_end(struct relay *r)
{
	r->ended = true;
	relay_wipe(r, "ended");
}

/* Does the session use that entry, or any (name NULL) that is not spared? */
static bool session_is_meant(const struct session *s, const char *name,
			     bool (*spare)(const void *arg, const char *entry), const void *arg)
{
	unsigned i;

	for (i = 0; i < s->entries; i++)
		if ((!name || strcmp(s->entry[i], name) == 0) &&
		    !(spare && spare(arg, s->entry[i])))
			return true;
	return false;
}

void relays_wipe(struct relay *list, const char *name, const char *why,
		 bool (*spare)(const void *arg, const char *entry), const void *arg)
{
	for (; list; list = list->next)
		if (list->has_value && session_is_meant(list->session, name, spare, arg))
			relay_wipe(list, why);
}

unsigned relays_count(const struct relay *list)
{
	unsigned n;

	for (n = 0; list; list = list->next)
		n++;
	return n;
}
