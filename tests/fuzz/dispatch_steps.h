/*
 * tests/fuzz/dispatch_steps.h - the steps that an input of fuzz_dispatch.c is made of: what clients
 * and relays do, what becomes of processes, time, and the lives of the broker.
 *
 * step_take reads one from the input (script) and does it; what it leads to is the broker's, and is
 * heard before the next.  broker_start and broker_stop are a life: the second hangs up on all, and
 * aborts where the broker has kept a connection, a relay or locked memory.
 */
#ifndef CCRUN_TESTS_FUZZ_DISPATCH_STEPS_H
#define CCRUN_TESTS_FUZZ_DISPATCH_STEPS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/places.h"
#include "broker/tenants.h"
#include "tests/fuzz/dispatch_checks.h"
#include "tests/fuzz/dispatch_request.h"
#include "tests/fuzz/dispatch_state.h"
#include "vault/arena.h"
#include "wire/claim.h"

/* What a request is sent with: bits of HOW. */
enum { FROM_ANOTHER = 1, WITHOUT_FD = 2, TWICE = 4, A_PERSON = 8 };

static void client_hang_up(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void step_connect(unsigned which, unsigned by)
{
	struct client *c = &client[which];
	int on = 1;

	client_hang_up(c);
	memset(c, 0, sizeof(*c));
	c->process = connecting = by;
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	MUST(c->fd >= 0);
	MUST(setsockopt(c->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	MUST(connect(c->fd, (struct sockaddr *)&listener_address, sizeof(listener_address)) == 0);
}

/* Packets that cannot be sent, as the connection has ended, are none. */
static void client_send(struct client *c, unsigned how, const void *p, size_t n, int fd)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };

	sending = how & FROM_ANOTHER ? (c->process + 1) % PROCESSES : c->process;
	if (how & WITHOUT_FD)
		fd = -1;
	if (c->fd >= 0 && sock_send(c->fd, &iov, 1, fd) == 0 && how & TWICE)
		(void)sock_send(c->fd, &iov, 1, fd);
}

static int fd_beside(const char *op)
{
	if (strcmp(op, "relay") == 0)
		return session_listener;
	return strcmp(op, "relay-file") == 0 ? sealed_file : -1;
}

static void step_request(struct client *c, unsigned how, const char *line)
{
	message_make(line);
	snprintf(c->op, sizeof(c->op), "%.*s", (int)strcspn(line, " "), line);
	c->awaits |= strcmp(c->op, "usage-next") == 0;
	client_send(c, how, message.p, message.n, fd_beside(c->op));
}

/* A person's key first, whose answer is heard with the request's. */
static void step_person(struct client *c)
{
	struct iovec iov;
	size_t left = script.n;

	script.n = 0;
	message_make("person slot key");
	script.n = left;
	iov = (struct iovec){ message.p, message.n };
	sending = c->process;
	if (c->fd >= 0)
		(void)sock_send(c->fd, &iov, 1, -1);
}

static void step_raw(struct client *c, unsigned how)
{
	const uint8_t *p;
	size_t n = script_bytes(&p);

	c->op[0] = '\0';
	client_send(c, how, p, n, fd_beside("relay"));
}

static void step_fixed(struct client *c, unsigned how)
{
	unsigned choice = script_choice(256), type = choice < 4 ? choice : choice % 3 + 1;
	uint8_t head[CLAIM_HEAD];

	claim_put_head(head, (enum claim_type)type, choice > 200 ? choice : 0);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, claim_ends) == 0);
	c->op[0] = '\0';
	claimant = c;
	client_send(c, how, head, sizeof(head), type == CLAIM_CLAIM ? claim_ends[1] : -1);
	close(claim_ends[1]);
}

static void step_process(struct process *p, unsigned bits)
{
	uint64_t one = 1;
	unsigned i;

	/* What it was given before is another matter. */
	for (i = 0; i < CLIENTS; i++)
		if (client[i].fd >= 0 && &process[client[i].process] == p)
			client_hear(&client[i]);
	p->marked |= bits & 1; /* for ever */
	p->dumpable = bits & 2;
	p->unconfined = bits & 4;
	p->elsewhere = bits & 8;
	p->reused = bits & 16;
	p->traced = bits & 32;
	if ((bits & 192) == 192 && !p->dead) {
		p->dead = true;
		MUST(write(p->life, &one, sizeof(one)) == sizeof(one));
	}
}

static void step_relay(unsigned i)
{
	struct iovec iov;

	message_make(relay_messages[script_choice(RELAY_MESSAGES)]);
	iov = (struct iovec){ message.p, message.n };
	if (relay[i].fd >= 0)
		(void)sock_send(relay[i].fd, &iov, 1, -1);
}

static void step_time(unsigned which)
{
	static const int64_t waits[] = { 1100,	5100,  11000,	16000,	  31000,
					 61000, 91000, 3600000, 86400000, 8640000000 };

	now_ms += waits[which % 10];
	/* Now and then somebody sets the other clock. */
	wall_s += which >= 240 ? -7200 : waits[which % 10] / 1000;
}

static void broker_start(void)
{
	struct failure f = { 0 };

	b.places = b.tenants = b.connections = b.turn = 0;
	b.full = b.watched = b.undelayed = false;
	if (tenants_start(&b, &f) != 0) {
		fprintf(stderr, "%s\n", f.what);
		abort();
	}
}

static void broker_stop(void)
{
	unsigned i;

	for (i = 0; i < CLIENTS; i++)
		client_hang_up(&client[i]);
	for (i = 0; i < b.places; i++)
		connection_drop(&b, &b.connection[i]);
	for (i = 0; i < RELAYS; i++)
		relay_hang_up(i);
	tenants_stop(&b);
	close(b.auto_unlock.host);
	MUST(b.connections == 0);
	for (i = 0; i < b.tenants; i++)
		MUST(b.tenant[i].relay_files == 0);
	MUST(arena_used(b.arena) == arena_empty);
}

static void step_take(void)
{
	unsigned what = script_choice(256), which = script_choice(256), how;
	struct client *c = &client[which % CLIENTS];

	switch (what) {
	case 'c':
		step_connect(which % CLIENTS, script_choice(PROCESSES));
		break;
	case 'x':
		client_hang_up(c);
		break;
	case 'r':
		how = script_choice(256);
		step_raw(c, how);
		break;
	case 'f':
		how = script_choice(256);
		step_fixed(c, how);
		break;
	case 'p':
		step_process(&process[which % PROCESSES], script_choice(256));
		break;
	case 'l':
		step_relay(which % RELAYS);
		break;
	case 'e':
		relay_hang_up(which % RELAYS);
		break;
	case 'b':
		broker_stop();
		broker_start();
		break;
	case 't':
		step_time(which);
		break;
	case 'd':
		c->deaf = !c->deaf;
		break;
	default:
		how = script_choice(256);
		if (how & A_PERSON)
			step_person(c);
		step_request(c, how, requests[script_choice(REQUESTS)]);
	}
}

#endif
