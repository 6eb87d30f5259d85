/*
 * tests/base/test_base.c - failures, bounded I/O, paths, and what /proc says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/mark.h"
#include "base/number.h"
#include "base/paths.h"
#include "base/proc.h"
#include "tests/base/base_fixture.h"

#define PATIENCE_MS 60000 /* for what happens at once, on a busy machine too */

/* Run f in a fork; its exit status must be 0. */
static void in_child(void (*f)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		f();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define MUST(c) ((c) ? (void)0 : (dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #c), _exit(1)))

/* ---- fail ---- */

static void test_fail_names(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < FAIL_CODE_COUNT; i++) {
		assert_non_null(fail_name((enum fail_code)i));
		for (j = 0; j < i; j++)
			assert_string_not_equal(fail_name((enum fail_code)i),
						fail_name((enum fail_code)j));
		if (i != FAIL_NONE)
			assert_int_equal(fail_from_name(fail_name((enum fail_code)i)), i);
	}
	assert_int_equal(fail_from_name("no such name"), FAIL_INTERNAL);
	assert_int_equal(fail_from_name("none"), FAIL_INTERNAL);
	assert_string_equal(fail_name((enum fail_code)FAIL_CODE_COUNT), "internal");
	assert_string_equal(fail_name((enum fail_code)(-1)), "internal");
}

static void test_fail_exit(void **state)
{
	struct failure f = { 0 };

	(void)state;
	assert_int_equal(fail_exit_code(&f),
			 EXIT_FAILED); /* a failure without a code still failed */
	f.code = FAIL_LOCKED;
	assert_int_equal(fail_exit_code(&f), EXIT_LOCKED);
	f.code = FAIL_NO_ENTRY;
	assert_int_equal(fail_exit_code(&f), EXIT_NO_SUCH);
	f.code = FAIL_MARKED;
	assert_int_equal(fail_exit_code(&f), EXIT_REFUSED);
	f.code = (enum fail_code)99;
	assert_int_equal(fail_exit_code(&f), EXIT_FAILED);
}

static void test_fail_texts(void **state)
{
	struct failure f = { 0 };
	char long_text[1000];

	(void)state;
	assert_int_equal(fail_set(&f, FAIL_BUSY, "wait", "no %s: %d", "place", 3), -1);
	assert_int_equal(f.code, FAIL_BUSY);
	assert_string_equal(f.what, "no place: 3");
	assert_string_equal(f.hint, "wait");
	fail_hint(&f, "or %d", 7);
	assert_string_equal(f.hint, "or 7");
	assert_string_equal(f.what, "no place: 3");
	errno = ENOENT;
	assert_int_equal(fail_errno(&f, NULL, "%s", "x"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(f.code, FAIL_SYSTEM);
	assert_string_equal(f.what, "x: No such file or directory");
	assert_string_equal(f.hint, "");
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	fail_set(&f, FAIL_BUSY, long_text, "%s", long_text);
	assert_int_equal(strlen(f.what), sizeof(f.what) - 1);
	assert_int_equal(strlen(f.hint), sizeof(f.hint) - 1);
	fail_errno(&f, long_text, "%s", long_text);
	assert_int_equal(strlen(f.what), sizeof(f.what) - 1);
	assert_int_equal(fail_set(NULL, FAIL_BUSY, NULL, "x"), -1);
	assert_int_equal(fail_errno(NULL, NULL, "x"), -1);
	fail_hint(NULL, "x");
}

/* ---- io ---- */

static void test_io_read_all(void **state)
{
	char buf[16];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "12345678", 8), 8);
	/* Nobody closed the other end: it ends at the deadline, not before. */
	assert_int_equal(io_read_all(fds[0], buf, sizeof(buf), clock_now_ms() + 20), -1);
	assert_int_equal(errno, ETIMEDOUT);
	close(fds[0]);
	close(fds[1]);

	/* A fresh pipe: on a busy machine that deadline may have passed before the first read. */
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "12345678", 8), 8);
	close(fds[1]);
	assert_int_equal(io_read_all(fds[0], buf, 8, clock_now_ms() + PATIENCE_MS), 8);
	assert_memory_equal(buf, "12345678", 8);
	assert_int_equal(io_read_all(fds[0], buf, 0, clock_now_ms() + PATIENCE_MS), 0);
	close(fds[0]);

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "123456789", 9), 9);
	close(fds[1]);
	assert_int_equal(io_read_all(fds[0], buf, 8, clock_now_ms() + PATIENCE_MS), -1);
	assert_int_equal(errno, EFBIG);
	close(fds[0]);
}

