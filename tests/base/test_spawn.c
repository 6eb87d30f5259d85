/*
 * tests/base/test_spawn.c - what a started program has of its starter:
 * descriptors, environment, signals, groups; and how a failing exec is reported.
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
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/proc.h"
#include "base/spawn.h"

#define PATIENCE_MS 60000

/* ppid, group and session of the shell, without another process. */
#define IDS "read -r _ _ _ ppid group session _ </proc/$$/stat; "

static const char *shell[] = { "sh", "-c", NULL, NULL };

static struct spawn script(const char *text)
{
	shell[2] = text;
	return (struct spawn){ .path = "/bin/sh", .argv = shell };
}

/* Run it with a pipe as its standard output: what it printed, its status. */
static const char *printed(struct spawn *s, int *status)
{
	static char text[4096];
	int ends[2];
	ssize_t n;
	pid_t pid;

	assert_int_equal(spawn_pipe(ends), 0);
	s->fd[s->fds++] = (struct spawn_fd){ STDOUT_FILENO, ends[1] };
	pid = spawn_start(s);
	assert_true(pid > 0);
	close(ends[1]);
	n = io_read_all(ends[0], text, sizeof(text) - 1, clock_now_ms() + PATIENCE_MS);
	assert_true(n >= 0);
	text[n] = '\0';
	close(ends[0]);
	assert_int_equal(spawn_wait(pid, status), 0);
	return text;
}

