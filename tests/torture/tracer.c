/*
 * tests/torture/tracer.c - counts a program's system calls, kills it at one of them, has one
 * fail, or writes down what they do to files.
 *
 *   tracer CONTROL LOG PROGRAM ARGUMENT...
 *
 * CONTROL is a SOCK_SEQPACKET descriptor; the first packet is read before the program starts.
 *
 *   arm ACTION TARGET SET AT ERRNO NAME   count from here on; answer "armed"
 *   stop                                  answer "CALLS HIT", HIT: the call that was met, or -
 *   end                                   kill what is left
 *
 * ACTION is count, kill, fail or short.  TARGET is a process, the name of a program of
 * ours, = and that of any, or * for all of them.  SET is files (what changes a file or answers
 * somebody), all, or log, which is files with what they do, and when (in nanoseconds, so that
 * the logs of two tracers can be made one).  The AT-th call of them, or the next behind it that
 * is NAME, is met.  LOG gets a line for each that was counted.  When all processes are gone
 * there is a last packet,
 * "end CODE SIGNAL CALLS HIT LEFT"; LEFT: what lived on when the program had ended, two seconds
 * after a stop (else twenty after its end).
 *
 * By seccomp's notifications and not by ptrace, because our programs refuse a debugger: they
 * run here as they are.  A call that is met has not begun.  As no file changes between two
 * calls, "behind this one" is "before the next one", and only the latter is asked for.
 *
 * A program of ours is told by the test build's allocator (allocator.c), which also asks here
 * for every allocation: one of the calls that fail, by the name of "allocate".  An open that
 * makes a file is called "create".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/torture/allocator.h"
#include "tests/torture/tracer.h"

#define TASKS 512
#define LINGER_MS 2000
#define UNTOLD_MS 20000

enum action { COUNT, KILL, FAIL, SHORT };
enum set { FILES, ALL, LOG };

static struct {
	enum action action;
	enum set set;
	bool on;
	char target[32], name[32];
	long at, calls;
	int error;
	char hit[64];
} armed = { .hit = "-" };

/* A thread that made a call since its process became this program. */
static struct task {
	pid_t tid, process;
	bool ours, execs; /* execs: it may be another program by its next call */
	bool renames;	  /* it may have another name by then */
	char program[16];
} tasks[TASKS];

/* Names of programs that said that they are ours. */
#define PROGRAMS 16
static char our_programs[PROGRAMS][16];

static int control, listener = -1;
static FILE *out;
static volatile int *shared_listener;

/* When nothing more was wanted; 0: not yet. */
static int64_t stopped_ms;
static bool ending;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t now_ms(void)
{
	return now_ns() / 1000000;
}

static void die(const char *what)
{
	perror(what);
	exit(3);
}

/* ---- whose call it is ---- */

static struct task *task_find(pid_t tid)
{
	int i;

	for (i = 0; i < TASKS; i++)
		if (tasks[i].tid == tid)
			return &tasks[i];
	return NULL;
}

static pid_t status_field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? (pid_t)strtol(at + strlen(name), NULL, 10) : 0;
}

static bool program_is_ours(const char *name, bool note)
{
	int i;

	for (i = 0; i < PROGRAMS && our_programs[i][0]; i++)
		if (strcmp(our_programs[i], name) == 0)
			return true;
	if (note && i < PROGRAMS)
		strcpy(our_programs[i], name);
	return false;
}

static struct task *task_make(pid_t tid)
{
	char path[64], text[2048];
	struct task *t = task_find(0), *from;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0 || !t)
		return NULL;
	text[n] = '\0';
	t->tid = tid;
	t->process = status_field(text, "\nTgid:");
	sscanf(text, "Name:\t%15s", t->program);
	from = task_find(t->process != tid ? t->process : status_field(text, "\nPPid:"));
	/* Its parent may have ended since. */
	t->ours = from ? from->ours : program_is_ours(t->program, false);
	return t;
}

/* Behind an exec: is it another program?  It is not ours before it says so. */
static void task_follow_exec(struct task *t)
{
	struct task old = *t, *now;

	memset(t, 0, sizeof(*t));
	now = task_make(old.tid);
	if (now)
		now->ours = old.ours && strcmp(now->program, old.program) == 0;
}

/* A program that was run from memory has the name that it gives itself; a fork of one that has a
 * name stays that program. */
static void task_follow_name(struct task *t)
{
	struct task old = *t, *now;

	t->renames = false;
	if (old.program[strspn(old.program, "0123456789")] != '\0' &&
	    strncmp(old.program, "memfd:", 6) != 0)
		return;
	memset(t, 0, sizeof(*t));
	now = task_make(old.tid);
	if (now) {
		now->ours = old.ours;
		program_is_ours(now->program, old.ours);
	}
}

