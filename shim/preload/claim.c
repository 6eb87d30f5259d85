/*
 * claim.c - from the connection to the secrets in this process's environment.
 *
 * MUST: undumpable and core-less, both verified, before the secret is asked
 * for; the answer comes through a socket pair made after that, so that a
 * connection copied in the open window before brings nothing.  The secret lies
 * in locked memory only, never in the initial environment block (which
 * /proc/PID/environ shows).
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "shim/preload/preload.h"
#include "wire/claim.h"

#define DEADLINE_MS 10000 /* the broker's own, from granted to claim */
#define PACKET_MAX (CLAIM_HEAD + 65536)

extern char **environ;

struct answer {
	struct claim_item item[SECRETS_MAX];
	size_t count;
	size_t wipe; /* bytes of the packet that may hold something */
};

/* Anonymous memory; locked (best effort) and out of dumps.  NULL on failure. */
static void *locked_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* Best effort: the limit may be used up.  Dumps are closed by dumpable 0
	 * and RLIMIT_CORE already.  ONFAULT: pages are locked as they are used,
	 * which for the receive buffer is one of seventeen. */
	if (mlock2(p, size, MLOCK_ONFAULT) != 0)
		(void)mlock(p, size);
	(void)madvise(p, size, MADV_DONTDUMP);
	return p;
}

static int harden(int fd, struct trouble *t)
{
	struct rlimit none = {0, 0}, seen = {1, 1};

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return trouble(t, "cannot make this process undumpable", NULL);
	if (setrlimit(RLIMIT_CORE, &none) != 0 || getrlimit(RLIMIT_CORE, &seen) != 0 ||
	    seen.rlim_cur != 0 || seen.rlim_max != 0)
		return trouble(t, "cannot forbid core dumps", NULL);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return trouble(t, "cannot keep the connection from children", NULL);
	return 0;
}

static int answer_parse(const uint8_t *p, size_t n, struct answer *a, struct trouble *t)
{
	int count = talk_items(p, n, a->item, SECRETS_MAX, t);

	if (count == 0)
		return trouble(t, "the broker's answer is malformed", NULL);
	if (count < 0)
		return -1;
	a->count = (size_t)count;
	return 0;
}

static size_t answer_size(const struct answer *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->count; i++)
		n += a->item[i].name.n + a->item[i].value.n + 2;
	return n;
}

/* "name=value" with its NUL (or name, NUL, value, NUL).  The end of it. */
static char *lay_out(char *to, const struct claim_item *i, char between)
{
	memcpy(to, i->name.p, i->name.n);
	to += i->name.n;
	*to++ = between;
	memcpy(to, i->value.p, i->value.n);
	to += i->value.n;
	*to++ = '\0';
	return to;
}

static bool replaced(const char *entry, const struct answer *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (strncmp(entry, a->item[i].name.p, a->item[i].name.n) == 0 &&
		    entry[a->item[i].name.n] == '=')
			return true;
	return false;
}

/*
 * A new environ with the secrets at its end, in memory of ours.  Not setenv:
 * that is the heap, which is neither locked nor kept out of dumps, and in bash
 * it is a function of bash's.  Once something calls setenv, libc copies the
 * pointers to an array of its own and leaves our strings where they are.
 */
static int into_environ(const struct answer *a, struct trouble *t)
{
	size_t n = 0, at = 0, size;
	char **array, *text;

	while (environ && environ[n])
		n++;
	size = (n + a->count + 1) * sizeof(*array) + answer_size(a);
	array = locked_map(size);
	if (!array)
		return trouble(t, "no memory for the environment", NULL);
	text = (char *)(array + n + a->count + 1);
	for (size_t i = 0; i < n; i++)
		if (!replaced(environ[i], a))
			array[at++] = environ[i];
	for (size_t i = 0; i < a->count; i++) {
		array[at++] = text;
		text = lay_out(text, &a->item[i], '=');
	}
	array[at] = NULL;
	environ = array;
	return 0;
}

/* A copy to compare with, which the program cannot change by scrubbing what
 * getenv gave it. */
