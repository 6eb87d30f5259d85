/*
 * start/source.c - having ccrun-source fetch tokens that stay in another manager.
 * The other side is helpers/source/; descriptor 3 is the conversation
 * (helpers/answer.h).
 */
#include "start/source.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/sock.h"

#define PROGRAM "ccrun-source"
#define WORDS (SESSION_ENTRIES_MAX + 4)
#define TEXTS_MAX 1024 /* of a failure: a name, two texts */

bool fetch_terminal(void)
{
	int fd;

	if (!isatty(STDERR_FILENO))
		return false;
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* It handles a secret: nothing is to be loaded into it. */
static void drop_loader_variables(void)
{
	char **from = environ, **to = environ;

	for (; *from; from++)
		if (strncmp(*from, "LD_", 3) != 0 && strncmp(*from, "GLIBC_TUNABLES=", 15) != 0)
			*to++ = *from;
	*to = NULL;
}

static void __attribute__((noreturn)) become(const char *path, const char *const argv[], int fd, bool terminal)
{
	/* Not our standard input, which is claude's, nor its output. */
	int in = open(terminal ? "/dev/tty" : "/dev/null", O_RDWR | O_NOCTTY);

	if (in < 0 || dup2(in, 0) < 0 || dup2(2, 1) < 0 || dup2(fd, 3) < 0)
		_exit(127);
	syscall(SYS_close_range, 4u, ~0u, 0u);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	drop_loader_variables();
	execv(path, (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Its one answer.  It bounds its own time; its end is an answer too. */
static int hear(int fd, uint8_t *out, size_t room, size_t *n, struct failure *f)
{
	char kind = 0, texts[TEXTS_MAX];
	struct iovec iov[2] = { { &kind, 1 }, { room ? out : (uint8_t *)texts, room ? room : sizeof(texts) } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t got;

	do
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return fail_set(f, FAIL_SYSTEM, "is the installation whole? make install",
				PROGRAM " ended without an answer");
	if (kind != 'k')
		return fail_unpack(f, iov[1].iov_base, (size_t)got - 1);
	if (m.msg_flags & MSG_TRUNC)
		return fail_set(f, FAIL_TOO_LARGE, NULL, PROGRAM " answered too much");
	*n = (size_t)got - 1;
	return 0;
}

/* While it has the terminal, Ctrl-C is for it: its answer is what ends us. */
static void mind_signals(struct sigaction was[2])
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &ignore, &was[0]);
	sigaction(SIGQUIT, &ignore, &was[1]);
}

static int run(const char *const argv[], bool terminal, const struct iovec *packet, unsigned parts,
	       uint8_t *out, size_t room, size_t *n, struct failure *f)
{
	struct sigaction was[2];
	char path[PATH_SIZE];
	int pair[2], status, r = 0;
	pid_t pid;

	if (path_sibling("libexec/ccrun/" PROGRAM, path, f) != 0)
		return -1;
	if (access(path, X_OK) != 0)
		return fail_set(f, FAIL_CONFIG, "make install puts it there; make HELPERS= leaves it out",
				PROGRAM " is not installed");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(f, NULL, "socketpair");
	mind_signals(was);
	pid = fork();
	if (pid == 0)
		become(path, argv, pair[1], terminal);
	close(pair[1]);
	if (pid < 0)
		r = fail_errno(f, NULL, "fork");
	else if (parts && sock_send(pair[0], packet, (int)parts, -1) != 0 && errno != EPIPE && errno != ECONNRESET)
		r = fail_errno(f, NULL, "speak to " PROGRAM);
	if (r == 0)
		r = hear(pair[0], out, room, n, f);
	close(pair[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &was[0], NULL);
	sigaction(SIGQUIT, &was[1], NULL);
	return r;
}

int fetch_values(const char *const names[], bool terminal, struct failure *f)
{
	const char *argv[WORDS + 1] = { PROGRAM, "fetch" };
	unsigned n = 2, i;
	size_t none;

	if (terminal)
		argv[n++] = "--terminal";
	for (i = 0; names[i] && n < WORDS; i++)
		argv[n++] = names[i];
	return run(argv, terminal, NULL, 0, NULL, 0, &none, f);
}

int fetch_try(const struct entry_source *s, bool terminal, uint8_t *out, size_t room, size_t *n,
	      struct failure *f)
{
	const char *const argv[] = { PROGRAM, "try", terminal ? "--terminal" : NULL, NULL };
	struct iovec texts[3] = { { (void *)(uintptr_t)s->ref, strlen(s->ref) + 1 },
				  { (void *)(uintptr_t)s->command, strlen(s->command) + 1 },
				  { (void *)(uintptr_t)s->pick, strlen(s->pick) + 1 } };

	return run(argv, terminal, texts, 3, out, room, n, f);
}
