/*
 * shim/env_delivery.c - claiming the secrets into this process.
 *
 * The user has chosen the environment for them, which is ordinary memory, so
 * nothing is locked here.  The process is undumpable before they arrive, and
 * every copy of them is wiped unless the program is executed with it.
 */
#include "shim/env_delivery.h"

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/sock.h"
#include "wire/claim.h"
#include "wire/limits.h"

/* The broker's answer, which holds the secrets.  Static: it is too large for the stack. */
static uint8_t answer[WIRE_PACKET_MAX];

/* The client's variable for a key by descriptor means none here: the plain one. */
static struct claim_text variable_for_env(struct claim_text name)
{
	static const char by_fd[] = "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
			  plain[] = "ANTHROPIC_API_KEY";

	if (name.n != sizeof(by_fd) - 1 || memcmp(name.p, by_fd, name.n) != 0)
		return name;
	return (struct claim_text){ plain, sizeof(plain) - 1 };
}

/* "NAME=value" of each item into out[].  Returns count, or -1 with none left. */
static int items_to_strings(const struct claim_item *item, int count, char **out, struct failure *f)
{
	struct claim_text name;
	char *s;
	int i;

	for (i = 0; i < count; i++) {
		name = variable_for_env(item[i].name);
		s = malloc(name.n + item[i].value.n + 2);
		if (!s) {
			env_delivery_wipe(out, (unsigned)count);
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

/* The strings of the broker's answer, a packet of n bytes; 0: there was none. */
static int claim_read_answer(const uint8_t *packet, size_t n, char **out, unsigned max,
			     struct failure *f)
{
	struct claim_item item[SESSION_ENTRIES_MAX];
	struct claim_text what, hint;
	char mend[sizeof(f->hint)];
	int count;

	switch (claim_type(packet, n)) {
	case CLAIM_OK:
		count = claim_get_items(packet, n, item,
					max < SESSION_ENTRIES_MAX ? max : SESSION_ENTRIES_MAX);
		if (count > 0)
			return items_to_strings(item, count, out, f);
		return fail_set(f, FAIL_INTERNAL, NULL,
				"the broker's answer to the claim is malformed");
	case CLAIM_REFUSED:
		if (claim_get_refusal(packet, n, &what, &hint) != 0)
			return fail_set(f, FAIL_INTERNAL, NULL, "the claim was refused");
		fail_set(f, FAIL_POSTURE, NULL, "%.*s", (int)what.n, what.p);
		snprintf(mend, sizeof(mend), "%.*s", (int)hint.n, hint.p);
		/* The broker made it. */
		fail_hint_text(f, mend);
		return -1;
	default:
		return fail_set(f, FAIL_NO_BROKER, "try again",
				"the broker did not answer the claim");
	}
}

int env_delivery_claim(int connection, char **out, unsigned max, struct failure *f)
{
	uint8_t head[CLAIM_HEAD];
	struct iovec iov = { head, sizeof(head) };
	int pair[2], r;
	ssize_t n;

	memset(out, 0, max * sizeof(*out));
	if (proc_harden_self() != 0)
		return fail_errno(f, NULL, "cannot harden this process");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(f, NULL, "socketpair");
	claim_put_head(head, CLAIM_CLAIM, 0);
	n = sock_send(connection, &iov, 1, pair[1]);
	close(pair[1]);
	if (n == 0 && io_wait(pair[0], POLLIN, clock_now_ms() + REPLY_DEADLINE_MS) == 1)
		n = sock_recv(pair[0], answer, sizeof(answer), 0, NULL);
	close(pair[0]);
	r = claim_read_answer(answer, n > 0 ? (size_t)n : 0, out, max, f);
	/* All of it: a packet that was too long has left its beginning here. */
	io_wipe(answer, sizeof(answer));
	return r;
}

void env_delivery_wipe(char **strings, unsigned n)
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
