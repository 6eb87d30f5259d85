/* tests/relay/test_sandbox.c - what ccrun-relay cannot do any more once it serves. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "base/proc.h"
#include "relay/sandbox.h"
#include "tests/sandbox/confined_child.h"

#define NET_ABI 4
#define SCOPE_ABI 6

static char mine[] = "/tmp/ccrun-relay-XXXXXX";
static pid_t outside;
static uint16_t allowed_port, other_port;
static struct sockaddr_un abstract = { .sun_family = AF_UNIX };

static bool refused(long r)
{
	return r < 0 && (errno == EACCES || errno == EPERM);
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a));
}

static void *thread_run(void *arg)
{
	return arg;
}

/* Of the calls that seccomp refuses, those that would otherwise do something. */
static int calls_inside(void)
{
	char *const argv[] = { mine, NULL };
	struct iovec iov = { mine, sizeof(mine) };

	if (!refused(execv("/bin/true", argv)) ||
	    !refused(syscall(SYS_execveat, -1, "/bin/true", argv, NULL, 0)))
		return 11;
	if (!refused(ptrace(PTRACE_ATTACH, outside, NULL, NULL)) ||
	    !refused(process_vm_readv(outside, &iov, 1, &iov, 1, 0)) ||
	    !refused(syscall(SYS_pidfd_getfd, 0, 0, 0)) ||
	    !refused(syscall(SYS_kcmp, getpid(), outside, 0, 0, 0)))
		return 12;
	if (!refused(unshare(CLONE_NEWUSER)) || !refused(mount("a", "/tmp", "tmpfs", 0, NULL)) ||
	    !refused(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL)))
		return 13;
	if (!refused(syscall(SYS_keyctl, 0, 0, 0, 0, 0)) ||
	    !refused(syscall(SYS_io_uring_setup, 1, NULL)) ||
	    !refused(syscall(SYS_bpf, 0, NULL, 0)) || !refused(syscall(SYS_userfaultfd, 0)))
		return 14;
	return 0;
}

static int files_inside(void)
{
	if (!refused(open(mine, O_RDONLY)) || !refused(open(mine, O_WRONLY)) ||
	    !refused(truncate(mine, 0)))
		return 21;
	if (!refused(open("/tmp/ccrun-relay-new", O_CREAT | O_EXCL | O_WRONLY, 0600)))
		return 22;
	if (open("/etc/hosts", O_RDONLY) < 0 || open("/etc/ssl/openssl.cnf", O_RDONLY) < 0)
		return 23;
	return 0;
}

static int network_inside(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	socklen_t n = sizeof(abstract.sun_family) + sizeof(mine);

	if (connect_to(allowed_port) != 0)
		return 31;
	if (landlock_abi() >= NET_ABI &&
	    (!refused(connect_to(other_port)) ||
	     !refused(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&any, sizeof(any)))))
		return 32;
	if (landlock_abi() >= SCOPE_ABI &&
	    (!refused(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&abstract, n)) ||
	     !refused(kill(outside, 0))))
		return 33;
	return 0;
}

/* The number of what is not as it should be; 0 when all is. */
static int inside(void)
{
	struct rlimit core;
	pthread_t thread;
	int r;

	if (relay_sandbox_enter(&allowed_port, 1, NULL) != 0)
		return 1;
	if (!proc_self_marked() || getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0)
		return 2;
	/* libcurl resolves names in one. */
	if (pthread_create(&thread, NULL, thread_run, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 3;
	r = calls_inside();
	if (r == 0 && landlock_abi() >= 1)
		r = files_inside();
	return r ? r : network_inside();
}

static void test_sandbox(void **state)
{
	int status, fd, listeners[3];

	(void)state;
	skip_without_landlock();
	fd = mkstemp(mine);
	assert_true(fd >= 0);
	close(fd);
	listeners[0] = listen_on(&allowed_port);
	listeners[1] = listen_on(&other_port);
	listeners[2] = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(abstract.sun_path + 1, mine, sizeof(mine) - 1);
	assert_int_equal(bind(listeners[2], (struct sockaddr *)&abstract,
			      sizeof(abstract.sun_family) + sizeof(mine)),
			 0);
	assert_int_equal(listen(listeners[2], 5), 0);
	outside = start_outside();
	status = child_status(inside);
	end_outside(outside);
	unlink(mine);
	for (fd = 0; fd < 3; fd++)
		close(listeners[fd]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sandbox) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
