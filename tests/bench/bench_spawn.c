/*
 * bench_spawn.c - spawn-to-exit times of several commands, interleaved.
 * `bench_spawn [-i FILE] ROUNDS -- CMD ARG ... -- CMD ARG ...`: a line each,
 * minimum and median in microseconds and the worst exit code.
 * `bench_spawn -p [-i FILE] CMD ARG ...`: the most that CMD itself had resident
 * (VmHWM), in KiB.  FILE is the standard input; else there is none.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 8

static const char *input = "/dev/null";

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double once(char **argv, int *worst)
{
	posix_spawn_file_actions_t quiet;
	struct timespec a, b;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, input, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	posix_spawn_file_actions_destroy(&quiet);
	if (status > *worst || status < 0)
		*worst = status;
	return (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
}

static void __attribute__((noreturn)) become(char **argv)
{
	int in = open(input, O_RDONLY), out = open("/dev/null", O_WRONLY);

	if (in >= 0 && out >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 &&
	    ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
		execvp(argv[0], argv);
	_exit(127);
}

static long high_water(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/*
 * Read as it exits, while its memory is still there.  wait4's ru_maxrss would
 * count what this process had before the exec.
 */
static int peak(char **argv)
{
	long kib = -1, sig;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		become(argv);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(long)PTRACE_O_TRACEEXIT) != 0)
		return 1;
	for (sig = 0;;) {
		if (ptrace(PTRACE_CONT, pid, NULL, (void *)sig) != 0 ||
		    waitpid(pid, &status, 0) != pid)
			return 1;
		if (!WIFSTOPPED(status))
			break;
		sig = WSTOPSIG(status);
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
			kib = high_water(pid);
			sig = 0;
		}
	}
	printf("%ld\n", kib);
	return kib > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

static int times(int argc, char **argv)
{
	char **command[COMMANDS_MAX];
	double *t[COMMANDS_MAX];
	int worst[COMMANDS_MAX] = { 0 }, rounds, i, k, n = 0;

	rounds = argc > 2 ? atoi(argv[0]) : 0;
	if (rounds < 1)
		return 2;
	for (i = 1; i < argc && n < COMMANDS_MAX; i++)
		if (strcmp(argv[i], "--") == 0) {
			argv[i] = NULL;
			command[n] = argv + i + 1;
			t[n] = calloc((size_t)rounds, sizeof(double));
			if (!t[n++])
				return 1;
		}
	for (i = 0; i < rounds + 2; i++)
		for (k = 0; k < n; k++)
			if (i < 2) /* warm up */
				once(command[k], &worst[k]);
			else
				t[k][i - 2] = once(command[k], &worst[k]);
	for (k = 0; k < n; k++) {
		qsort(t[k], (size_t)rounds, sizeof(double), compare);
		printf("%.1f %.1f %d\n", t[k][0], t[k][rounds / 2], worst[k]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	bool memory = false;

	for (argv++, argc--; argc > 0 && argv[0][0] == '-'; argv++, argc--)
		if (strcmp(argv[0], "-p") == 0) {
			memory = true;
		} else if (strcmp(argv[0], "-i") == 0 && argc > 1) {
			input = argv[1];
			argv++, argc--;
		} else {
			return 2;
		}
	if (argc < 1)
		return 2;
	return memory ? peak(argv) : times(argc, argv);
}
