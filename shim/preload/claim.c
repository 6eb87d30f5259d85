/*
 * claim.c - from the connection to the secrets in this process's environment.
 *
 * MUST: undumpable and core-less, both verified, before the secret is asked for.
 * Until then another process of the same user could copy the connection
 * (pidfd_getfd), so the answer comes through a socket pair that is made after it.
 * The secret lies in memory that is locked as far as the limit allows, and never
 * in the initial environment block, which /proc/PID/environ shows.
 */
#include "shim/preload/claim.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/preload/broker_messages.h"
#include "shim/preload/harden.h"
#include "shim/preload/session_state.h"
#include "wire/claim.h"

#define DEADLINE_MS 10000 /* the broker's own, from granted to claim */
#define PACKET_MAX (CLAIM_HEAD + 65536)

struct claim_answer {
	struct claim_item item[SECRETS_MAX];
	size_t count;
	size_t wipe; /* bytes of the packet that may hold a secret */
};

/* Anonymous memory; locked (best effort) and out of dumps.  NULL on failure. */
static void *secret_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* Best effort: the limit may be used up.  There are no dumps already, by
	 * dumpable 0 and RLIMIT_CORE.  ONFAULT: pages are locked as they are used,
	 * which for the receive buffer is one of seventeen. */
	if (mlock2(p, size, MLOCK_ONFAULT) != 0)
		(void)mlock(p, size);
	(void)madvise(p, size, MADV_DONTDUMP);
	return p;
}

static int claim_parse_answer(const uint8_t *p, size_t n, struct claim_answer *a,
			      struct refusal *why)
{
	int count = broker_read_items(p, n, a->item, SECRETS_MAX, why);

	if (count == 0)
		return refusal_set(why, "the broker's answer is malformed", NULL);
	if (count < 0)
		return -1;
	a->count = (size_t)count;
	return 0;
}

static size_t answer_size(const struct claim_answer *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->count; i++)
		n += a->item[i].name.n + a->item[i].value.n + 2;
	return n;
}

/* Write name, between ('=' or NUL), value and a NUL.  Returns where that ends. */
static char *item_write(char *to, const struct claim_item *i, char between)
{
	memcpy(to, i->name.p, i->name.n);
	to += i->name.n;
	*to++ = between;
	memcpy(to, i->value.p, i->value.n);
	to += i->value.n;
	*to++ = '\0';
	return to;
}

static bool variable_replaced(const char *entry, const struct claim_answer *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (strncmp(entry, a->item[i].name.p, a->item[i].name.n) == 0 &&
		    entry[a->item[i].name.n] == '=')
			return true;
	return false;
}

/*
 * Make a new environ with the secrets at its end, in memory of the library's.
 * Not setenv: that uses the heap, which is neither locked nor kept out of dumps,
 * and bash has a setenv of its own.  When the program calls setenv later, libc
 * copies the pointers to an array of its own and leaves these strings in place.
 */
static int environ_add_secrets(const struct claim_answer *a, struct refusal *why)
{
	size_t n = 0, at = 0, size;
	char **array, *text;

	while (environ && environ[n])
		n++;
	size = (n + a->count + 1) * sizeof(*array) + answer_size(a);
	array = secret_map(size);
	if (!array)
		return refusal_set(why, "no memory for the environment", NULL);
	text = (char *)(array + n + a->count + 1);
	for (size_t i = 0; i < n; i++)
		if (!variable_replaced(environ[i], a))
			array[at++] = environ[i];
	for (size_t i = 0; i < a->count; i++) {
		array[at++] = text;
		text = item_write(text, &a->item[i], '=');
	}
	array[at] = NULL;
	environ = array;
	return 0;
}

/*
 * Recognise by itself each secret of a value of CLAIM_HEADERS: what is behind the last blank
 * of a line, up to an empty line.
 */
static void session_keep_headers(const struct session_secret *all)
{
	const char *line = all->value, *end, *value;

	for (; *line && *line != '\n'; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		for (value = end; value > line && value[-1] != ' '; value--)
			;
		if (session.secrets == SECRETS_MAX || value == end)
			return;
		session.secret[session.secrets++] = (struct session_secret){
			.name = all->name,
			.name_len = all->name_len,
			.value = value,
			.len = (size_t)(end - value),
		};
	}
}

/* Keep a copy to compare children's arguments with: the program may overwrite
 * the one that getenv returns. */
