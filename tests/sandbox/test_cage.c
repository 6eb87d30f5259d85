/* tests/sandbox/test_cage.c - what a helper in its cage cannot do, and what it still can. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "helpers/helper_cage.h"
#include "sandbox/cage.h"
#include "sandbox/deny_list.h"
#include "sandbox/landlock.h"
#include "tests/sandbox/confined_child.h"

static char home[] = "/tmp/ccrun-cage-XXXXXX";
static char secret[64], device[64], data[64], vault[96], lock[96], run[64], listens[96];
static pid_t outside;
static uint16_t port;

static bool refused(long r)
{
	return r < 0 && (errno == EACCES || errno == EPERM);
}

static int connect_out(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons(port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&a, sizeof(a));
}

/* The number of what is not as it should be; 0 when all is. */
static int files_inside(void)
{
	char path[64], link[256];

	if (!refused(open(secret, O_RDONLY)) || !refused(open(secret, O_WRONLY)) ||
	    !refused(open(home, O_RDONLY | O_DIRECTORY)) || !refused(unlink(secret)))
		return 11;
	snprintf(path, sizeof(path), "%s/new", home);
	if (!refused(open(path, O_WRONLY | O_CREAT, 0600)) || !refused(mkdir(path, 0700)))
		return 12;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)outside);
	if (!refused(readlink(path, link, sizeof(link))))
		return 13;
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)outside);
	/* Root may look into memory all the same. */
	if (geteuid() != 0 && !refused(open(path, O_RDONLY)))
		return 14;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)outside);
	if (open(path, O_RDONLY) < 0 || open("/etc/hosts", O_RDONLY) < 0 ||
	    open("/dev/null", O_RDWR) < 0 || open("/proc/self/status", O_RDONLY) < 0)
		return 15;
	return 0;
}

static int calls_inside(void)
{
	char *const argv[] = { home, NULL };

	if (!refused(execv("/bin/true", argv)) ||
	    !refused(syscall(SYS_execveat, -1, "/bin/true", argv, NULL, 0)))
		return 21;
	if (!refused(ptrace(PTRACE_ATTACH, outside, NULL, NULL)) ||
	    !refused(syscall(SYS_pidfd_getfd, 0, 0, 0)) ||
	    !refused(syscall(SYS_keyctl, 0, 0, 0, 0, 0)))
		return 22;
	return 0;
}

static int signals_inside(void)
{
	int fd = (int)syscall(SYS_pidfd_open, outside, 0u);

	return refused(kill(outside, 0)) && refused(kill(-1, SIGURG)) &&
			       refused(syscall(SYS_tgkill, outside, outside, 0)) &&
			       refused(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0))
		       ? 0
		       : 31;
}

static int network_inside(void)
{
	return connect_out() < 0 && errno == EAFNOSUPPORT && socket(AF_INET6, SOCK_DGRAM, 0) < 0 &&
			       socket(AF_NETLINK, SOCK_RAW, 0) < 0 &&
			       socket(AF_UNIX, SOCK_STREAM, 0) >= 0
		       ? 0
		       : 41;
}

/* As ccrun-keyring. */
static int plain_helper(void)
{
	const struct helper_cage cage = { .broker = false };
	int r = helper_cage_enter(&cage, NULL) != 0 ? 1 : calls_inside();

	if (r == 0 && landlock_abi() > 0)
		r = files_inside();
	if (r == 0)
		r = signals_inside();
	return r ? r : network_inside();
}

/* As ccrun-tpm2. */
static int device_helper(void)
{
	const struct helper_cage cage = { .device = device };

	if (helper_cage_enter(&cage, NULL) != 0)
		return 1;
	if (open(device, O_RDWR) < 0 || (landlock_abi() > 0 && !refused(open(secret, O_RDWR))))
		return 2;
	return network_inside();
}

/* As ccrun-logind: it finds the broker, and not the vault. */
static int broker_helper(void)
{
	const struct helper_cage cage = { .broker = true };

	setenv("XDG_DATA_HOME", home, 1);
	setenv("XDG_RUNTIME_DIR", run, 1);
	if (helper_cage_enter(&cage, NULL) != 0)
		return 1;
	if (open(lock, O_RDONLY) < 0 || open(listens, O_RDONLY | O_DIRECTORY) < 0)
		return 2;
	if (landlock_abi() > 0 &&
	    (!refused(open(vault, O_RDONLY)) || !refused(open(lock, O_WRONLY)) ||
	     !refused(open(secret, O_RDONLY))))
		return 3;
	return signals_inside();
}

static int child_of_helper(void)
{
	pause();
	return 0;
}

