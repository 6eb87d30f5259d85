/*
 * tests/fuzz/dispatch_checks.h - what comes back to clients and relays in fuzz_dispatch.c, and what
 * must hold of it: who may be given a token, by which answer; nobody the slot's key.
 *
 * hear_all and claim_hear read all that has come, without waiting, and abort where it does not
 * hold.  What the broker tells is kept, so that later requests can name it (told_keep).
 */
#ifndef CCRUN_TESTS_FUZZ_DISPATCH_CHECKS_H
#define CCRUN_TESTS_FUZZ_DISPATCH_CHECKS_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/dispatch_request.h"
#include "tests/fuzz/dispatch_state.h"
#include "wire/claim.h"
#include "wire/unpack.h"

static uint8_t answer[WIRE_PACKET_MAX];

/* One packet without waiting, what came beside it closed; 0: there is none. */
static size_t answer_receive(int fd, bool *ended, int *beside)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = { answer, sizeof(answer) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

	*beside = -1;
	*ended = n == 0 || (n < 0 && errno != EAGAIN);
	for (; c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_type == SCM_RIGHTS) {
			MUST(c->cmsg_len == CMSG_LEN(sizeof(int)));
			memcpy(beside, CMSG_DATA(c), sizeof(int));
		}
	return n > 0 ? (size_t)n : 0;
}

static bool answer_has_token(size_t n)
{
	return memmem(answer, n, SECRET_MARK, strlen(SECRET_MARK)) != NULL;
}

static void answer_check_key(size_t n)
{
	uint8_t key[KEY_LEN];

	memset(key, KEY_BYTE, sizeof(key));
	MUST(!memmem(answer, n, key, sizeof(key)));
}

static void answer_keep(struct wire_map m, enum told kind, const char *key)
{
	char text[64];

	if (wire_get_text(m, key, text, sizeof(text), NULL) == 0)
		told_keep(kind, text);
}

static void answer_keep_all(struct wire_map m)
{
	struct wire_map item;
	const uint8_t *part;
	size_t n;

	answer_keep(m, TOLD_TICKET, "ticket");
	answer_keep(m, TOLD_SESSION, "session");
	answer_keep(m, TOLD_LAUNCH, "id");
	if (wire_get_item(m, "launches", 0, &item, NULL) == 0)
		answer_keep(item, TOLD_LAUNCH, "id");
	if (wire_get_item(m, "sessions", 0, &item, NULL) == 0)
		answer_keep(item, TOLD_SESSION, "id");
	if (wire_get_bin(m, "part", &part, &n, NULL) == 0) {
		memcpy(told_part, part, n);
		told_part_n = n;
	}
}

static void pipe_check(const struct client *c, int fd)
{
	char token[64];

	MUST(read(fd, token, sizeof(token)) > 0);
	MUST(process[c->process].marked && !process[c->process].unconfined);
	close(fd);
}

static void answer_check(const struct client *c, size_t n)
{
	bool gives = strcmp(c->op, "get") == 0 || c->awaits;
	struct wire_in in;
	bool ok;

	answer_check_key(n);
	if (claim_type(answer, n) >= 0) {
		MUST(claim_type(answer, n) == CLAIM_OK || claim_type(answer, n) == CLAIM_REFUSED);
		MUST(!answer_has_token(n));
		return;
	}
	MUST(!answer_has_token(n) || (gives && !process[c->process].marked));
	MUST(wire_parse(&in, answer, n, NULL) == 0);
	MUST(wire_get_bool(in.top, "ok", &ok, NULL) == 0);
	fuzz_understood += ok;
	answer_keep_all(in.top);
	wire_in_free(&in);
}

static void client_hear(struct client *c)
{
	int beside;
	bool ended;
	size_t n;

	while ((n = answer_receive(c->fd, &ended, &beside)) > 0) {
		answer_check(c, n);
		if (beside >= 0)
			pipe_check(c, beside);
	}
}

static void relay_hang_up(unsigned i)
{
	if (relay[i].fd >= 0)
		close(relay[i].fd);
	relay[i].fd = -1;
}

/* What the broker tells a relay.  Its process is in the first message that names it. */
static void relay_hear(unsigned i)
{
	char op[16] = "";
	struct wire_in in;
	uint64_t pid;
	int beside;
	bool ended;
	size_t n;

	while ((n = answer_receive(relay[i].fd, &ended, &beside)) > 0) {
		if (beside >= 0)
			close(beside);
		MUST(wire_parse(&in, answer, n, NULL) == 0);
		MUST(wire_get_text(in.top, "op", op, sizeof(op), NULL) == 0);
		if (strcmp(op, "start") == 0) {
			MUST(wire_get_uint(in.top, "pid", &pid, NULL) == 0);
			relay[i].process = (unsigned)(pid - FIRST_PID);
			relay[i].sees = true;
		}
		answer_check_key(n);
		if (answer_has_token(n))
			MUST(strcmp(op, "value") == 0 && relay[i].sees &&
			     process[relay[i].process].marked && !process[relay[i].process].dead);
		wire_in_free(&in);
	}
	if (ended)
		relay_hang_up(i);
}

static void hear_all(void)
{
	unsigned i;

	for (i = 0; i < CLIENTS; i++)
		if (client[i].fd >= 0 && !client[i].deaf)
			client_hear(&client[i]);
	for (i = 0; i < RELAYS; i++)
		if (relay[i].fd >= 0)
			relay_hear(i);
}

/* A token comes through the pair alone, and only to whom it may. */
static void claim_hear(const struct client *c, int fd)
{
	const struct process *is = &process[c->process];
	int beside;
	bool ended;
	size_t n;

	while ((n = answer_receive(fd, &ended, &beside)) > 0) {
		MUST(beside < 0);
		answer_check_key(n);
		MUST(claim_type(answer, n) == CLAIM_OK || claim_type(answer, n) == CLAIM_REFUSED);
		if (answer_has_token(n))
			MUST(is->marked && !is->dumpable && !is->traced && !is->dead);
	}
}

#endif
