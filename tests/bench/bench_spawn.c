/*
 * bench_spawn.c - spawn-to-exit times of several commands, interleaved.
 * `bench_spawn ROUNDS -- CMD ARG ... -- CMD ARG ...`: a line each, minimum and
 * median in microseconds and the worst exit code.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 8

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
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
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

int main(int argc, char **argv)
{
	char **command[COMMANDS_MAX];
	double *t[COMMANDS_MAX];
	int worst[COMMANDS_MAX] = { 0 }, rounds, i, k, n = 0;

	rounds = argc > 3 ? atoi(argv[1]) : 0;
	if (rounds < 1)
		return 2;
	for (i = 2; i < argc && n < COMMANDS_MAX; i++)
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
