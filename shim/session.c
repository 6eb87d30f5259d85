/*
 * shim/session.c - opening a session, asking a person where that helps.
 */
#include "shim/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/spawn.h"
#include "config/provider/provider.h"
#include "dial/dial.h"
#include "start/source.h"
#include "wire/claim.h"

/* init, unlock, add, fetch, and once more in case something changed meanwhile */
#define ROUNDS 5

/* Replies to ccrun carry no secret: an ordinary buffer. */
static char reply[WIRE_PACKET_MAX];

char session_source[NAME_MAX_LEN + 1];

/* Who granted the session: later answers come from the same process. */
static pid_t broker;

bool session_terminal(void)
{
	return source_terminal();
}

static const char *full_name(const struct provider *p, char out[2 * NAME_MAX_LEN + 2])
{
	snprintf(out, 2 * NAME_MAX_LEN + 2, "%s%s%s", p->name, p->mode[0] ? ":" : "", p->mode);
	return out;
}

/*
 * Run ccctl, its output on our standard error: standard input and output are
 * claude's.  0 when it succeeded.
 */
static int run_ccctl(const char *verb, const char *word, bool terminal, struct failure *f)
{
	const char *argv[] = { "ccctl", verb, word, NULL };
	char path[PATH_SIZE];
	struct spawn s = { .path = path, .argv = argv,
			   .fd = { { 0, SPAWN_NULL }, { 1, STDERR_FILENO } }, .fds = 2 };
	int tty = -1, status = -1;
	pid_t pid = -1;

	if (path_sibling("bin/ccctl", path, f) != 0)
		return -1;
	if (terminal) {
		tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
		s.fd[0].ours = tty;
	}
	if (!terminal || tty >= 0) {
		pid = spawn_start(&s);
		if (pid < 0)
			dprintf(STDERR_FILENO, "ccrun: cannot run %s: %s\n", path, strerror(errno));
	}
	if (tty >= 0)
		close(tty);
	if (pid > 0 && spawn_wait(pid, &status) != 0)
		return fail_errno(f, NULL, "waiting for ccctl");
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return fail_set(f, FAIL_PROGRAM, NULL, "'ccctl %s' did not succeed, so nothing was started", verb);
}

int session_run(const char *verb, const char *word, struct failure *f)
{
	return run_ccctl(verb, word, true, f);
}

int session_ccctl(const char *verb, const struct provider *p, struct failure *f)
{
	char name[2 * NAME_MAX_LEN + 2];

	return run_ccctl(verb, strcmp(verb, "add") == 0 ? full_name(p, name) : NULL, true, f);
}

static struct wire_out *open_request(const struct provider *p, enum delivery d)
{
	struct wire_out *o = wire_request("open");
	unsigned i;

	wire_str(o, "provider", p->name);
	wire_str(o, "mode", p->mode);
	wire_str(o, "delivery", delivery_name(d));
	wire_bool(o, "strict", p->policy.strict);
	wire_str(o, "config_dir", p->policy.config_dir);
	wire_array(o, "entries");
	for (i = 0; i < p->secrets; i++) {
		wire_item(o);
		wire_str(o, "name", p->secret[i].entry);
		wire_str(o, "variable", p->secret[i].variable);
		wire_str(o, "origin", p->origin);
	}
	return o;
}

/* Tokens that stay in another manager: it is asked, with a person there or not. */
static int fetch(const struct provider *p, struct failure *f)
{
	const char *names[SESSION_ENTRIES_MAX + 1] = { NULL };
	unsigned i;

	for (i = 0; i < p->secrets; i++)
		names[i] = p->secret[i].entry;
	return source_fetch(names, session_terminal(), f);
}

/* One try: the connection, or -1. */
static int try_open(const struct provider *p, enum delivery d, struct failure *f)
{
	struct dial dial;
	int fd;

	if (dial_open(&dial, true, reply, sizeof(reply), f) != 0)
		return -1;
	if (dial_call(&dial, open_request(p, d), NULL, f) != 0) {
		dial_close(&dial);
		return -1;
	}
	if (wire_text(dial.in.top, "source", session_source, sizeof(session_source), NULL) != 0)
		session_source[0] = '\0';
	broker = dial.broker;
	fd = dial.fd;
	dial.fd = -1;
	dial_close(&dial);
	return fd;
}

/* Without a terminal: which commands bring a person here. */
static void name_commands(const struct provider *p, struct failure *f)
{
	char name[2 * NAME_MAX_LEN + 2];

	full_name(p, name);
	if (f->code == FAIL_NO_VAULT)
		fail_hint(f, "on a terminal: ccctl init; ccctl add %s", name);
	else if (f->code == FAIL_LOCKED)
		fail_hint(f, "ccctl unlock");
	else if (f->code == FAIL_NO_ENTRY)
		fail_hint(f, "ccctl add %s", name);
}