static void exit_status_is_the_programs(void **state)
{
	struct spawn s = script("echo here; exit 7");
	int status;

	(void)state;
	assert_string_equal(printed(&s, &status), "here\n");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void exec_failure_is_an_errno(void **state)
{
	struct spawn s = script("exit 0");
	int fd;

	(void)state;
	s.path = "/no/such/program";
	errno = 0;
	assert_int_equal(spawn_start(&s), -1);
	assert_int_equal(errno, ENOENT);
	s.path = "/";
	assert_int_equal(spawn_start(&s), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(spawn_detached(&s, true), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(spawn_detached(&s, false), 0);
	s.search = true;
	s.path = "no-such-program-anywhere";
	assert_int_equal(spawn_start(&s), -1);
	assert_int_equal(errno, ENOENT);
	/* Setting up can fail as well. */
	s = script("exit 0");
	s.dir = "/no/such/directory";
	assert_int_equal(spawn_start(&s), -1);
	assert_int_equal(errno, ENOENT);
	fd = dup(0);
	close(fd);
	s = script("exit 0");
	s.fd[0] = (struct spawn_fd){ 3, fd + 100 };
	s.fds = 1;
	assert_int_equal(spawn_start(&s), -1);
	assert_int_equal(errno, EBADF);
	/* And no child is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void name_is_looked_up_in_path(void **state)
{
	struct spawn s = script("echo found");
	int status;

	(void)state;
	s.path = "sh";
	s.search = true;
	assert_string_equal(printed(&s, &status), "found\n");
}

#define OPEN_ONES \
	"for n in 0 1 2 3 4 5 6 7 8 9 20 21; do [ ! -e /proc/$$/fd/$n ] || printf '%s ' $n; done"

static void only_named_descriptors_stay(void **state)
{
	struct spawn s = script(OPEN_ONES);
	int status, fd[2];

	(void)state;
	/* These are not close-on-exec. */
	assert_int_equal(dup2(STDERR_FILENO, 20), 20);
	assert_int_equal(dup2(STDERR_FILENO, 21), 21);
	assert_int_equal(spawn_pipe(fd), 0);
	s.close_others = true;
	assert_string_equal(printed(&s, &status), "0 1 2 ");
	s = script(OPEN_ONES);
	s.close_others = true;
	s.fd[0] = (struct spawn_fd){ 3, 20 };
	s.fds = 1;
	assert_string_equal(printed(&s, &status), "0 1 2 3 ");
	/* Without it, what is not close-on-exec stays. */
	s = script(OPEN_ONES);
	s.fd[0] = (struct spawn_fd){ 3, fd[1] };
	s.fds = 1;
	assert_string_equal(printed(&s, &status), "0 1 2 3 20 21 ");
	close(20);
	close(21);
	close(fd[0]);
	close(fd[1]);
}

static void overlapping_numbers_are_swapped(void **state)
{
	int a[2], b[2], status;
	struct spawn s;
	char text[64], one[8];
	pid_t pid;

	(void)state;
	assert_int_equal(spawn_pipe(a), 0);
	assert_int_equal(spawn_pipe(b), 0);
	assert_true(a[1] < 10 && b[1] < 10);
	snprintf(text, sizeof(text), "printf a >&%d; printf b >&%d", b[1], a[1]);
	s = script(text);
	s.fd[0] = (struct spawn_fd){ a[1], b[1] };
	s.fd[1] = (struct spawn_fd){ b[1], a[1] };
	s.fds = 2;
	s.close_others = true;
	pid = spawn_start(&s);
	assert_true(pid > 0);
	close(a[1]);
	close(b[1]);
	assert_int_equal(io_read_all(a[0], one, sizeof(one), clock_now_ms() + PATIENCE_MS), 1);
	assert_int_equal(one[0], 'a');
	assert_int_equal(io_read_all(b[0], one, sizeof(one), clock_now_ms() + PATIENCE_MS), 1);
	assert_int_equal(one[0], 'b');
	close(a[0]);
	close(b[0]);
	assert_int_equal(spawn_wait(pid, &status), 0);
}

static void descriptor_onto_itself_is_kept(void **state)
{
	char text[64];
	int ends[2], status;
	struct spawn s;

	(void)state;
	assert_int_equal(spawn_pipe(ends), 0);
	snprintf(text, sizeof(text), "printf x >&%d", ends[1]);
	s = script(text);
	s.fd[0] = (struct spawn_fd){ ends[1], ends[1] };
	s.fds = 1;
	printed(&s, &status);
	assert_int_equal(status, 0);
	close(ends[1]);
	assert_int_equal(io_read_all(ends[0], text, sizeof(text), clock_now_ms() + PATIENCE_MS), 1);
	close(ends[0]);
}

static void null_is_readable_and_writable(void **state)
{
	struct spawn s = script("cat <&0; echo x >&0 && echo x >&2 && "
				"[ /dev/fd/0 -ef /dev/null ] && echo yes");
	int status;

	(void)state;
	s.fd[0] = (struct spawn_fd){ 0, SPAWN_NULL };
	s.fd[1] = (struct spawn_fd){ 2, SPAWN_NULL };
	s.fds = 2;
	assert_string_equal(printed(&s, &status), "yes\n");
}

/* In a process whose standard streams are closed: its exit status is the verdict. */
static int without_streams(void)
{
	struct spawn s = script("echo x >&2; cat; echo streams; " OPEN_ONES);
	char text[64];
	int ends[2], status;
	ssize_t n;

	close(0);
	close(1);
	close(2);
	if (spawn_pipe(ends) != 0 || ends[0] < 3 || ends[1] < 3)
		return 1;
	s.fd[0] = (struct spawn_fd){ 0, SPAWN_NULL };
	s.fd[1] = (struct spawn_fd){ 1, ends[1] };
	s.fd[2] = (struct spawn_fd){ 2, SPAWN_NULL };
	s.fds = 3;
	s.close_others = true;
	if (spawn_start(&s) < 0)
		return 2;
	close(ends[1]);
	n = io_read_all(ends[0], text, sizeof(text) - 1, clock_now_ms() + PATIENCE_MS);
	if (n < 0)
		return 3;
	text[n] = '\0';
	if (strcmp(text, "streams\n0 1 2 ") != 0)
		return 4;
	if (wait(&status) < 0 || status != 0)
		return 5;
	/* A stream that is named but closed is an error, never the report's pipe. */
	s.fd[0] = (struct spawn_fd){ 1, 2 };
	s.fds = 1;
	if (spawn_start(&s) != -1 || errno != EBADF)
		return 6;
	s = script("exit 0");
	s.path = "/no/such/program";
	return spawn_start(&s) == -1 && errno == ENOENT ? 0 : 7;
}

static void streams_may_be_closed_here(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(without_streams());
	assert_int_equal(spawn_wait(pid, &status), 0);
	assert_int_equal(status, 0);
}

static bool drop_secret(const char *entry)
{
	return strncmp(entry, "SPAWN_SECRET=", 13) == 0;
}

static void environment_is_chosen(void **state)
{
	static const char said[] = "echo ${SPAWN_SECRET-unset} ${SPAWN_PLAIN-unset} ${OTHER-unset}";
	char *const env[] = { (char *)(uintptr_t) "OTHER=o", NULL };
	struct spawn s = script(said);
	int status;

	(void)state;
	setenv("SPAWN_SECRET", "s", 1);
	setenv("SPAWN_PLAIN", "p", 1);
	assert_string_equal(printed(&s, &status), "s p unset\n");
	s = script(said);
	s.drop = drop_secret;
	assert_string_equal(printed(&s, &status), "unset p unset\n");
	assert_string_equal(getenv("SPAWN_SECRET"), "s");
	s = script(said);
	s.env = env;
	assert_string_equal(printed(&s, &status), "unset unset o\n");
	unsetenv("SPAWN_SECRET");
	unsetenv("SPAWN_PLAIN");
}

/* The sets of /proc/PID/status as the shell has them. */
#define SETS                                                                                 \
	"while read -r k v; do case $k in SigBlk:|SigIgn:) printf '%s ' \"$v\";; esac; done" \
	" </proc/$$/status"

static bool in_set(const char *sets, int which, int sig)
{
	unsigned long long set[2];

	assert_int_equal(sscanf(sets, "%llx %llx", &set[0], &set[1]), 2);
	return set[which] >> (sig - 1) & 1;
}

static void signals_are_inherited_or_reset(void **state)
{
	static const int pipe_alone[] = { SIGPIPE, 0 };
	struct spawn s = script(SETS);
	sigset_t set, before;
	const char *sets;
	int status;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, &before);
	sets = printed(&s, &status);
	assert_true(in_set(sets, 0, SIGUSR2));
	assert_true(in_set(sets, 1, SIGPIPE));
	assert_true(in_set(sets, 1, SIGUSR1));
	s = script(SETS);
	s.defaults = pipe_alone;
	sets = printed(&s, &status);
	assert_true(in_set(sets, 0, SIGUSR2));
	assert_false(in_set(sets, 1, SIGPIPE));
	assert_true(in_set(sets, 1, SIGUSR1));
	s = script(SETS);
	s.all_defaults = true;
	s.unblocked = true;
	sets = printed(&s, &status);
	assert_false(in_set(sets, 0, SIGUSR2));
	assert_false(in_set(sets, 1, SIGPIPE));
	assert_false(in_set(sets, 1, SIGUSR1));
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
}

static void group_and_session_are_its_own(void **state)
{
	struct spawn s = script(IDS "echo $((group == $$)) $((session == $$))");
	int status;

	(void)state;
	assert_string_equal(printed(&s, &status), "0 0\n");
	s.fds = 0;
	s.group = true;
	assert_string_equal(printed(&s, &status), "1 0\n");
	s.fds = 0;
	s.group = false;
	s.session = true;
	assert_string_equal(printed(&s, &status), "1 1\n");
}

static void directory_is_changed(void **state)
{
	struct spawn s = script("pwd");
	int status;

	(void)state;
	s.dir = "/";
	assert_string_equal(printed(&s, &status), "/\n");
}

static void detached_program_is_nobodys_child(void **state)
{
	struct spawn s = script("read -r _ <&3; " IDS "echo $ppid $((session == $$)) $session >&3");
	struct timeval patience = { PATIENCE_MS / 1000, 0 };
	int pair[2], parent, leads, session;
	char text[64];
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	s.fd[0] = (struct spawn_fd){ 3, pair[1] };
	s.fds = 1;
	assert_int_equal(spawn_detached(&s, true), 0);
	close(pair[1]);
	assert_int_equal(write(pair[0], "\n", 1), 1);
	n = read(pair[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(sscanf(text, "%d %d %d", &parent, &leads, &session), 3);
	assert_int_not_equal(parent, getpid());
	assert_int_equal(leads, 0);
	assert_int_not_equal(session, getsid(0));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	close(pair[0]);
}

static bool has_open(pid_t pid, int fd)
{
	char path[64], to[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	return readlink(path, to, sizeof(to)) > 0;
}

/* Who looks for readers of a terminal must not find one that is on its way. */
static void detached_program_lets_go_at_once(void **state)
{
	struct spawn s = script("exec sleep 60");
	int i, status, terminal[2];
	pid_t pid = 0;
	FILE *f;

	(void)state;
	assert_int_equal(spawn_pipe(terminal), 0);
	s.close_others = true;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	for (i = 0; i < 50; i++) {
		assert_int_equal(spawn_detached(&s, false), 0);
		f = fopen("/proc/thread-self/children", "re");
		assert_non_null(f);
		assert_int_equal(fscanf(f, "%d", &pid), 1);
		fclose(f);
		assert_true(has_open(pid, 0));
		assert_false(has_open(pid, terminal[1]));
		kill(pid, SIGKILL);
		assert_int_equal(spawn_wait(pid, &status), 0);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	close(terminal[0]);
	close(terminal[1]);
}

static void death_signal_ends_it_with_us(void **state)
{
	struct spawn s = script("exec sleep 60");
	int ends[2], status;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(spawn_pipe(ends), 0);
	s.death_signal = SIGKILL;
	s.fd[0] = (struct spawn_fd){ 3, ends[1] };
	s.fds = 1;
	pid = fork();
	if (pid == 0)
		_exit(spawn_start(&s) > 0 ? 0 : 1);
	assert_int_equal(spawn_wait(pid, &status), 0);
	assert_int_equal(status, 0);
	close(ends[1]);
	assert_int_equal(io_read_all(ends[0], &c, 1, clock_now_ms() + PATIENCE_MS), 0);
	close(ends[0]);
}

/* The kernel makes no user namespace in a chroot, nor where an administrator forbids it. */
static bool namespaces_can_be_made(void)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : 1);
	assert_int_equal(spawn_wait(pid, &status), 0);
	return status == 0;
}

static void without_a_network_no_host_is_reached(void **state)
{
	struct spawn s = script("id -u; id -g; grep -c : /proc/net/dev; exec cat /proc/net/route");
	char expected[128];
	int status;

	(void)state;
	if (!namespaces_can_be_made())
		skip();
	/* The same user, and one interface, the loopback's, which is down. */
	snprintf(expected, sizeof(expected), "%u\n%u\n1\n", (unsigned)geteuid(),
		 (unsigned)getegid());
	s.no_network = true;
	assert_int_equal(strncmp(printed(&s, &status), expected, strlen(expected)), 0);
	assert_int_equal(status, 0);
}

static void mark_is_put_on(void **state)
{
	struct spawn s = script("exec grep -q '^Max file locks *[0-9]' /proc/self/limits");
	int status;

	(void)state;
	printed(&s, &status);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	s.marked = true;
	s.fds = 0;
	printed(&s, &status);
	assert_int_equal(status, 0);
	assert_int_equal(proc_self_marked(), 0);
}

static void wait_ends_at_its_deadline(void **state)
{
	struct spawn s = script("exec sleep 60");
	pid_t pid = spawn_start(&s);
	int status = 0;

	(void)state;
	assert_true(pid > 0);
	assert_int_equal(spawn_wait_until(pid, clock_now_ms() + 20, &status), -1);
	assert_int_equal(errno, ETIMEDOUT);
	kill(pid, SIGKILL);
	assert_int_equal(spawn_wait_until(pid, clock_now_ms() + PATIENCE_MS, &status), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Nobody's child: an error at once. */
	assert_int_equal(spawn_wait_until(pid, clock_now_ms() + PATIENCE_MS, &status), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_status_is_the_programs),
		cmocka_unit_test(exec_failure_is_an_errno),
		cmocka_unit_test(name_is_looked_up_in_path),
		cmocka_unit_test(only_named_descriptors_stay),
		cmocka_unit_test(overlapping_numbers_are_swapped),
		cmocka_unit_test(descriptor_onto_itself_is_kept),
		cmocka_unit_test(null_is_readable_and_writable),
		cmocka_unit_test(streams_may_be_closed_here),
		cmocka_unit_test(environment_is_chosen),
		cmocka_unit_test(signals_are_inherited_or_reset),
		cmocka_unit_test(group_and_session_are_its_own),
		cmocka_unit_test(directory_is_changed),
		cmocka_unit_test(detached_program_is_nobodys_child),
		cmocka_unit_test(detached_program_lets_go_at_once),
		cmocka_unit_test(death_signal_ends_it_with_us),
		cmocka_unit_test(wait_ends_at_its_deadline),
		cmocka_unit_test(without_a_network_no_host_is_reached),
		cmocka_unit_test(mark_is_put_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