/* As ccrun-usage: it reaches servers, and can end the child that it started. */
static int network_helper(void)
{
	const struct helper_cage cage = { .network = true, .forks = true };
	int status;
	pid_t pid;

	if (helper_cage_enter(&cage, NULL) != 0 || connect_out() != 0)
		return 1;
	pid = fork();
	if (pid == 0)
		_exit(child_of_helper());
	if (kill(pid, SIGKILL) != 0 || waitpid(pid, &status, 0) != pid)
		return 2;
	return calls_inside();
}

/* As ccrun-source, whose manager was started before and is not in the cage. */
static int child_outside(void)
{
	const struct helper_cage cage = { .broker = true, .child = true };
	pid_t pid = fork();
	int status, r;

	if (pid == 0)
		_exit(child_of_helper());
	if (helper_cage_enter(&cage, NULL) != 0)
		return 1;
	r = calls_inside();
	if (r == 0 && landlock_abi() > 0)
		r = files_inside();
	if (r == 0)
		r = network_inside();
	if (kill(pid, SIGTERM) != 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		return 2;
	return r;
}

static int abort_in_cage(void)
{
	const struct helper_cage cage = { .broker = false };
	const struct rlimit nothing = { 0, 0 };

	if (helper_cage_enter(&cage, NULL) != 0 || setrlimit(RLIMIT_CORE, &nothing) != 0)
		return 1;
	abort();
}

/* Rights on directories: what a broker does with its own. */
static int writing_rules(void)
{
	const struct landlock_path paths[] = {
		{ .path = run,
		  .may = LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_MAKE | LANDLOCK_REMOVE },
		{ .path = data, .may = LANDLOCK_REMOVE },
		{ .path = "/nonexistent", .may = LANDLOCK_READ },
		/* of a file what concerns files alone */
		{ .path = device, .may = LANDLOCK_READ | LANDLOCK_MAKE | LANDLOCK_REMOVE },
	};
	const struct landlock_rules rules = { .paths = paths, .path_count = 4 };
	int dir = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (cage_enter(&rules, 0, NULL) != 0)
		return 1;
	if (landlock_abi() == 0)
		return 0;
	fd = openat(dir, "a", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, 3) != 0 || linkat(dir, "a", dir, "b", 0) != 0 ||
	    renameat(dir, "b", dir, "c") != 0 || unlinkat(dir, "c", 0) != 0)
		return 2;
	if (!refused(mkdirat(dir, "d", 0700)) || !refused(symlinkat("/", dir, "l")) ||
	    !refused(open(vault, O_RDONLY)) || !refused(open(lock, O_WRONLY)) ||
	    !refused(open(secret, O_RDONLY)) || !refused(unlink(secret)))
		return 3;
	if (open(device, O_RDONLY) < 0 || !refused(open(device, O_WRONLY)) || unlink(lock) != 0)
		return 4;
	return 0;
}

static void test_plain(void **state)
{
	(void)state;
	expect_done(plain_helper);
}

static void test_device(void **state)
{
	(void)state;
	expect_done(device_helper);
}

static void test_broker(void **state)
{
	(void)state;
	expect_done(broker_helper);
}

static void test_network(void **state)
{
	(void)state;
	expect_done(network_helper);
}

static void test_child(void **state)
{
	(void)state;
	expect_done(child_outside);
}

static void test_abort(void **state)
{
	(void)state;
	expect_signal(abort_in_cage, SIGABRT);
}

static void test_writing(void **state)
{
	(void)state;
	expect_done(writing_rules);
}

static int make_place(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(home));
	snprintf(secret, sizeof(secret), "%s/id_ed25519", home);
	snprintf(device, sizeof(device), "%s/tpm", home);
	snprintf(data, sizeof(data), "%s/ccrun", home);
	snprintf(run, sizeof(run), "%s/run", home);
	snprintf(listens, sizeof(listens), "%s/ccrun", run);
	snprintf(vault, sizeof(vault), "%s/vault", data);
	snprintf(lock, sizeof(lock), "%s/vault.lock", data);
	assert_int_equal(mkdir(data, 0700) | mkdir(run, 0700) | mkdir(listens, 0700), 0);
	put_file(secret);
	put_file(device);
	put_file(vault);
	put_file(lock);
	listen_on(&port);
	outside = start_outside();
	return 0;
}

static int remove_place(void **state)
{
	char path[80];

	(void)state;
	end_outside(outside);
	snprintf(path, sizeof(path), "%s/a", run);
	unlink(path);
	unlink(secret);
	unlink(device);
	unlink(vault);
	unlink(lock);
	rmdir(data);
	rmdir(listens);
	rmdir(run);
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	cmocka_unit_test(test_device),
		cmocka_unit_test(test_broker),	cmocka_unit_test(test_network),
		cmocka_unit_test(test_child),	cmocka_unit_test(test_abort),
		cmocka_unit_test(test_writing),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
