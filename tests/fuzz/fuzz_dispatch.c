/*
 * tests/fuzz/fuzz_dispatch.c - what clients and relays say to the broker, one after another: its
 * loop, dispatch, sessions and vault in this process, with state.
 *
 * An input's first byte says how it begins ('n' without a vault, 'l' with a locked one, else with
 * an open one), then come steps, a letter and what follows it:
 *
 *	c CLIENT PROCESS	connect		x CLIENT	hang up
 *	m CLIENT HOW REQUEST..	a request	r CLIENT HOW LENGTH BYTES
 *	f CLIENT HOW TYPE	a fixed message	p PROCESS BITS	what a process is
 *	l RELAY MESSAGE ..	a relay speaks	e RELAY		it ends
 *	t TIME			time passes	d CLIENT	it reads no answers, or does again
 *	b -			another life of the broker
 *
 * What the kernel would say of processes, the clocks and what starts relays are this file's (-Wl,
 * --wrap, mk/tests.mk); sockets, descriptors and files are real.
 *
 * What is checked besides memory: every answer is one message; a token comes out in none but
 * those of `get` and `usage-next`, and never to a marked process; by a claim or to a relay only
 * while the session's process is marked, and by a claim undumpable; the slot's key in none.  After
 * an input no locked memory is in use, no descriptor is open, no file is half written.
 *
 * Targets: broker/
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/machine_id.h"
#include "base/proc.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/loop.h"
#include "broker/peer.h"
#include "broker/places.h"
#include "broker/relay.h"
#include "broker/relay_keeper.h"
#include "broker/tenants.h"
#include "broker/witness.h"
#define FUZZ_ONE_IN 4
#include "tests/fuzz/dispatch_request.h"
#include "tests/fuzz/fuzz_arena.h"
#include "tests/fuzz/fuzz_directory.h"
#include "vault/arena.h"
#include "vault/crypto.h"
#include "vault/host_key.h"
#include "vault/inspect.h"
#include "wire/claim.h"
#include "wire/unpack.h"

#define CLIENTS 6
#define PROCESSES 4
#define RELAYS 8
#define STEPS_MAX 64
#define FIRST_PID 5000001 /* above all that the kernel gives */
#define LISTENER_ID UINT64_MAX

enum { FROM_ANOTHER = 1, WITHOUT_FD = 2, TWICE = 4, A_PERSON = 8 };

static struct broker b;

static struct process {
	bool marked, dumpable, unconfined, elsewhere, reused, traced, dead;
	int life; /* a descriptor that is ready once it has ended */
} process[PROCESSES];

static struct client {
	int fd;
	unsigned process;
	bool deaf;
	bool awaits; /* it sent a usage-next, which may be answered at any time */
	char op[32]; /* of its last request */
} client[CLIENTS];

static struct {
	int fd;
	bool sees; /* what process it is of */
	unsigned process;
} relay[RELAYS];

static unsigned connecting, sending; /* the process that does */
static unsigned steps;
static int64_t now_ms, wall_s;
static int sealed_file, session_listener, first_free;
static struct sockaddr_un listener_address;
static size_t arena_empty;
static char host_key[HOST_SECRET_TEXT];

/* ---- what the kernel says ---- */

int64_t __wrap_clock_now_ms(void);
int64_t __wrap_clock_wall(void);
int __wrap_peer_identify(struct peer *p, int fd, struct failure *f);
int __wrap_peer_check_alive(const struct peer *p, struct failure *f);
int __wrap_peer_read_mark(const struct peer *p, bool *marked, struct failure *f);
int __wrap_peer_check_namespaces(const struct peer *p, struct failure *f);
int __wrap_peer_check_private(const struct peer *p, bool strict, struct failure *f);
int __wrap_peer_check_hardened(const struct peer *p, bool strict, struct failure *f);
int __wrap_peer_check_confined(const struct peer *p, struct failure *f);
int __wrap_proc_stat(pid_t pid, struct proc_stat *out);
int __wrap_proc_confined(pid_t pid);
bool __wrap_arena_verify(const struct arena *a);
int __wrap_witness_read_link(pid_t pid, const char *leaf, char *out, size_t size);
int __wrap_relay_keeper_start_relay(struct failure *f);
int __real_epoll_wait(int epoll, struct epoll_event *ev, int n, int timeout);
int __wrap_epoll_wait(int epoll, struct epoll_event *ev, int n, int timeout);
ssize_t __real_sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *c);
ssize_t __wrap_sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *c);
ssize_t __real_sock_recv_no_fds(int fd, void *buf, size_t size, int flags, struct sock_control *c);
ssize_t __wrap_sock_recv_no_fds(int fd, void *buf, size_t size, int flags, struct sock_control *c);

