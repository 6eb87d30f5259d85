/*
 * misc WHAT SHOW - single cases: a program that closes the connection and
 * opens something else, wordexp, scrubbing, setenv after the start.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wordexp.h>

extern char **environ;

static int words(void)
{
	wordexp_t w;
	int a = wordexp("a $HOME", &w, 0);
	int b = wordexp("$(echo $TEST_TOKEN)", &w, 0);

	printf("wordexp %d %d\n", a, b == WRDE_CMDSUB);
	return 0;
}

int main(int argc, char **argv)
{
	char *args[] = { (char *)"show", NULL, NULL };

	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "wordexp") == 0)
		return words();
	if (strcmp(argv[1], "errno") == 0)
		return printf("errno %d\n", errno) < 0;
	if (strcmp(argv[1], "reuse") == 0) {
		for (int fd = 3; fd < 64; fd++)
			if (close(fd) == 0)
				dup2(1, fd);
	} else if (strcmp(argv[1], "scrub") == 0) {
		char *secret = getenv("TEST_TOKEN");

		args[1] = strdup(secret);
		memset(secret, '*', strlen(secret));
		setenv("COPY", args[1], 1);
		unsetenv("TEST_TOKEN");
		setenv("TEST_TOKEN", "another", 1);
	} else if (strcmp(argv[1], "preload") == 0) {
		setenv("LD_PRELOAD", argv[3], 1);
		setenv("NODE_OPTIONS", "--own", 1);
	}
	if (strcmp(argv[1], "reuse") != 0 && fork() != 0)
		return 0;
	execv(argv[2], args);
	return 1;
}
