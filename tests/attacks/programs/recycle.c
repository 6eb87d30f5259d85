/*
 * recycle SOCKET - a fake broker whose pid, once it has answered "hello", is
 * given to a harmless process from outside before the client looks at it.
 *
 * Here the process from outside is this program itself, which is not marked
 * and hides as a daemon of root's would; everything else is done by a marked
 * child.  Prints what it was told, as text.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 3 /* of all pids there are */
#define NEAR 30

/* {v:1, ok:true, broker:"user", version:"0.1.0", state:"unlocked", vault:"/v"} */
static const char hello[] = "\x86\xa1v\x01\xa2ok\xc3\xa6"
			    "broker\xa4user\xa7version\xa5"
			    "0.1.0"
			    "\xa5state\xa8unlocked\xa5vault\xa2/v";
static int ask[2], told[2];

static int burn(void *unused)
{
	(void)unused;
	syscall(SYS_exit, 0);
	return 0;
}

/* Use up pids, as threads, until the next one is `want` or a few before it. */
static void burn_to(pid_t want)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t p;

	do
		p = clone(burn, stack + sizeof(stack),
			  CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_VFORK, NULL);
	while (p >= want || p < want - NEAR);
}

/* Have the process from outside fork; true when its child got the number. */
static int outside_gets(pid_t want)
{
	pid_t got;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		burn_to(want);
		do {
			if (write(ask[1], "f", 1) != 1 ||
			    read(told[0], &got, sizeof(got)) != sizeof(got))
				return 0;
			if (got == want)
				return 1;
			kill(got, SIGKILL);
		} while (got < want && got > want - 2 * NEAR);
	}
	return 0;
}

static pid_t answer(int c)
{
	pid_t fake = fork();

	if (fake == 0)
		_exit(send(c, hello, sizeof(hello) - 1, 0) < 0);
	waitpid(fake, NULL, 0);
	return fake;
}

static void print(const char *packet, ssize_t n)
{
	ssize_t i;

	for (i = 0; i < n; i++)
		putchar(packet[i] >= ' ' && packet[i] <= '~' ? packet[i] : '.');
	putchar('\n');
	fflush(stdout);
}

/* One connection: "hello" gets the trick, the rest is noted down. */
static void converse(int c)
{
	static char packet[65536];
	struct ucred who;
	socklen_t n = sizeof(who);
	ssize_t got;

	if (getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0 ||
	    recv(c, packet, sizeof(packet), 0) <= 0)
		return;
	kill(who.pid, SIGSTOP);
	puts(outside_gets(answer(c)) ? "recycled" : "missed");
	kill(who.pid, SIGCONT);
	while ((got = recv(c, packet, sizeof(packet), 0)) > 0)
		print(packet, got);
}

static void serve(int listener)
{
	struct timeval patience = { 1, 500000 };
	int c;

	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while ((c = accept(listener, NULL, NULL)) >= 0) {
		setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		converse(c);
		close(c);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct rlimit mark = { 4096, 4096 };
	pid_t child, forked = 0;
	char byte;
	int s;

	if (argc != 2 || pipe(ask) != 0 || pipe(told) != 0)
		return 2;
	child = fork();
	if (child == 0) {
		close(ask[0]);
		setrlimit(RLIMIT_LOCKS, &mark);
		strncpy(sa.sun_path, argv[1], sizeof(sa.sun_path) - 1);
		s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		if (bind(s, (struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(s, 5) != 0)
			_exit(2);
		serve(s);
		fflush(stdout);
		_exit(0);
	}
	close(ask[1]);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(SIGCHLD, SIG_IGN);
	while (read(ask[0], &byte, 1) == 1) {
		forked = fork();
		if (forked == 0) {
			close(1); /* the test waits for its end */
			sleep(8);
			_exit(0);
		}
		if (write(told[1], &forked, sizeof(forked)) != sizeof(forked))
			break;
	}
	if (forked > 0)
		kill(forked, SIGKILL);
	return 0;
}