int64_t __wrap_clock_now_ms(void)
{
	return now_ms;
}

int64_t __wrap_clock_wall(void)
{
	return wall_s;
}

static struct process *process_of(pid_t pid)
{
	MUST(pid >= FIRST_PID && pid < FIRST_PID + PROCESSES);
	return &process[pid - FIRST_PID];
}

int __wrap_peer_identify(struct peer *p, int fd, struct failure *f)
{
	(void)fd;
	p->pid = (pid_t)(FIRST_PID + connecting);
	p->uid = getuid();
	p->exact = !process[connecting].reused;
	p->start = 1;
	p->pidfd = fcntl(process[connecting].life, F_DUPFD_CLOEXEC, 3);
	MUST(p->pidfd >= 0);
	return __wrap_peer_check_alive(p, f);
}

int __wrap_peer_check_alive(const struct peer *p, struct failure *f)
{
	return process_of(p->pid)->dead ? fail_set(f, FAIL_PEER, NULL, "it has ended") : 0;
}

int __wrap_peer_read_mark(const struct peer *p, bool *marked, struct failure *f)
{
	*marked = process_of(p->pid)->marked;
	return __wrap_peer_check_alive(p, f);
}

int __wrap_peer_check_namespaces(const struct peer *p, struct failure *f)
{
	return process_of(p->pid)->elsewhere ? fail_set(f, FAIL_POSTURE, NULL, "it is elsewhere")
					     : 0;
}

int __wrap_peer_check_private(const struct peer *p, bool strict, struct failure *f)
{
	const struct process *is = process_of(p->pid);

	(void)strict;
	if (is->dumpable || is->traced)
		return fail_set(f, FAIL_POSTURE, NULL, "it can be read");
	return __wrap_peer_check_alive(p, f);
}

int __wrap_peer_check_hardened(const struct peer *p, bool strict, struct failure *f)
{
	if (!process_of(p->pid)->marked)
		return fail_set(f, FAIL_POSTURE, NULL, "it is not marked");
	return __wrap_peer_check_private(p, strict, f);
}

int __wrap_peer_check_confined(const struct peer *p, struct failure *f)
{
	if (process_of(p->pid)->unconfined)
		return fail_set(f, FAIL_POSTURE, NULL, "it is not confined");
	return __wrap_peer_check_alive(p, f);
}

int __wrap_proc_stat(pid_t pid, struct proc_stat *out)
{
	memset(out, 0, sizeof(*out));
	out->start = 1;
	out->state = pid >= FIRST_PID && process_of(pid)->dead ? 'Z' : 'S';
	return 0;
}

int __wrap_proc_confined(pid_t pid)
{
	(void)pid;
	return 1;
}

/* To ask costs more than all the rest, with a sanitizer's mappings. */
bool __wrap_arena_verify(const struct arena *a)
{
	(void)a;
	return true;
}

int __wrap_witness_read_link(pid_t pid, const char *leaf, char *out, size_t size)
{
	if (process_of(pid)->elsewhere) {
		errno = EACCES;
		return -1;
	}
	snprintf(out, size, "%s", strcmp(leaf, "exe") == 0 ? "/usr/bin/claude" : "/home/me");
	return 0;
}

int __wrap_relay_keeper_start_relay(struct failure *f)
{
	unsigned i;
	int ends[2];

	for (i = 0; i < RELAYS && relay[i].fd >= 0; i++)
		;
	if (i == RELAYS)
		return fail_set(f, FAIL_SYSTEM, NULL, "no more can be started");
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	relay[i].fd = ends[1];
	relay[i].sees = false;
	return ends[0];
}

/* Each packet is from whom the step says, for whom the kernel would have said it. */
static void say_sender(struct sock_control *c)
{
	if (c && c->have_sender && c->pid == getpid())
		c->pid = (pid_t)(FIRST_PID + sending);
}

ssize_t __wrap_sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *c)
{
	ssize_t n = __real_sock_recv(fd, buf, size, flags, c);

	if (n >= 0)
		say_sender(c);
	return n;
}

ssize_t __wrap_sock_recv_no_fds(int fd, void *buf, size_t size, int flags, struct sock_control *c)
{
	ssize_t n = __real_sock_recv_no_fds(fd, buf, size, flags, c);

	if (n >= 0)
		say_sender(c);
	return n;
}

/* ---- what comes back ---- */

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

/* ---- steps ---- */

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

