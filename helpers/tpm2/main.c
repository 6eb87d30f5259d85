/*
 * ccrun-tpm2 - seals a vault slot's wrapping key to this machine's TPM, and
 * unseals it.  The only program that links tpm2-tss.
 *
 *   ccrun-tpm2 seal      takes the 32-byte key, answers with a blob (blob.h)
 *   ccrun-tpm2 unseal    takes the blob, answers with the key
 *
 * Two processes: a worker that talks with the TPM, and a parent that answers
 * in its place when it does not come back.  A driver may hold a process in the
 * kernel, where no signal reaches it and no alarm goes off; the parent is not
 * held.  It never sees a key, and the worker's memory is new: whoever opened
 * the parent's before it was undumpable has nothing.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/locked.h"
#include "base/proc.h"
#include "helpers/channel.h"
#include "helpers/tpm2/blob.h"
#include "helpers/tpm2/tpm.h"

/* From the start to the answer.  A slow chip needs about two seconds. */
#define DEADLINE_MS 10000

/* Where in the locked buffer seal has the library's form of the key. */
#define ROOM_AT 1024
_Static_assert(ROOM_AT + sizeof(TPM2B_SENSITIVE_CREATE) <= CHANNEL_MAX, "the key's forms fit into the buffer");
_Static_assert(BLOB_MAX < CHANNEL_MAX, "a blob fits into one packet");

static int seal(size_t n, struct failure *f)
{
	uint8_t *key = channel_buffer(), blob[BLOB_MAX];
	TPM2B_SENSITIVE_CREATE *room = (void *)(key + ROOM_AT);
	struct sealed s = { 0 };
	struct tpm c;
	size_t length = 0;
	int r;

	if (n != KEY_BYTES)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "cannot seal a key of %zu bytes: it has %d", n, KEY_BYTES);
	r = tpm_open(&c, f);
	if (r == 0)
		r = tpm_seal(&c, key, room, &s, f);
	tpm_close(&c);
	if (r == 0)
		r = blob_pack(&s, blob, &length, f);
	if (r == 0)
		r = channel_reply(blob, length, f);
	return r;
}

static int unseal(size_t n, struct failure *f)
{
	uint8_t *key = channel_buffer();
	struct sealed s = { 0 };
	struct tpm c;
	int r;

	if (blob_unpack(key, n, &s, f) != 0)
		return -1;
	r = tpm_open(&c, f);
	if (r == 0)
		r = tpm_unseal(&c, &s, key, f);
	tpm_close(&c);
	if (r == 0)
		r = channel_reply(key, KEY_BYTES, f);
	return r;
}

static const struct verb {
	const char *name;
	int (*run)(size_t n, struct failure *f);
} verbs[] = {
	{ "seal", seal },
	{ "unseal", unseal },
};

static const struct verb *find_verb(int argc, char **argv, struct failure *f)
{
	size_t i;

	for (i = 0; argc == 2 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return &verbs[i];
	fail_set(f, FAIL_USAGE, "ccctl runs this program", "usage: ccrun-tpm2 seal | unseal");
	return NULL;
}

/* The worker's own start: a fork inherits neither the lock on the buffer nor
 * the promise that nobody traces it. */
static int settle(pid_t parent, struct failure *f)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return fail_errno(f, NULL, "end with the parent");
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	if (proc_tracer(getpid()) != 0)
		return fail_set(f, FAIL_POSTURE, "detach the debugger", "somebody traces this process");
	if (locked_again(channel_buffer(), CHANNEL_MAX, f) != 0)
		return -1;
	/* tpm2-tss would write into the terminal, or a file, what we say better. */
	if (setenv("TSS2_LOG", "all+NONE", 1) != 0 || unsetenv("TSS2_LOGFILE") != 0)
		return fail_errno(f, NULL, "silence tpm2-tss");
	return 0;
}

static void __attribute__((noreturn)) work(const struct verb *v, pid_t parent)
{
	struct failure f = { 0 };
	ssize_t n;
	int r = settle(parent, &f);

	if (r == 0) {
		n = channel_receive(&f);
		r = n < 0 ? -1 : v->run((size_t)n, &f);
	}
	r = r == 0 ? EXIT_DONE : channel_reply_failure(&f);
	channel_close();
	_exit(r);
}

/* Wait for the worker.  1: it ended, with *status; 0: the deadline came first. */
static int ended(pid_t worker, int64_t deadline, int *status)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		int64_t left = deadline - io_now_ms();
		struct timespec t = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };

		if (waitpid(worker, status, WNOHANG) == worker)
			return 1;
		if (left <= 0)
			return 0;
		sigtimedwait(&child, NULL, &t);
	}
}

/* Ends as the worker does, or without it. */
static int watch(pid_t worker, int64_t deadline)
{
	struct failure f;
	int status = 0;

	if (!ended(worker, deadline, &status)) {
		kill(worker, SIGKILL);
		fail_set(&f, FAIL_TIMEOUT, "try again; if it stays like this, restart the machine",
			 "the TPM did not answer within %d seconds", DEADLINE_MS / 1000);
		return channel_reply_failure(&f);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fail_set(&f, FAIL_INTERNAL, NULL, "talking with the TPM ended by signal %d", WTERMSIG(status));
	return channel_reply_failure(&f);
}

static int start(const struct verb *v, struct failure *f)
{
	int64_t deadline = io_now_ms() + DEADLINE_MS;
	pid_t self = getpid(), worker;
	sigset_t child, before;

	/* Here, so that a client that sends nothing is not taken for a slow TPM. */
	if (io_wait(CHANNEL_FD, POLLIN, deadline) == 0)
		return fail_set(f, FAIL_TIMEOUT, NULL, "nothing came on descriptor %d", CHANNEL_FD);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	worker = fork();
	if (worker < 0)
		return fail_errno(f, NULL, "cannot start a worker");
	if (worker == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		work(v, self);
	}
	return watch(worker, deadline);
}

int main(int argc, char **argv)
{
	struct failure f = { 0 };
	const struct verb *v;
	int r = -1;

	if (channel_open(&f) == 0 && (v = find_verb(argc, argv, &f)) != NULL)
		r = start(v, &f);
	if (r < 0)
		r = channel_reply_failure(&f);
	channel_close();
	return r;
}