int session_open(const struct provider *p, enum delivery d, struct failure *f)
{
	const char *verb;
	int fd, round;

	for (round = 0; round < ROUNDS; round++) {
		fd = try_open(p, d, f);
		if (fd >= 0)
			return fd;
		if (f->code == FAIL_NO_VALUE) {
			if (fetch(p, f) != 0)
				return -1;
			continue;
		}
		if (f->code == FAIL_NO_VAULT)
			verb = "init";
		else if (f->code == FAIL_LOCKED)
			verb = "unlock";
		else if (f->code == FAIL_NO_ENTRY)
			verb = "add";
		else
			return -1;
		/* A broker that has just started: what opens without a person. */
		if (f->code == FAIL_LOCKED && !session_terminal() && round == 0 &&
		    run_ccctl("unlock", "--auto", false, NULL) == 0)
			continue;
		if (!session_terminal()) {
			name_commands(p, f);
			return -1;
		}
		if (session_ccctl(verb, p, f) != 0)
			return -1;
	}
	return -1;
}

int session_pipe(int connection, struct failure *f)
{
	struct dial d = { .fd = connection, .buf = reply, .size = sizeof(reply), .broker = broker };
	int fd = -1, r;

	r = dial_call(&d, wire_request("pipe"), &fd, f);
	wire_in_free(&d.in);
	if (r == 0 && fd < 0)
		return fail_set(f, FAIL_INTERNAL, NULL, "the broker passed no pipe");
	return r == 0 ? fd : -1;
}

/* In the environment a key cannot come by descriptor: the plain variable it is. */
static struct claim_text plain_name(struct claim_text name)
{
	static const char by_fd[] = "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR", plain[] = "ANTHROPIC_API_KEY";

	if (name.n != sizeof(by_fd) - 1 || memcmp(name.p, by_fd, name.n) != 0)
		return name;
	return (struct claim_text){ plain, sizeof(plain) - 1 };
}

/* "NAME=value" of each item. */
static int copy_items(const struct claim_item *item, int count, char **out, struct failure *f)
{
	struct claim_text name;
	char *s;
	int i;

	for (i = 0; i < count; i++) {
		name = plain_name(item[i].name);
		s = malloc(name.n + item[i].value.n + 2);
		if (!s) {
			session_wipe(out, (unsigned)count);
			return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the secrets");
		}
		memcpy(s, name.p, name.n);
		s[name.n] = '=';
		memcpy(s + name.n + 1, item[i].value.p, item[i].value.n);
		s[name.n + 1 + item[i].value.n] = '\0';
		out[i] = s;
	}
	return count;
}

static int read_claim_answer(const uint8_t *packet, size_t n, char **out, unsigned max, struct failure *f)
{
	struct claim_item item[SESSION_ENTRIES_MAX];
	struct claim_text what, hint;
	int count;

	switch (claim_type(packet, n)) {
	case CLAIM_OK:
		count = claim_items(packet, n, item, max < SESSION_ENTRIES_MAX ? max : SESSION_ENTRIES_MAX);
		if (count > 0)
			return copy_items(item, count, out, f);
		return fail_set(f, FAIL_INTERNAL, NULL, "the broker's answer to the claim is malformed");
	case CLAIM_REFUSED:
		if (claim_refusal(packet, n, &what, &hint) != 0)
			return fail_set(f, FAIL_INTERNAL, NULL, "the claim was refused");
		fail_set(f, FAIL_POSTURE, NULL, "%.*s", (int)what.n, what.p);
		fail_hint(f, "%.*s", (int)hint.n, hint.p);
		return -1;
	default:
		return fail_set(f, FAIL_NO_BROKER, "try again", "the broker did not answer the claim");
	}
}

int session_claim(int connection, char **out, unsigned max, struct failure *f)
{
	uint8_t head[CLAIM_HEAD];
	struct iovec iov = { head, sizeof(head) };
	uint8_t *packet = (uint8_t *)reply;
	int pair[2], r;
	ssize_t n;

	memset(out, 0, max * sizeof(*out));
	if (proc_harden_self() != 0)
		return fail_errno(f, NULL, "cannot harden this process");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(f, NULL, "socketpair");
	claim_head(head, CLAIM_CLAIM, 0);
	n = sock_send(connection, &iov, 1, pair[1]);
	close(pair[1]);
	if (n == 0 && io_wait(pair[0], POLLIN, io_now_ms() + REPLY_DEADLINE_MS) == 1)
		n = sock_recv(pair[0], packet, sizeof(reply), 0, NULL);
	close(pair[0]);
	r = read_claim_answer(packet, n > 0 ? (size_t)n : 0, out, max, f);
	io_wipe(reply, sizeof(reply));
	return r;
}

void session_wipe(char **strings, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (strings[i]) {
			io_wipe(strings[i], strlen(strings[i]));
			free(strings[i]);
		}
		strings[i] = NULL;
	}
}