static int claim_ends[2] = { -1, -1 };
static const struct client *claimant;

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

/*
 * The loop asks what there is to do.  All that a step leads to is done before the next one; when
 * there is none any more, the loop is told to end.
 */
int __wrap_epoll_wait(int epoll, struct epoll_event *ev, int n, int timeout)
{
	int ready = __real_epoll_wait(epoll, ev, n, 0);

	(void)timeout;
	if (ready > 0)
		return ready;
	hear_all();
	if (claim_ends[0] >= 0) {
		claim_hear(claimant, claim_ends[0]);
		close(claim_ends[0]);
		claim_ends[0] = -1;
	}
	if (script.n == 0 || steps == 0) {
		errno = EBADF;
		return -1;
	}
	steps--;
	step_take();
	return __real_epoll_wait(epoll, ev, n, 0);
}

/* ---- from input to input ---- */

static void path_below(const char *leaf, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", fuzz_directory, leaf);
}

/* What the last input left there; none of it half written. */
static void directory_empty(const char *leaf)
{
	char path[96];
	struct dirent *e;
	DIR *d;

	path_below(leaf, path, sizeof(path));
	d = opendir(path);
	while (d && (e = readdir(d))) {
		MUST(!strstr(e->d_name, ".new"));
		if (e->d_name[0] != '.')
			MUST(unlinkat(dirfd(d), e->d_name, 0) == 0);
	}
	if (d)
		closedir(d);
}