static int into_session(const struct answer *a, struct trouble *t)
{
	size_t size = answer_size(a);
	char *text = locked_map(size), *all = text;

	if (!text)
		return trouble(t, "no memory for the secret", NULL);
	for (size_t i = 0; i < a->count; i++) {
		struct secret *s = &session.secret[i];

		s->name = text;
		s->name_len = a->item[i].name.n;
		s->value = text + s->name_len + 1;
		s->len = a->item[i].value.n;
		text = lay_out(text, &a->item[i], '\0');
	}
	session.secrets = a->count;
	if (mprotect(all, size, PROT_READ) != 0)
		return trouble(t, "cannot protect the secret", NULL);
	return 0;
}

/* Variables of this kind hold the number of a descriptor to read the key from. */
static bool by_descriptor(const struct claim_item *i)
{
	static const char suffix[] = "_FILE_DESCRIPTOR";
	size_t n = sizeof(suffix) - 1;

	return i->name.n > n && memcmp(i->name.p + i->name.n - n, suffix, n) == 0;
}

/*
 * Put such a secret into a pipe of this process and let the variable say which:
 * the client then neither asks about the key nor notes a part of it down, as
 * it does with a key in a variable.  Close-on-exec, so it stays in here.
 */
static int into_pipe(struct claim_item *i, char number[16], struct trouble *t)
{
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return trouble(t, "cannot make a pipe for the secret", NULL);
	n = write(fds[1], i->value.p, i->value.n);
	close(fds[1]);
	if (n != (ssize_t)i->value.n || fcntl(fds[0], F_SETFL, 0) != 0) {
		close(fds[0]);
		return trouble(t, "the pipe does not hold the secret", NULL);
	}
	/* Formatted by hand: stdio is not ours to start this early. */
	i->value.n = 0;
	for (int rest = fds[0], place = 1000000000; place > 0; place /= 10)
		if (rest / place || i->value.n || place == 1)
			number[i->value.n++] = (char)('0' + rest / place % 10);
	i->value.p = number;
	return 0;
}

static int into_pipes(struct answer *a, char numbers[SECRETS_MAX][16], struct trouble *t)
{
	for (size_t i = 0; i < a->count; i++)
		if (by_descriptor(&a->item[i]) && into_pipe(&a->item[i], numbers[i], t) != 0)
			return -1;
	return 0;
}

static int exchange(int fd, uint8_t *packet, struct answer *a, struct trouble *t)
{
	int pair[2] = {-1, -1}, r = -1;
	int64_t deadline = now_ms() + DEADLINE_MS;
	ssize_t n;

	if (talk_send(fd, CLAIM_ARRIVED, -1, deadline) != 0) {
		trouble(t, "the broker closed the connection", "ccctl status");
		goto out;
	}
	n = talk_recv(fd, packet, PACKET_MAX, deadline, t);
	if (n < 0 || talk_ok_empty(packet, (size_t)n, t) != 0 || harden(fd, t) != 0)
		goto out;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		trouble(t, "cannot make a socket pair", NULL);
		goto out;
	}
	if (talk_send(fd, CLAIM_CLAIM, pair[1], deadline) != 0) {
		trouble(t, "the broker closed the connection", "ccctl status");
		goto out;
	}
	close(pair[1]); /* so that a broker that dies ends our wait */
	pair[1] = -1;
	a->wipe = PACKET_MAX;
	n = talk_recv(pair[0], packet, PACKET_MAX, deadline, t);
	if (n < 0)
		goto out;
	a->wipe = (size_t)n;
	r = answer_parse(packet, (size_t)n, a, t);
out:
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	return r;
}

int claim(int fd, struct trouble *t)
{
	struct answer a = {.count = 0};
	char numbers[SECRETS_MAX][16];
	uint8_t *packet = locked_map(PACKET_MAX);
	int r = -1;

	if (!packet)
		return trouble(t, "no memory for the answer", NULL);
	/* The session's copy first: it is the secrets that children must not get. */
	if (exchange(fd, packet, &a, t) == 0 && into_session(&a, t) == 0 &&
	    into_pipes(&a, numbers, t) == 0)
		r = into_environ(&a, t);
	explicit_bzero(packet, a.wipe);
	munmap(packet, PACKET_MAX);
	return r;
}