static void test_io_write_all(void **state)
{
	static char big[1 << 20];
	int64_t began = clock_now_ms();
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(io_write_all(fds[1], big, 1000, began + PATIENCE_MS), 0);
	assert_int_equal(io_write_all(fds[1], big, sizeof(big), began + 30), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_true(clock_now_ms() - began >= 30);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(io_write_all(fds[1], big, 1, clock_now_ms() + PATIENCE_MS), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
}

static void test_io_wait(void **state)
{
	int64_t began = clock_now_ms();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(io_wait(fds[0], POLLIN, began - 5), 0);
	assert_int_equal(io_wait(fds[0], POLLIN, began + 20), 0);
	assert_true(clock_now_ms() >= began + 20);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(io_wait(fds[0], POLLIN, INT64_MAX), 1);
	close(fds[0]);
	close(fds[1]);
}

static void test_io_slurp(void **state)
{
	struct failure f = { 0 };
	char *text;
	size_t n;

	(void)state;
	write_file(in_dir("slurp"), "hello", 0600);
	assert_int_equal(io_slurp(in_dir("slurp"), 5, &text, &n, &f), 0);
	assert_int_equal(n, 5);
	assert_string_equal(text, "hello");
	free(text);
	assert_int_equal(io_slurp(in_dir("slurp"), 4, &text, &n, &f), -1);
	assert_int_equal(f.code, FAIL_TOO_LARGE);
	assert_int_equal(io_slurp(in_dir("absent"), 4, &text, &n, &f), -1);
	assert_int_equal(f.code, FAIL_SYSTEM);
	assert_int_equal(io_slurp(dir, 4, &text, &n, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	/* A FIFO without a writer does not hang it. */
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	assert_int_equal(io_slurp(in_dir("fifo"), 4, &text, &n, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
}

static void test_io_replace_file(void **state)
{
	struct failure f = { 0 };
	struct stat st;
	char *text;
	size_t n;

	(void)state;
	write_file(in_dir("replaced"), "old", 0644);
	assert_int_equal(io_replace_file(in_dir("replaced"), 0600, "new text", 8, &f), 0);
	assert_int_equal(io_slurp(in_dir("replaced"), 100, &text, &n, &f), 0);
	assert_string_equal(text, "new text");
	free(text);
	assert_int_equal(stat(in_dir("replaced"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* A link is replaced, not written through. */
	assert_int_equal(symlink("replaced", in_dir("link")), 0);
	assert_int_equal(io_replace_file(in_dir("link"), 0600, "x", 1, &f), 0);
	assert_int_equal(lstat(in_dir("link"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(io_replace_file(in_dir("no/such"), 0600, "x", 1, &f), -1);
}

static void test_io_create_file(void **state)
{
	struct failure f = { 0 };
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(io_create_file(in_dir("created"), "first", 5, NULL, &f), 0);
	assert_int_equal(io_create_file(in_dir("created"), "second", 6, "another name", &f), -1);
	assert_string_equal(f.hint, "another name");
	assert_int_equal(io_slurp(in_dir("created"), 100, &text, &n, &f), 0);
	assert_string_equal(text, "first");
	free(text);
}

static void test_io_create_file_for(void **state)
{
	struct failure f = { 0 };
	char left[4096];
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(io_create_file_for(in_dir("key"), 0400, geteuid(), "k", 1, &f), 0);
	assert_int_equal(stat(in_dir("key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
	assert_int_equal(st.st_nlink, 1);
	/* It also takes away what was begun before, when it is refused. */
	fd = io_temp_open(in_dir("key"), left, sizeof(left));
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(io_create_file_for(in_dir("key"), 0400, geteuid(), "x", 1, &f), -1);
	assert_int_equal(access(left, F_OK), -1);
}

/* As many as there are; and a part of a file is written without the rest. */
static void test_io_read_and_write_at(void **state)
{
	int fd = open(in_dir("part"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char text[16] = "";

	(void)state;
	assert_int_equal(write(fd, "one two", 7), 7);
	assert_int_equal(io_write_at(fd, "***", 3, 4), 0);
	assert_int_equal(io_read_at(fd, text, sizeof(text), 0), 7);
	assert_memory_equal(text, "one ***", 7);
	assert_int_equal(io_read_at(fd, text, 2, 1), 2);
	assert_int_equal(io_read_known(fd, text, sizeof(text), 3), 3);
	assert_int_equal(io_read_known(fd, text, 2, 7), 2);
	assert_int_equal(io_read_at(fd, text, sizeof(text), 7), 0);
	close(fd);
	assert_int_equal(io_read_at(fd, text, sizeof(text), 0), -1);
	assert_int_equal(io_write_at(fd, "*", 1, 0), -1);
}

static void test_io_remove_file(void **state)
{
	(void)state;
	write_file(in_dir("gone"), "text", 0600);
	assert_int_equal(io_remove_file(in_dir("gone")), 0);
	assert_int_equal(io_remove_file(in_dir("gone")), -1);
	assert_int_equal(errno, ENOENT);
}

/* An output that was cut off is one, also when what came last could be written. */
static void test_io_flush(void **state)
{
	FILE *full = fopen("/dev/full", "we"), *good = fopen("/dev/null", "we");

	(void)state;
	assert_non_null(full);
	assert_non_null(good);
	fputs("text", good);
	assert_int_equal(io_flush(good), 0);
	fputs("text", full);
	assert_int_equal(fflush(full), EOF);
	assert_int_equal(io_flush(full), -1);
	fclose(full);
	fclose(good);
}

/* What was begun and is no longer written goes with the next file of that directory; what is
 * being written, and what is not ours, stays. */
static void test_io_temp_open(void **state)
{
	char abandoned[4096], written[4096], tmp[4096];
	int fd, other;

	(void)state;
	fd = io_temp_open(in_dir("it"), abandoned, sizeof(abandoned));
	assert_true(fd >= 0);
	close(fd);
	fd = io_temp_open(in_dir("it"), written, sizeof(written));
	assert_true(fd >= 0);
	assert_int_equal(access(abandoned, F_OK), -1);
	write_file(in_dir(".ccrun-backup"), "a person's", 0600);
	other = io_temp_open(in_dir("another"), tmp, sizeof(tmp));
	assert_true(other >= 0);
	assert_int_equal(access(written, F_OK), 0);
	assert_int_equal(access(in_dir(".ccrun-backup"), F_OK), 0);
	unlink(written);
	unlink(tmp);
	close(fd);
	close(other);
}

/* ---- paths ---- */

static void test_path_of(void **state)
{
	char out[PATH_SIZE], own[PATH_SIZE], huge[PATH_SIZE + 10];
	struct failure f = { 0 };

	(void)state;
	setenv("HOME", "/h", 1);
	unsetenv("XDG_CONFIG_HOME");
	setenv("XDG_DATA_HOME", "relative", 1); /* to be ignored */
	setenv("XDG_STATE_HOME", "/s", 1);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	assert_int_equal(path_of(PATH_CONFIG, "a.conf", out, &f), 0);
	assert_string_equal(out, "/h/.config/ccrun/a.conf");
	assert_int_equal(path_of(PATH_DATA, NULL, out, &f), 0);
	assert_string_equal(out, "/h/.local/share/ccrun");
	assert_int_equal(path_of(PATH_STATE, "x", out, &f), 0);
	assert_string_equal(out, "/s/ccrun/x");
	unsetenv("XDG_CACHE_HOME");
	assert_int_equal(path_of(PATH_CACHE, "x", out, &f), 0);
	assert_string_equal(out, "/h/.cache/ccrun/x");
	assert_int_equal(path_of(PATH_RUNTIME, "broker.sock", out, &f), 0);
	snprintf(own, sizeof(own), "%s/ccrun/broker.sock", dir);
	assert_string_equal(out, own);
	/* Another user's, as su leaves it, or no directory at all. */
	setenv("XDG_RUNTIME_DIR", getuid() == 0 ? "/nonexistent" : "/usr", 1);
	assert_int_equal(path_of(PATH_RUNTIME, "b", out, &f), 0);
	assert_int_not_equal(strncmp(out, "/usr", 4), 0);
	assert_int_not_equal(strncmp(out, "/nonexistent", 12), 0);
	setenv("XDG_RUNTIME_DIR", "", 1);
	assert_int_equal(path_of(PATH_RUNTIME, "b", out, &f), 0);
	assert_null(strstr(out, "/tmp"));
	unsetenv("HOME");
	assert_int_equal(path_of(PATH_CONFIG, NULL, out, &f), -1);
	assert_int_equal(f.code, FAIL_CONFIG);
	setenv("HOME", "also/relative", 1);
	assert_int_equal(path_home(out, &f), -1);
	memset(huge, 'x', sizeof(huge) - 1);
	huge[0] = '/';
	huge[sizeof(huge) - 1] = '\0';
	setenv("HOME", huge, 1);
	assert_int_equal(path_of(PATH_CONFIG, NULL, out, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	setenv("HOME", dir, 1);
}

static void refused_dir(const char *path, const char *what, const char *hint)
{
	struct failure f = { 0 };

	assert_int_equal(path_private_dir(path, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	assert_non_null(strstr(f.what, what));
	assert_non_null(strstr(f.hint, hint));
}

static void test_make_parents(void **state)
{
	struct failure f = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(path_make_parents(in_dir("m/n/file"), &f), 0);
	assert_int_equal(stat(in_dir("m/n"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(access(in_dir("m/n/file"), F_OK), -1);
	assert_int_equal(path_make_parents(in_dir("m/n/file"), &f), 0);
	write_file(in_dir("m/n/file"), "", 0600);
	assert_int_equal(path_make_parents(in_dir("m/n/file/below/it"), &f), -1);
	assert_non_null(strstr(f.what, "m/n/file/below"));
}

static void test_private_dir(void **state)
{
	struct failure f = { 0 };
	struct stat st;
	int fd;

	(void)state;
	fd = path_private_dir(in_dir("p/q/r"), &f);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	close(fd);
	assert_int_equal(chmod(in_dir("p/q/r"), 0710), 0);
	refused_dir(in_dir("p/q/r"), "open to others (mode 0710)", "chmod 700");
	assert_int_equal(symlink("q", in_dir("p/link")), 0);
	refused_dir(in_dir("p/link"), "symbolic link", "real directory");
	write_file(in_dir("p/file"), "", 0600);
	refused_dir(in_dir("p/file"), "a file", "real directory");
	if (geteuid() == 0)
		assert_int_equal(chown(in_dir("p/q"), 65534, 65534), 0);
	refused_dir(geteuid() == 0 ? in_dir("p/q") : "/usr", "belongs to uid",
		    "leave it to its owner");
	if (geteuid() != 0)
		setenv("HOME", "/usr", 1);
	refused_dir(geteuid() == 0 ? in_dir("p/q") : "/usr/share", "belongs to uid",
		    geteuid() == 0 ? "leave it" : "HOME=/usr leads there");
	setenv("HOME", dir, 1);
}

static void test_check_trusted(void **state)
{
	struct failure f = { 0 };
	int fd;

	(void)state;
	write_file(in_dir("conf"), "", 0644);
	fd = open(in_dir("conf"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(path_check_trusted(fd, "conf", &f), 0);
	assert_int_equal(fchmod(fd, 0664), 0);
	assert_int_equal(path_check_trusted(fd, "conf", &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	assert_int_equal(fchmod(fd, 0646), 0);
	assert_int_equal(path_check_trusted(fd, "conf", &f), -1);
	close(fd);
	fd = open("/usr", O_RDONLY | O_CLOEXEC); /* root's, closed to others */
	assert_int_equal(path_check_trusted(fd, "/usr", &f), 0);
	close(fd);
}

/* ---- proc ---- */

static void test_proc_stat(void **state)
{
	struct proc_stat st, again;
	char name[16];

	(void)state;
	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, "a) R (b 1 2\n");
	assert_int_equal(proc_stat(getpid(), &st), 0);
	assert_string_equal(st.comm, "a) R (b 1 2\n");
	prctl(PR_SET_NAME, name);
	assert_int_equal(st.ppid, getppid());
	assert_int_equal(st.sid, getsid(0));
	assert_int_equal(st.owner, geteuid());
	assert_true(st.state == 'R' || st.state == 'S');
	assert_int_equal(proc_stat(getpid(), &again), 0);
	assert_int_equal(st.start, again.start);
	assert_int_equal(proc_stat(0x7ffffff0, &st), -1);
	assert_int_equal(proc_stat(-1, &st), -1);
}

static void test_proc_ignores(void **state)
{
	(void)state;
	signal(SIGUSR1, SIG_IGN);
	assert_int_equal(proc_ignores(getpid(), SIGUSR1), 1);
	assert_int_equal(proc_ignores(getpid(), SIGUSR2), 0);
	signal(SIGUSR1, SIG_DFL);
	assert_int_equal(proc_ignores(getpid(), SIGUSR1), 0);
	assert_int_equal(proc_ignores(0x7ffffff0, SIGUSR1), -1);
}

static void marked_child(void)
{
	pid_t pid;
	int status;

	MUST(!proc_self_marked() && proc_marked(getpid()) == 0);
	MUST(proc_mark_self() == 0 && proc_mark_self() == 0);
	MUST(proc_self_marked() && proc_marked(getpid()) == 1);
	pid = fork();
	if (pid == 0)
		_exit(proc_self_marked() ? 0 : 1);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	MUST(!proc_mark_is_foreign(getpid()));
}

static bool is_our_parent(const void *arg, pid_t pid)
{
	(void)arg;
	return pid == getppid();
}

/* Marked by somebody else, and by ccrun: what it is told. */
static void refused_child(void)
{
	const struct rlimit other = { 7, 7 };
	struct failure f;

	MUST(!mark_is_of_namespace() && !mark_is_inside(getpid(), NULL, NULL));
	MUST(proc_mark_self() == 0 && !mark_is_inside(getpid(), NULL, NULL));
	MUST(mark_refuse(getpid(), false, &f) == -1 && f.code == FAIL_MARKED);
	MUST(strstr(f.what, "no session is seen above it") && strstr(f.hint, "new terminal"));
	MUST(mark_refuse(getpid(), true, &f) == -1 && f.code == FAIL_MARKED);
	MUST(strstr(f.what, "a process inside a session gets nothing"));
	MUST(setrlimit(RLIMIT_LOCKS, &other) == 0 && proc_mark_is_foreign(getpid()));
	MUST(mark_refuse(getpid(), true, &f) == -1 && f.code == FAIL_MARKED);
	MUST(strstr(f.what, "RLIMIT_LOCKS (prlimit)"));
	MUST(mark_is_inside(getpid(), is_our_parent, NULL));
	MUST(mark_is_inside(0x7ffffff0, NULL, NULL));
}

static void hardened_child(void)
{
	struct proc_stat st;

	MUST(proc_stat(getpid(), &st) == 0 && st.owner == geteuid());
	MUST(proc_harden_self() == 0);
	MUST(proc_stat(getpid(), &st) == 0 && st.owner == 0);
	MUST(prctl(PR_GET_DUMPABLE) == 0);
}

static void traced_child(void)
{
	MUST(proc_tracer(getpid()) == 0);
	MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	MUST(proc_tracer(getpid()) == getppid());
	MUST(proc_fork_hardened(true) == -1 && errno == EPERM);
}

static void confined_child(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	MUST(proc_confined(getpid()) == 0);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	MUST(proc_confined(getpid()) == 0);
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
	MUST(proc_confined(getpid()) == 1);
}

/* A user with many groups: they stand before what is read. */
static void member_child(void)
{
	gid_t group[2000];
	unsigned i;

	for (i = 0; i < 2000; i++)
		group[i] = 4000000000u + i;
	if (setgroups(2000, group) == 0)
		confined_child();
}

static void test_proc(void **state)
{
	char exe[PATH_SIZE], tiny[4];

	(void)state;
	in_child(marked_child);
	in_child(refused_child);
	in_child(hardened_child);
	in_child(traced_child);
	in_child(confined_child);
	in_child(member_child);
	assert_int_equal(proc_same_namespaces(getpid(), proc_link), 1);
	assert_int_equal(proc_same_namespaces(0x7ffffff0, proc_link), -1);
	assert_int_equal(proc_marked(0x7ffffff0), -1);
	assert_int_equal(proc_tracer(0x7ffffff0), -1);
	assert_int_equal(proc_confined(0x7ffffff0), -1);
	assert_int_equal(proc_link(getpid(), "exe", exe, sizeof(exe)), 0);
	assert_non_null(strstr(exe, "test_base"));
	assert_int_equal(proc_link(getpid(), "exe", tiny, sizeof(tiny)), 0);
	assert_int_equal(strlen(tiny), 3);
}

/* The parent ends as the child did; the child's memory is a new one. */
static void test_fresh_memory(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pid_t before = getpid();

		MUST(proc_fork_hardened(true) == 0);
		MUST(getpid() != before && getppid() == before && prctl(PR_GET_DUMPABLE) == 0);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);

	pid = fork();
	if (pid == 0) {
		MUST(proc_fork_hardened(true) == 0);
		raise(SIGTERM);
		pause();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void test_number_parse(void **state)
{
	static const char *const bad[] = { "",	 " 1",	"1 ", "+1",
					   "-1", "0x1", "1a", "18446744073709551616",
					   "6",	 "101" };
	unsigned long n = 42, i;

	(void)state;
	errno = ECONNREFUSED;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(number_parse(bad[i], 7, 100, &n));
	assert_int_equal(n, 42);
	assert_true(number_parse("007", 7, 100, &n));
	assert_int_equal(n, 7);
	assert_true(number_parse("100", 7, 100, &n));
	assert_int_equal(n, 100);
	assert_int_equal(errno, ECONNREFUSED);
}

static void test_number_hex_digit(void **state)
{
	static const char digits[] = "0123456789abcdef", upper[] = "ABCDEF";
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		assert_int_equal(number_hex_digit(digits[i]), i);
	for (i = 0; i < 6; i++)
		assert_int_equal(number_hex_digit(upper[i]), 10 + i);
	for (i = 0; i < 256; i++)
		if (i == 0 || (!strchr(digits, i) && !strchr(upper, i)))
			assert_int_equal(number_hex_digit((char)i), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_names),
		cmocka_unit_test(test_fail_exit),
		cmocka_unit_test(test_fail_texts),
		cmocka_unit_test(test_io_read_all),
		cmocka_unit_test(test_io_write_all),
		cmocka_unit_test(test_io_wait),
		cmocka_unit_test(test_io_slurp),
		cmocka_unit_test(test_io_replace_file),
		cmocka_unit_test(test_io_create_file),
		cmocka_unit_test(test_io_temp_open),
		cmocka_unit_test(test_io_create_file_for),
		cmocka_unit_test(test_io_read_and_write_at),
		cmocka_unit_test(test_io_remove_file),
		cmocka_unit_test(test_io_flush),
		cmocka_unit_test(test_path_of),
		cmocka_unit_test(test_make_parents),
		cmocka_unit_test(test_private_dir),
		cmocka_unit_test(test_check_trusted),
		cmocka_unit_test(test_proc_stat),
		cmocka_unit_test(test_proc_ignores),
		cmocka_unit_test(test_proc),
		cmocka_unit_test(test_fresh_memory),
		cmocka_unit_test(test_number_parse),
		cmocka_unit_test(test_number_hex_digit),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