static void process_forget(pid_t process)
{
	int i;

	for (i = 0; i < TASKS; i++)
		if (tasks[i].process == process)
			memset(&tasks[i], 0, sizeof(tasks[i]));
}

static bool task_is_target(const struct task *t)
{
	char *end;
	long pid = strtol(armed.target, &end, 10);

	if (strcmp(armed.target, "*") == 0)
		return true;
	if (*end == '\0')
		return t->process == pid;
	if (armed.target[0] == '=')
		return strcmp(t->program, armed.target + 1) == 0;
	return t->ours && strcmp(t->program, armed.target) == 0;
}

/* ---- what becomes of it ---- */

static void respond(const struct seccomp_notif *n, int error, int64_t value, bool go)
{
	struct seccomp_notif_resp r = {
		.id = n->id,
		.error = -error,
		.val = value,
		.flags = go ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0,
	};

	/* ENOENT: it was killed meanwhile. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r) != 0 && errno != ENOENT)
		die("tracer: answer");
}

static bool call_is_allocation(const struct seccomp_notif *n)
{
	return n->data.nr == SYS_close && (uint32_t)n->data.args[0] == ALLOCATOR_ASKS;
}

static const char *call_name(const struct seccomp_notif *n)
{
	static char name[40];
	char *resolved;

	if (call_is_allocation(n))
		return "allocate";
	if (call_creates(&n->data))
		return "create";
	resolved = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, n->data.nr);
	snprintf(name, sizeof(name), "%s", resolved ? resolved : "unknown");
	free(resolved);
	return name;
}

/* True: it was answered. */
static bool call_met(const struct seccomp_notif *n, const struct task *t)
{
	int64_t value;

	switch (armed.action) {
	case COUNT:
		return false;
	case KILL:
		kill(t->process, SIGKILL);
		return true;
	case FAIL:
		respond(n, armed.error, 0, false);
		return true;
	case SHORT:
		value = call_shorten(n, t->process);
		if (value < 0)
			return false;
		respond(n, 0, value, false);
		return true;
	}
	return false;
}

/* What it does to files, if anything, on a line. */
static void call_note(const struct seccomp_notif *n, pid_t process)
{
	char *text = NULL;
	size_t size = 0;
	FILE *line = open_memstream(&text, &size);

	if (!line)
		die("tracer: memory");
	call_log(line, n, process);
	if (fclose(line) != 0)
		die("tracer: memory");
	if (size > 0)
		fprintf(out, "%lld\t%s", (long long)now_ns(), text);
	free(text);
}

/* True: it was answered. */
static bool call_counted(const struct seccomp_notif *n, const struct task *t)
{
	const char *name = call_name(n);

	if (armed.set != ALL && (call_is_allocation(n) || !call_changes_files(&n->data)))
		return false;
	armed.calls++;
	if (armed.set == LOG)
		call_note(n, t->process);
	else
		fprintf(out, "%s\t%d\n", name, (int)t->process);
	if (armed.action == COUNT || armed.hit[0] != '-' || armed.calls < armed.at ||
	    (armed.name[0] != '-' && strcmp(armed.name, name) != 0))
		return false;
	if (!call_met(n, t))
		return false;
	snprintf(armed.hit, sizeof(armed.hit), "%s", name);
	return true;
}

static void notification_take(void)
{
	struct seccomp_notif n;
	struct task *t;

	memset(&n, 0, sizeof(n));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n) != 0) {
		if (errno != ENOENT && errno != EINTR)
			die("tracer: notification");
		return;
	}
	t = task_find((pid_t)n.pid);
	if (t && t->execs)
		task_follow_exec(t);
	t = task_find((pid_t)n.pid);
	if (t && t->renames)
		task_follow_name(t);
	t = task_find((pid_t)n.pid);
	if (!t)
		t = task_make((pid_t)n.pid);
	if (t && call_is_allocation(&n) && n.data.args[1] == ALLOCATOR_BEGINS) {
		pid_t process = t->process;

		process_forget(process); /* it has another name than before exec */
		t = task_make((pid_t)n.pid);
		if (t) {
			t->ours = true;
			program_is_ours(t->program, true);
		}
		respond(&n, ALLOCATOR_YES, 0, false);
		return;
	}
	if (t && armed.on && task_is_target(t) && call_counted(&n, t))
		return;
	if (t && (n.data.nr == SYS_execve || n.data.nr == SYS_execveat))
		t->execs = true;
	else if (t && n.data.nr == SYS_prctl && n.data.args[0] == PR_SET_NAME)
		t->renames = true;
	else if (t && n.data.nr == SYS_exit_group)
		process_forget(t->process);
	else if (t && n.data.nr == SYS_exit)
		memset(t, 0, sizeof(*t));
	respond(&n, 0, 0, true);
}

/* ---- what is wanted ---- */

