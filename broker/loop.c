/*
 * broker/loop.c - the event loop: accept, serve, check deadlines.  It never waits for
 * one client.
 */
#include "broker/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/listener.h"
#include "broker/places.h"
#include "broker/ops.h"
#include "broker/relay_channel.h"
#include "broker/relay_value.h"
#include "broker/tenant_lock.h"
#include "broker/tenant_lock.h"

#define EVENTS 64

/* epoll's data: an index into b->connection, or one of these. */
#define ID_LISTENER UINT64_MAX
#define ID_SIGNALS (UINT64_MAX - 1)

int loop_start(struct broker *b, struct failure *f)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sock_limit_waits();
	signal(SIGPIPE, SIG_IGN);
	/* Writing past RLIMIT_FSIZE must fail, not kill the broker. */
	signal(SIGXFSZ, SIG_IGN);
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	b->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (b->epoll < 0 || b->signals < 0 || places_watch_other(b, b->signals, ID_SIGNALS) != 0 ||
	    places_watch_other(b, b->listener, ID_LISTENER) != 0)
		return fail_errno(f, NULL, "cannot start the event loop");
	return 0;
}

/* While no place is free, new connections wait in the kernel's queue. */
static void watch_listener(struct broker *b, bool on)
{
	struct epoll_event ev = { .events = on ? EPOLLIN : 0, .data.u64 = ID_LISTENER };

	epoll_ctl(b->epoll, EPOLL_CTL_MOD, b->listener, &ev);
	b->full = !on;
}

/*
 * May c's tenant be served in this turn?  One user's many clients, or requests that
 * wait for a slow disk, must not delay other users.  A connection that is not served
 * is ready again in the next turn, or after a pause.
 */
static bool tenant_has_turn(struct broker *b, struct connection *c)
{
	struct tenant *t = c->tenant;

	/* The system's watcher speaks for all of them, and the computer's sleep waits for it. */
	if (!b->system || c->watches_all)
		return true;
	if (t->busy_ms > BUSY_MOST) {
		c->paused = true;
		epoll_ctl(b->epoll, EPOLL_CTL_DEL, c->fd, NULL);
		return false;
	}
	if (t->turn != b->turn)
		t->served = 0;
	t->turn = b->turn;
	return t->served++ < TURN_SHARE;
}

static void serve_connection(struct broker *b, struct connection *c)
{
	struct tenant *t = c->tenant;
	int64_t start;

	/* It may have been dropped earlier in this turn. */
	if (c->fd < 0 || !tenant_has_turn(b, c))
		return;
	start = clock_now_ms();
	connection_serve(b, c);
	if (c->closing)
		connection_drop(b, c);
	t->busy_ms += (unsigned)(clock_now_ms() - start);
	if (t->busy_ms > BUSY_COUNTED)
		t->busy_ms = BUSY_COUNTED;
}

static void accept_connections(struct broker *b)
{
	struct connection *c;
	unsigned i;
	int fd;

	for (i = 0; i < ACCEPT_BATCH; i++) {
		c = places_find_free(b);
		if (!c) {
			watch_listener(b, false);
			return;
		}
		fd = sock_accept(b->listener);
		if (fd < 0) {
			/* Out of descriptors: wait until a connection ends. */
			if (errno == EMFILE || errno == ENFILE)
				watch_listener(b, false);
			return;
		}
		if (connection_accept(b, c, fd) != 0)
			continue;
		b->connections++;
		if (places_watch(b, c) != 0) {
			connection_drop(b, c);
			continue;
		}
		/* A client sends right after it connects: mostly the packet is here. */
		serve_connection(b, c);
	}
}

static void sweep_deadlines(struct broker *b)
{
	int64_t now = clock_now_ms();
	unsigned i;

	for (i = 0; i < b->places; i++) {
		struct connection *c = &b->connection[i];

		if (c->fd >= 0 && c->deadline && now > c->deadline)
			connection_expire(b, c);
		if (c->fd >= 0)
			relay_channel_check(c);
		if (c->fd >= 0)
			relay_value_check(b, c);
		if (c->fd >= 0 && c->quota_waiting) {
			quota_answer_waiting(c);
			if (c->closing)
				connection_drop(b, c);
		}
		if (c->fd >= 0 && c->paused && c->tenant->busy_ms <= BUSY_MOST) {
			c->paused = false;
			places_watch(b, c);
		}
	}
	for (i = 0; i < b->tenants; i++) {
		tenant_apply_timeouts(&b->tenant[i], now);
		b->tenant[i].busy_ms /= 2;
	}
	if (b->full && b->connections < b->places_most)
		watch_listener(b, true);
}

/* Listen on another socket, where the one that there was has gone. */
static void check_listener(struct broker *b)
{
	int fd = listener_renew(b);

	if (fd < 0)
		return;
	close(b->listener);
	b->listener = fd;
	if (places_watch_other(b, fd, ID_LISTENER) == 0 && b->full)
		watch_listener(b, false);
}

/* `ccctl lock` would say that nothing is unlocked, so that it must be so. */
static void lock_if_hidden(struct broker *b)
{
	struct tenant *t = &b->tenant[0];

	if (listener_is_hidden(b) && (t->vault || t->kept))
		tenant_lock(t, LOCK_REASON_HIDDEN, 0);
}

void loop_run(struct broker *b)
{
	struct epoll_event ev[EVENTS];
	int64_t next_sweep = 0;
	int i, n;

	for (;;) {
		n = epoll_wait(b->epoll, ev, EVENTS, SWEEP_MS);
		b->turn++;
		if (n < 0 && errno != EINTR)
			return;
		/* The listener last: a place that is freed and taken again in one turn must
		 * not be served on an event of its former connection. */
		for (i = 0; i < n; i++) {
			if (ev[i].data.u64 == ID_SIGNALS)
				return;
			if (ev[i].data.u64 != ID_LISTENER)
				serve_connection(b, &b->connection[ev[i].data.u64]);
		}
		for (i = 0; i < n; i++)
			if (ev[i].data.u64 == ID_LISTENER)
				accept_connections(b);
		if (clock_now_ms() >= next_sweep) {
			sweep_deadlines(b);
			check_listener(b);
			lock_if_hidden(b);
			next_sweep = clock_now_ms() + SWEEP_MS;
		}
	}
}
