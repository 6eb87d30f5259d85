/*
 * helpers/tpm2/main.c - ccrun-tpm2: seals a vault slot's wrapping key to this
 * machine's TPM, and unseals it.  The only program that links tpm2-tss.
 *
 *   ccrun-tpm2 seal      receives the 32-byte key, replies with a blob (blob.h)
 *   ccrun-tpm2 unseal    receives the blob, replies with the key
 *
 * ccctl runs it; descriptor 3 is the channel (helpers/channel.h).
 *
 * There are two processes.  A worker talks to the TPM; its parent replies in its
 * place if it does not finish in time.  A TPM driver can block the worker in the
 * kernel, where it gets no signal, so the worker cannot enforce its own deadline.
 * The parent never sees the key.  The worker's memory is created by fork after
 * hardening: a /proc/PID/mem that was opened on the parent earlier does not show it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
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
#include "helpers/tpm2/transport.h"

/* From the start to the reply.  A slow TPM needs about two seconds. */
#define DEADLINE_MS 10000

/* Offset in the channel's locked buffer of the library's copy of the key. */
#define ROOM_AT 1024
_Static_assert(ROOM_AT + sizeof(TPM2B_SENSITIVE_CREATE) <= CHANNEL_MAX,
	       "the key's forms fit into the buffer");
_Static_assert(BLOB_MAX < CHANNEL_MAX, "a blob fits into one packet");

static int run_seal(size_t n, struct failure *f)
{
	uint8_t *key = channel_buffer(), blob[BLOB_MAX];
	TPM2B_SENSITIVE_CREATE *room = (void *)(key + ROOM_AT);
	struct sealed s = { 0 };
	struct tpm c;
	size_t length = 0;
	int r;

	if (n != KEY_BYTES)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"cannot seal a key of %zu bytes: it has %d", n, KEY_BYTES);
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

static int run_unseal(size_t n, struct failure *f)
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

static const struct operation {
	const char *name;
	int (*run)(size_t n, struct failure *f);
} operations[] = {
	{ "seal", run_seal },
	{ "unseal", run_unseal },
};

static const struct operation *find_operation(int argc, char **argv, struct failure *f)
{
	size_t i;

	for (i = 0; argc == 2 && i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(argv[1], operations[i].name) == 0)
			return &operations[i];
	fail_set(f, FAIL_USAGE, "ccctl runs this program", "usage: ccrun-tpm2 seal | unseal");
	return NULL;
}

/* A fork does not inherit memory locks, and may be traced although its parent is not. */
static int worker_prepare(pid_t parent, struct failure *f)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return fail_errno(f, NULL, "end with the parent");
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	if (proc_tracer(getpid()) != 0)
		return fail_set(f, FAIL_POSTURE, "detach the debugger",
				"somebody traces this process");
	if (locked_relock(channel_buffer(), CHANNEL_MAX, f) != 0)
		return -1;
	/* Our failure says it; tpm2-tss would log to the terminal or to a file. */
	if (setenv("TSS2_LOG", "all+NONE", 1) != 0 || unsetenv("TSS2_LOGFILE") != 0)
		return fail_errno(f, NULL, "silence tpm2-tss");
	return transport_cage(f);
}

static void __attribute__((noreturn)) worker_main(const struct operation *op, pid_t parent)
{
	struct failure f = { 0 };
	ssize_t n;
	int r = worker_prepare(parent, &f);

	if (r == 0) {
		n = channel_receive(&f);
		r = n < 0 ? -1 : op->run((size_t)n, &f);
	}
	r = r == 0 ? EXIT_DONE : channel_reply_failure(&f);
	channel_close();
	_exit(r);
}

/* Wait for the worker.  True: it ended, with *status; false: the deadline passed. */
static bool wait_for_worker(pid_t worker, int64_t deadline, int *status)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		int64_t left = deadline - clock_now_ms();
		struct timespec t = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };

		if (waitpid(worker, status, WNOHANG) == worker)
			return true;
		if (left <= 0)
			return false;
		sigtimedwait(&child, NULL, &t);
	}
}

/* Wait for the worker and return the exit code; reply if the worker could not. */
static int supervise_worker(pid_t worker, int64_t deadline)
{
	struct failure f;
	int status = 0;

	if (!wait_for_worker(worker, deadline, &status)) {
		kill(worker, SIGKILL);
		fail_set(&f, FAIL_TIMEOUT, "try again; if it stays like this, restart the machine",
			 "the TPM did not answer within %d seconds", DEADLINE_MS / 1000);
		return channel_reply_failure(&f);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fail_set(&f, FAIL_INTERNAL, NULL, "talking with the TPM ended by signal %d",
		 WTERMSIG(status));
	return channel_reply_failure(&f);
}

static int run_in_worker(const struct operation *op, struct failure *f)
{
	int64_t deadline = clock_now_ms() + DEADLINE_MS;
	pid_t self = getpid(), worker;
	sigset_t child, before;

	/* Before the worker starts, so that a missing packet is not reported as a slow TPM. */
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
		worker_main(op, self);
	}
	return supervise_worker(worker, deadline);
}

int main(int argc, char **argv)
{
	struct failure f = { 0 };
	const struct operation *op;
	int r = -1;

	if (channel_open(&f) == 0 && (op = find_operation(argc, argv, &f)) != NULL)
		r = run_in_worker(op, &f);
	if (r < 0)
		r = channel_reply_failure(&f);
	channel_close();
	return r;
}
