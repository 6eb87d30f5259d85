/*
 * relay/channel.c - the relay's messages with the broker.
 */
#include "relay/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/sock.h"
#include "relay/usage_meter.h"
#include "vault/arena.h"
#include "wire/limits.h"
#include "wire/pack.h"

#define NOTES_MAX 10 /* in NOTES_WINDOW_MS */
#define NOTES_WINDOW_MS 60000
#define NOTE_MAX 255 /* bytes */
#define OP_MAX 32

static const struct {
	const char *name;
	enum channel_op op;
} ops[] = {
	{ "file", CHANNEL_FILE },	  { "start", CHANNEL_START },
	{ "value", CHANNEL_VALUE },	  { "no-value", CHANNEL_NO_VALUE },
	{ "reserved", CHANNEL_RESERVED }, { "refused", CHANNEL_REFUSED },
	{ "wipe", CHANNEL_WIPE },	  { "fetch", CHANNEL_FETCH },
};

int relay_channel_open(struct channel *c, struct arena *arena, struct failure *f)
{
	memset(c, 0, sizeof(*c));
	c->packet = arena_alloc(arena, WIRE_PACKET_MAX, f);
	return c->packet ? 0 : -1;
}

/* ---- from the broker ---- */

static int message_read_op(struct channel_message *m, struct failure *f)
{
	char name[OP_MAX];
	size_t i;

	if (wire_get_text(m->in.top, "op", name, sizeof(name), f) != 0)
		return -1;
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(name, ops[i].name) == 0) {
			m->op = ops[i].op;
			return 0;
		}
	return fail_set(f, FAIL_UNKNOWN_OP, NULL, "the broker sent an unknown message");
}

static int message_read_value(struct channel_message *m, struct failure *f)
{
	if (wire_get_uint(m->in.top, "index", &m->index, f) != 0 ||
	    wire_get_uint(m->in.top, "count", &m->count, f) != 0 ||
	    wire_get_bool(m->in.top, "limited", &m->limited, f) != 0)
		return -1;
	m->expires = wire_has(m->in.top, "expires");
	if (m->expires && wire_get_uint(m->in.top, "expires", &m->expires_seconds, f) != 0)
		return -1;
	return wire_get_bin(m->in.top, "token", &m->token, &m->token_n, f);
}

static int message_read_no_value(struct channel_message *m, struct failure *f)
{
	char name[OP_MAX];

	if (wire_get_text(m->in.top, "error", name, sizeof(name), f) != 0 ||
	    wire_get_text(m->in.top, "message", m->words.what, sizeof(m->words.what), f) != 0 ||
	    wire_get_text(m->in.top, "hint", m->words.hint, sizeof(m->words.hint), f) != 0)
		return -1;
	m->words.code = fail_from_name(name);
	return 0;
}

static int message_read_refused(struct channel_message *m, struct failure *f)
{
	uint64_t retry;

	if (wire_get_uint(m->in.top, "id", &m->id, f) != 0 ||
	    wire_get_text(m->in.top, "message", m->words.what, sizeof(m->words.what), f) != 0 ||
	    wire_get_uint(m->in.top, "retry", &retry, f) != 0)
		return -1;
	m->retry = retry < UINT32_MAX ? (uint32_t)retry : UINT32_MAX;
	return 0;
}

static int message_read_wipe(struct channel_message *m, struct failure *f)
{
	char why[OP_MAX];

	if (wire_get_text(m->in.top, "why", why, sizeof(why), f) != 0 ||
	    wire_get_text(m->in.top, "message", m->words.what, sizeof(m->words.what), f) != 0)
		return -1;
	m->ended = strcmp(why, "ended") == 0;
	return 0;
}

static int message_read_fetch(struct channel_message *m, struct failure *f)
{
	if (wire_get_uint(m->in.top, "id", &m->id, f) != 0 ||
	    wire_get_uint(m->in.top, "index", &m->index, f) != 0 ||
	    wire_get_text(m->in.top, "path", m->path, sizeof(m->path), f) != 0)
		return -1;
	return wire_get_bool(m->in.top, "bearer", &m->bearer, f);
}

static int message_read(struct channel *c, struct channel_message *m, struct failure *f)
{
	if (wire_parse(&m->in, c->packet, c->n, f) != 0 || message_read_op(m, f) != 0)
		return -1;
	switch (m->op) {
	case CHANNEL_FILE:
	case CHANNEL_START:
		return 0;
	case CHANNEL_VALUE:
		return message_read_value(m, f);
	case CHANNEL_NO_VALUE:
		return message_read_no_value(m, f);
	case CHANNEL_RESERVED:
		return wire_get_uint(m->in.top, "id", &m->id, f);
	case CHANNEL_REFUSED:
		return message_read_refused(m, f);
	case CHANNEL_WIPE:
		return message_read_wipe(m, f);
	case CHANNEL_FETCH:
		return message_read_fetch(m, f);
	}
	return fail_set(f, FAIL_INTERNAL, NULL, "an op that is none");
}