static void control_say(const char *format, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)!send(control, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void control_take(void)
{
	static const char *const actions[] = { "count", "kill", "fail", "short" };
	static const char *const sets[] = { "files", "all", "log" };
	char text[256], action[16], set[16];
	ssize_t n = recv(control, text, sizeof(text) - 1, 0);

	if (n <= 0)
		exit(3); /* nobody is there for whom it is done; the listener's end ends the rest */
	text[n] = '\0';
	fflush(out);
	if (strcmp(text, "stop") == 0) {
		stopped_ms = now_ms();
		armed.on = false;
		control_say("%ld %s", armed.calls, armed.hit);
		return;
	}
	if (strcmp(text, "end") == 0) {
		ending = true;
		return;
	}
	memset(&armed, 0, sizeof(armed));
	strcpy(armed.hit, "-");
	if (sscanf(text, "arm %15s %31s %15s %ld %d %31s", action, armed.target, set, &armed.at,
		   &armed.error, armed.name) != 6)
		exit(3);
	while (strcmp(actions[armed.action], action) != 0)
		armed.action++;
	while (strcmp(sets[armed.set], set) != 0)
		armed.set++;
	armed.on = true;
	control_say("armed");
}

/* ---- the program ---- */

static int filter_install(void)
{
	struct sock_filter all[] = { { 0x06, 0, 0, SECCOMP_RET_USER_NOTIF } };
	struct sock_fprog program = { .len = 1, .filter = all };

	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER |
				    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
			    &program);
}

/* The child shares our descriptors until it has the listener: no call passes it on. */
static pid_t program_start(char **argv)
{
	pid_t child;

	shared_listener =
		mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared_listener == MAP_FAILED)
		die("tracer: mmap");
	*shared_listener = -1;
	child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (child < 0)
		die("tracer: clone");
	if (child == 0) {
		int fd = filter_install();

		*shared_listener = fd < 0 ? -2 : fd;
		if (fd < 0 || unshare(CLONE_FILES) != 0)
			_exit(3);
		close(control);
		execv(argv[0], argv);
		_exit(3);
	}
	while (*shared_listener == -1)
		sched_yield();
	listener = *shared_listener;
	if (listener < 0) {
		fprintf(stderr, "tracer: no listener\n");
		exit(3);
	}
	return child;
}

static pid_t passed_to;

static void pass_signal(int sig)
{
	if (passed_to > 0)
		kill(passed_to, sig);
}

/* The children that are left, by name; they are ended. */
static void leftovers_end(char *names, size_t size)
{
	char path[64], text[4096], name[32], *p, *next;
	size_t at = strlen(names);
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	for (p = strtok_r(text, " ", &next); p; p = strtok_r(NULL, " ", &next)) {
		snprintf(path, sizeof(path), "/proc/%.20s/comm", p);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);
		if (fd >= 0)
			close(fd);
		name[n > 0 ? n - 1 : 0] = '\0';
		if (at < size)
			at += (size_t)snprintf(names + at, size - at, "%s%s", at ? "," : "", name);
		kill((pid_t)atoi(p), SIGKILL);
	}
}

/* Until no child is left; the program's own status. */
static int serve(pid_t program, char *left, size_t size)
{
	struct pollfd p[2] = { { .fd = listener, .events = POLLIN },
			       { .fd = control, .events = POLLIN } };
	int64_t deadline, ended_ms = 0;
	int status, ended = 0;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			process_forget(pid);
			if (pid == program) {
				ended = status;
				passed_to = 0;
				ended_ms = now_ms();
			}
		}
		if (pid < 0)
			return ended;
		deadline = stopped_ms && stopped_ms + LINGER_MS < ended_ms + UNTOLD_MS
				   ? stopped_ms + LINGER_MS
				   : ended_ms + UNTOLD_MS;
		if ((ended_ms && now_ms() > deadline) || ending)
			leftovers_end(left, size);
		if (poll(p, 2, 20) <= 0)
			continue;
		if (p[0].revents & POLLIN)
			notification_take();
		if (p[0].revents & POLLHUP)
			p[0].fd = -1;
		if (p[1].revents)
			control_take();
	}
}

int main(int argc, char **argv)
{
	static const int passed[] = { SIGTERM, SIGINT, SIGHUP };
	char left[256] = "";
	int status, code;
	size_t i;

	if (argc < 4)
		return 3;
	control = atoi(argv[1]);
	out = fopen(argv[2], "we");
	if (!out || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		die("tracer");
	control_take();
	passed_to = program_start(argv + 3);
	signal(SIGPIPE, SIG_IGN); /* a call that we do in another's place */
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		signal(passed[i], pass_signal);
	status = serve(passed_to, left, sizeof(left));
	code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	fclose(out);
	control_say("end %d %d %ld %s %s", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0, armed.calls, armed.hit,
		    left[0] ? left : "-");
	return code;
}