static void file_put(const char *leaf, const void *p, size_t n)
{
	char path[96];
	int fd;

	path_below(leaf, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

static void processes_renew(void)
{
	uint64_t count;
	unsigned i;
	int life;

	for (i = 0; i < PROCESSES; i++) {
		life = process[i].life;
		if (process[i].dead)
			MUST(read(life, &count, sizeof(count)) == sizeof(count));
		memset(&process[i], 0, sizeof(process[i]));
		process[i].life = life;
	}
}

static void broker_begin(bool vault)
{
	now_ms = 1000000;
	wall_s = 1795300000;
	processes_renew();
	memset(told, 0, sizeof(told));
	told_part_n = 0;
	directory_empty("data/ccrun");
	directory_empty("state/ccrun");
	if (vault) {
		file_put("data/ccrun/vault", vault_file, vault_file_n);
		file_put("data/ccrun/host.key", host_key, strlen(host_key));
	}
	broker_start();
}

static int descriptor_first_free(void)
{
	int fd = fcntl(sealed_file, F_DUPFD_CLOEXEC, 3);

	close(fd);
	return fd;
}

static void script_run(const uint8_t *p, size_t n, bool vault)
{
	script.p = p;
	script.n = n;
	steps = STEPS_MAX;
	first_free = descriptor_first_free();
	broker_begin(vault);
	loop_run(&b);
	broker_stop();
	MUST(descriptor_first_free() == first_free);
}

/* ---- what each input begins with ---- */

static uint8_t written[65536];
static size_t written_n;

static void write_bytes(const char *p, size_t n)
{
	MUST(n <= sizeof(written) - written_n);
	memcpy(written + written_n, p, n);
	written_n += n;
}

/* That request by client 0, without a change. */
static void write_request(unsigned how, const char *line, unsigned changes)
{
	unsigned i;

	for (i = 0; strcmp(requests[i], line) != 0; i++)
		MUST(i + 1 < REQUESTS);
	write_bytes((char[]){ 'm', 0, (char)how, (char)i, (char)changes }, 5);
}

static void write_change(const char *alias, unsigned choice)
{
	write_bytes((char[]){ (char)field_find(alias, strlen(alias)), (char)choice }, 2);
}

/* Keyfiles of that vault, sealed to a host whose key is in its directory. */
static void keyfiles_make(void)
{
	static const uint8_t seed[HOST_SEED_LEN] = { 1 };
	static struct vault_public public;
	struct keyfile_info info;
	uint8_t *secret = arena_alloc(b.arena, HOST_SEED_LEN, NULL), key[KEY_LEN];
	char machine[BOUND_LEN];

	MUST(secret && vault_inspect(vault_file, vault_file_n, &public, NULL) == 0);
	machine_id_read(machine, sizeof(machine));
	host_pair(seed, machine, info.host, secret);
	arena_release(b.arena, secret);
	host_secret_format(seed, host_key);
	memcpy(info.vault, public.id, sizeof(info.vault));
	memset(key, KEY_BYTE, sizeof(key));
	for (info.slot = 1; info.slot <= 2; info.slot++)
		MUST(keyfile_seal(&info, key, keyfiles[info.slot - 1]) == 0);
}

/* A vault with an entry of each kind: the first names of the pool, with those policies. */
static void fixture_make(void)
{
	char path[96];
	unsigned i;
	int fd;

	written_n = 0;
	write_bytes("c\0\0", 3);
	write_request(0, "init slot[] key", 0);
	for (i = 0; i < 8; i++) {
		write_request(0,
			      i == 7 ? "put name origin variable policy replace source command pick"
				     : "put name origin variable policy replace token",
			      3);
		write_change("name", i);
		write_change("policy", i);
		write_change("variable", i == TEAM);
	}
	script_run(written, written_n, false);
	MUST(fuzz_understood == 9);
	path_below("data/ccrun/vault", path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	vault_file_n = (size_t)read(fd, vault_file, sizeof(vault_file));
	MUST(fd >= 0 && vault_file_n > 0 && vault_file_n < sizeof(vault_file));
	close(fd);
	keyfiles_make();
	written_n = 0;
	write_bytes("c\0\0", 3);
	write_request(0, "unlock slot key", 0);
}

static void memory_prepare(void)
{
	uint64_t inputs = fuzz_inputs, understood = fuzz_understood;

	b.arena = fuzz_arena;
	b.packet = arena_alloc(b.arena, WIRE_PACKET_MAX, NULL);
	MUST(b.packet);
	arena_empty = arena_used(b.arena);
	fuzz_understood = 0;
	fixture_make();
	fuzz_inputs = inputs;
	fuzz_understood = understood;
}

static void broker_prepare(void)
{
	struct failure f = { 0 };
	char path[96];
	unsigned i;

	path_below("data", path, sizeof(path));
	MUST(mkdir(path, 0700) == 0 && setenv("XDG_DATA_HOME", path, 1) == 0);
	path_below("state", path, sizeof(path));
	MUST(mkdir(path, 0700) == 0 && setenv("XDG_STATE_HOME", path, 1) == 0);
	MUST(unsetenv("CREDENTIALS_DIRECTORY") == 0);
	path_below("socket", path, sizeof(path));
	listener_address.sun_family = AF_UNIX;
	snprintf(listener_address.sun_path, sizeof(listener_address.sun_path), "%s", path);
	b.listener = sock_listen(path, 0600, 16, &f);
	b.epoll = epoll_create1(EPOLL_CLOEXEC);
	b.signals = -1;
	MUST(b.listener >= 0 && places_watch_other(&b, b.listener, LISTENER_ID) == 0);
	/* Few, so that inputs reach them. */
	b.places_most = 32;
	b.places_uid = 7;
	b.places_marked = 4;
	b.sessions_uid = 4;
	b.fds_connections = 60;
	b.connection = calloc(b.places_most, sizeof(*b.connection));
	MUST(b.connection);
	for (i = 0; i < PROCESSES; i++)
		MUST((process[i].life = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
}

/* What clients pass: a socket that listens, a sealed file. */
static void descriptors_prepare(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int on = 1;

	sealed_file = memfd_create("ca", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	MUST(sealed_file >= 0 && write(sealed_file, "-----BEGIN", 10) == 10);
	MUST(fcntl(sealed_file, F_ADD_SEALS,
		   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
	session_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/relay", fuzz_directory);
	MUST(setsockopt(session_listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	MUST(bind(session_listener, (struct sockaddr *)&name, sizeof(name)) == 0);
	MUST(listen(session_listener, 1) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	unsigned i;

	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	MUST(libsodium_start(NULL) == 0);
	fuzz_directory_make();
	for (i = 0; i < CLIENTS; i++)
		client[i].fd = -1;
	for (i = 0; i < RELAYS; i++)
		relay[i].fd = -1;
	broker_prepare();
	descriptors_prepare();
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t key[KEY_LEN];
	size_t unlocking;

	memset(key, KEY_BYTE, sizeof(key));
	/* Words that would come back in a refusal, as they were sent. */
	if (n < 1 || n > 4096 || memmem(p, n, SECRET_MARK, strlen(SECRET_MARK)) ||
	    memmem(p, n, key, sizeof(key)))
		return 0;
	fuzz_inputs++;
	if (fuzz_arena_make())
		memory_prepare();
	unlocking = written_n;
	if (p[0] == 'n' || p[0] == 'l') {
		script_run(p + 1, n - 1, p[0] == 'l');
		return 0;
	}
	write_bytes((const char *)p + 1, n - 1);
	script_run(written, written_n, true);
	written_n = unlocking;
	return 0;
}