int relay_channel_receive(struct channel *c, struct channel_message *m, struct failure *f)
{
	struct sock_control control;
	ssize_t n;

	memset(m, 0, sizeof(*m));
	m->fd = -1;
	f->code = FAIL_NONE;
	n = sock_recv(RELAY_CHANNEL_FD, c->packet, WIRE_PACKET_MAX, MSG_DONTWAIT, &control);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0 && errno != ECONNRESET)
		return fail_errno(f, NULL, "read descriptor %d", RELAY_CHANNEL_FD);
	/* An empty packet, which says nothing, may have a descriptor beside it. */
	if (n <= 0) {
		sock_control_close(&control);
		return -1;
	}
	c->n = (size_t)n;
	m->fd = control.fd;
	control.fd = -1;
	sock_control_close(&control);
	if (message_read(c, m, f) == 0)
		return 1;
	relay_channel_forget(c, m);
	return -1;
}

int relay_channel_await(struct channel *c, int64_t deadline, struct channel_message *m,
			struct failure *f)
{
	int r = io_wait(RELAY_CHANNEL_FD, POLLIN, deadline);

	if (r == 0)
		return fail_set(f, FAIL_TIMEOUT, NULL, "the broker does not say what to relay");
	if (r < 0)
		return fail_errno(f, NULL, "wait for descriptor %d", RELAY_CHANNEL_FD);
	return relay_channel_receive(c, m, f);
}

void relay_channel_forget(struct channel *c, struct channel_message *m)
{
	struct sock_control control = { .fd = m->fd, .pidfd = -1 };

	sock_control_close(&control);
	m->fd = -1;
	wire_in_free(&m->in);
	io_wipe(c->packet, c->n);
	c->n = 0;
}

/* ---- to the broker ---- */

static int message_send(struct wire_out *o)
{
	int r = wire_send(RELAY_CHANNEL_FD, o, -1);

	wire_out_free(o);
	return r;
}

int relay_channel_ask_value(const struct channel *c)
{
	(void)c;
	return message_send(wire_request("value"));
}

int relay_channel_ask_renewal(const struct channel *c)
{
	(void)c;
	return message_send(wire_request("renew"));
}

int relay_channel_reserve(const struct channel *c, uint64_t id, const char *model, uint64_t bytes)
{
	struct wire_out *o = wire_request("reserve");

	(void)c;
	wire_put_uint(o, "id", id);
	wire_put_str(o, "model", model);
	wire_put_uint(o, "bytes", bytes);
	return message_send(o);
}

int relay_channel_report_passing(const struct channel *c, uint64_t id, uint64_t sent,
				 uint64_t output)
{
	struct wire_out *o = wire_request("passing");

	(void)c;
	wire_put_uint(o, "id", id);
	wire_put_uint(o, "sent", sent);
	wire_put_uint(o, "output", output);
	return message_send(o);
}

int relay_channel_report_use(const struct channel *c, const struct channel_use *use)
{
	static const char *const names[TOKEN_KINDS] = {
		[TOKENS_INPUT] = "input",
		[TOKENS_OUTPUT] = "output",
		[TOKENS_CACHE_WRITE] = "cache_write",
		[TOKENS_CACHE_READ] = "cache_read",
	};
	const struct token_counts *tokens = &use->result->tokens;
	struct wire_out *o = wire_request("use");
	unsigned i;

	(void)c;
	wire_put_uint(o, "id", use->id);
	wire_put_str(o, "model", use->model);
	wire_put_uint(o, "status", use->status);
	/* Of an answer that was cut, what was counted so far is a lower bound. */
	for (i = 0; i < TOKEN_KINDS; i++)
		if (tokens->known[i] || tokens->n[i])
			wire_put_uint(o, names[i], tokens->n[i]);
	if (use->result->cost_known)
		wire_put_uint(o, "cost", use->result->cost);
	wire_put_bool(o, "complete", use->complete);
	wire_put_bool(o, "billed", use->billed);
	wire_put_bool(o, "surcharged", use->result->surcharged);
	wire_put_uint(o, "bytes", use->bytes);
	wire_put_uint(o, "sent", use->sent);
	return message_send(o);
}

int relay_channel_answer_fetch(const struct channel *c, const struct channel_fetched *fetched)
{
	struct wire_out *o = wire_request("fetched");

	(void)c;
	wire_put_uint(o, "id", fetched->id);
	if (fetched->error) {
		wire_put_str(o, "error", fetched->error);
		return message_send(o);
	}
	wire_put_uint(o, "status", fetched->status);
	wire_put_uint(o, "retry", fetched->retry);
	wire_put_bin(o, "body", fetched->body, fetched->n);
	return message_send(o);
}

static void channel_note(struct channel *c, const char *op, const char *what)
{
	int64_t now = clock_now_ms();
	char text[NOTE_MAX + 1];
	struct wire_out *o;

	if (c->notes_since == 0 || now - c->notes_since > NOTES_WINDOW_MS) {
		c->notes_since = now;
		c->notes = 0;
	}
	if (c->notes++ >= NOTES_MAX)
		return;
	snprintf(text, sizeof(text), "%s", what);
	fail_sanitize(text);
	o = wire_request(op);
	wire_put_str(o, "what", text);
	/* An ended channel is noticed when it is read. */
	(void)message_send(o);
}

void relay_channel_note_refusal(struct channel *c, const char *what)
{
	channel_note(c, "refusal", what);
}

void relay_channel_note_failure(struct channel *c, const char *what)
{
	channel_note(c, "failure", what);
}
