/* tests/broker/test_broker_cage.c - what a serving broker cannot do any more, and who it has
 * beside it for that. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/proc.h"
#include "broker/broker.h"
#include "broker/sandbox.h"
#include "broker/witness.h"
#include "sandbox/landlock.h"
#include "tests/sandbox/confined_child.h"

static char home[] = "/tmp/ccrun-broker-XXXXXX";
static char path_of_data[64], path_of_state[64], path_of_run[64], path_of_key[64];
static char secret[64], sock[96], credential[96];
static struct broker b;
static pid_t like_us, apart, hidden;
static int abi; /* a broker in its cage may not ask */

static bool refused(long r)
{
	return r < 0 && errno == EACCES;
}

static int open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int enter(void)
{
	b.tenant[0].store.dir = open_dir(path_of_data);
	b.tenant[0].audit.dir = open_dir(path_of_state);
	b.auto_unlock.credentials = open_dir(path_of_key);
	snprintf(b.socket, sizeof(b.socket), "%s", sock);
	return witness_start(NULL) != 0 ? -1 : sandbox_enter(&b, NULL);
}

/* As a vault is replaced. */
static int writes_in(int dir)
{
	int fd = openat(dir, "new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd >= 0 && ftruncate(fd, 10) == 0 && fsync(fd) == 0 &&
			       linkat(dir, "new", dir, "old", 0) == 0 &&
			       renameat(dir, "new", dir, "vault") == 0 &&
			       unlinkat(dir, "old", 0) == 0 && unlinkat(dir, "vault", 0) == 0
		       ? 0
		       : -1;
}

static int own_directories(void)
{
	if (enter() != 0)
		return 1;
	if (writes_in(b.tenant[0].store.dir) != 0 || writes_in(b.tenant[0].audit.dir) != 0)
		return 2;
	if (open(credential, O_RDONLY) < 0 || open("/proc/self/smaps", O_RDONLY) < 0 ||
	    open("/etc/hosts", O_RDONLY) < 0)
		return 3;
	if (sandbox_landlock() != (abi < 0 ? 0 : abi))
		return 4;
	return unlink(sock) == 0 ? 0 : 5;
}

static int nothing_else(void)
{
	char link[256], path[64];

	if (enter() != 0)
		return 1;
	if (abi < 1)
		return 0;
	if (!refused(open(secret, O_RDONLY)) || !refused(open(secret, O_WRONLY)) ||
	    !refused(open(home, O_RDONLY | O_DIRECTORY)) || !refused(unlink(secret)) ||
	    !refused(open("/usr/bin/env", O_RDONLY)))
		return 2;
	if (!refused(open(credential, O_WRONLY)) || !refused(unlink(credential)) ||
	    !refused(openat(AT_FDCWD, sock, O_CREAT | O_WRONLY, 0600)))
		return 3;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)like_us);
	return refused(readlink(path, link, sizeof(link))) ? 0 : 4;
}

static int witnessed(void)
{
	char exe[256], mine[256];

	if (proc_link(getpid(), "exe", mine, sizeof(mine)) != 0 || enter() != 0)
		return 1;
	if (witness_read_link(like_us, "exe", exe, sizeof(exe)) != 0 || strcmp(exe, mine) != 0)
		return 2;
	if (proc_same_namespaces(like_us, witness_read_link) != 1)
		return 3;
	/* What it may not look into it says so of; status tells then. */
	if (geteuid() != 0 &&
	    (witness_read_link(hidden, "exe", exe, sizeof(exe)) == 0 || errno != EACCES))
		return 4;
	if (proc_same_namespaces(hidden, witness_read_link) != 1)
		return 5;
	if (apart && proc_same_namespaces(apart, witness_read_link) != 0)
		return 6;
	/* Nothing but these three links. */
	if (witness_read_link(like_us, "root", exe, sizeof(exe)) == 0 || errno != EINVAL)
		return 7;
	return witness_read_link(0x7ffffff0, "exe", exe, sizeof(exe)) != 0 && errno == ENOENT ? 0
											      : 8;
}

static int without_witness(void)
{
	/* It was never started: nothing counts as the same namespace. */
	return proc_same_namespaces(like_us, witness_read_link) == -1 ? 0 : 1;
}

static int makes_a_socket(void)
{
	return enter() != 0 ? 1 : socket(AF_UNIX, SOCK_STREAM, 0);
}

static int sends_a_signal(void)
{
	return enter() != 0 ? 1 : kill(like_us, 0);
}

static int runs_a_program(void)
{
	return enter() != 0 ? 1 : execl("/bin/true", "true", NULL);
}

#ifdef __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

/* What a sanitizer calls behind our back the filter ends. */
static void skip_sanitized(void)
{
	if (SANITIZED)
		skip();
}

static void test_cage(void **state)
{
	static int (*const cases[])(void) = { own_directories, nothing_else, witnessed,
					      without_witness };
	size_t i;

	(void)state;
	skip_sanitized();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_done(cases[i]);
}

static void test_calls_that_end_it(void **state)
{
	static int (*const cases[])(void) = { makes_a_socket, sends_a_signal, runs_a_program };
	size_t i;

	(void)state;
	skip_sanitized();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_signal(cases[i], SIGSYS);
}

/* A process that waits; prepare says with 0 that it is as wanted. */
static pid_t start_waiting(int (*prepare)(void))
{
	int ready[2];
	char one = 0;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		one = prepare() == 0 ? 'y' : 'n';
		if (write(ready[1], &one, 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &one, 1), 1);
	close(ready[0]);
	if (one == 'y')
		return pid;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

static int prepare_nothing(void)
{
	return 0;
}

static int prepare_apart(void)
{
	return unshare(CLONE_NEWUSER);
}

static int prepare_hidden(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int make_place(void **state)
{
	(void)state;
	abi = landlock_abi();
	assert_non_null(mkdtemp(home));
	snprintf(path_of_data, sizeof(path_of_data), "%s/data", home);
	snprintf(path_of_state, sizeof(path_of_state), "%s/state", home);
	snprintf(path_of_run, sizeof(path_of_run), "%s/run", home);
	snprintf(path_of_key, sizeof(path_of_key), "%s/key", home);
	snprintf(secret, sizeof(secret), "%s/id_ed25519", home);
	snprintf(sock, sizeof(sock), "%s/broker.sock", path_of_run);
	snprintf(credential, sizeof(credential), "%s/ccrun.key", path_of_key);
	assert_int_equal(mkdir(path_of_data, 0700) | mkdir(path_of_state, 0700) |
				 mkdir(path_of_run, 0700) | mkdir(path_of_key, 0700),
			 0);
	put_file(secret);
	put_file(credential);
	put_file(sock);
	like_us = start_waiting(prepare_nothing);
	apart = start_waiting(prepare_apart);
	hidden = start_waiting(prepare_hidden);
	return like_us && hidden ? 0 : -1;
}

static int remove_place(void **state)
{
	const pid_t started[] = { like_us, apart, hidden };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		if (started[i])
			end_outside(started[i]);
	unlink(secret);
	unlink(credential);
	unlink(sock);
	rmdir(path_of_data);
	rmdir(path_of_state);
	rmdir(path_of_run);
	rmdir(path_of_key);
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cage),
		cmocka_unit_test(test_calls_that_end_it),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