static int session_keep_secrets(const struct claim_answer *a, struct refusal *why)
{
	size_t size = answer_size(a);
	char *text = secret_map(size), *all = text;

	if (!text)
		return refusal_set(why, "no memory for the secret", NULL);
	for (size_t i = 0; i < a->count; i++) {
		struct session_secret *s = &session.secret[i];

		s->name = text;
		s->name_len = a->item[i].name.n;
		s->value = text + s->name_len + 1;
		s->len = a->item[i].value.n;
		text = item_write(text, &a->item[i], '\0');
	}
	session.secrets = a->count;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(session.secret[i].name, CLAIM_HEADERS) == 0)
			session_keep_headers(&session.secret[i]);
	if (mprotect(all, size, PROT_READ) != 0)
		return refusal_set(why, "cannot protect the secret", NULL);
	return 0;
}

/* Does the variable hold the number of a descriptor to read the key from? */
static bool item_by_descriptor(const struct claim_item *i)
{
	static const char suffix[] = "_FILE_DESCRIPTOR";
	size_t n = sizeof(suffix) - 1;

	return i->name.n > n && memcmp(i->name.p + i->name.n - n, suffix, n) == 0;
}

/*
 * Put such a secret into a pipe of this process and its number into the variable:
 * of a key in a variable the client asks the user whether to use it, and stores a
 * part of it; of a key in a pipe it does neither.  Close-on-exec: no child has it.
 */
static int item_to_pipe(struct claim_item *i, char number[16], struct refusal *why)
{
	int fds[2];
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return refusal_set(why, "cannot make a pipe for the secret", NULL);
	n = write(fds[1], i->value.p, i->value.n);
	close(fds[1]);
	if (n != (ssize_t)i->value.n || fcntl(fds[0], F_SETFL, 0) != 0) {
		close(fds[0]);
		return refusal_set(why, "the pipe does not hold the secret", NULL);
	}
	/* Formatted by hand: before main stdio may not be set up. */
	i->value.n = 0;
	for (int rest = fds[0], place = 1000000000; place > 0; place /= 10)
		if (rest / place || i->value.n || place == 1)
			number[i->value.n++] = (char)('0' + rest / place % 10);
	i->value.p = number;
	return 0;
}

static int items_to_pipes(struct claim_answer *a, char numbers[SECRETS_MAX][16],
			  struct refusal *why)
{
	for (size_t i = 0; i < a->count; i++)
		if (item_by_descriptor(&a->item[i]) &&
		    item_to_pipe(&a->item[i], numbers[i], why) != 0)
			return -1;
	return 0;
}

/* Both rounds of the claim.  The items point into packet (PACKET_MAX bytes). */
static int claim_exchange(int fd, uint8_t *packet, struct claim_answer *a, struct refusal *why)
{
	int pair[2] = { -1, -1 }, r = -1;
	int64_t deadline = monotonic_ms() + DEADLINE_MS;
	ssize_t n;

	if (broker_send(fd, CLAIM_ARRIVED, -1, deadline) != 0) {
		refusal_set(why, "the broker closed the connection", "ccctl status");
		goto out;
	}
	n = broker_receive(fd, packet, PACKET_MAX, deadline, why);
	if (n < 0 || broker_check_ok(packet, (size_t)n, why) != 0 || process_harden(fd, why) != 0)
		goto out;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		refusal_set(why, "cannot make a socket pair", NULL);
		goto out;
	}
	if (broker_send(fd, CLAIM_CLAIM, pair[1], deadline) != 0) {
		refusal_set(why, "the broker closed the connection", "ccctl status");
		goto out;
	}
	close(pair[1]); /* so that the receive below ends when the broker dies */
	pair[1] = -1;
	a->wipe = PACKET_MAX;
	n = broker_receive(pair[0], packet, PACKET_MAX, deadline, why);
	if (n < 0)
		goto out;
	a->wipe = (size_t)n;
	r = claim_parse_answer(packet, (size_t)n, a, why);
out:
	if (pair[0] >= 0)
		close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
	return r;
}

int claim_secrets(int fd, struct refusal *why)
{
	struct claim_answer a = { .count = 0 };
	char numbers[SECRETS_MAX][16];
	uint8_t *packet = secret_map(PACKET_MAX);
	int r = -1;

	if (!packet)
		return refusal_set(why, "no memory for the answer", NULL);
	/* The session's copy first: items_to_pipes replaces values by numbers. */
	if (claim_exchange(fd, packet, &a, why) == 0 && session_keep_secrets(&a, why) == 0 &&
	    items_to_pipes(&a, numbers, why) == 0)
		r = environ_add_secrets(&a, why);
	explicit_bzero(packet, a.wipe);
	munmap(packet, PACKET_MAX);
	return r;
}
