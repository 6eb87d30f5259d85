/*
 * show - what a program can see of itself: arguments, environment, open
 * descriptors, dumpable.  The child in these tests, and the session itself.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

extern char **environ;

static void show_descriptors(void)
{
	char link[64], target[256];

	for (int fd = 3; fd < 256; fd++) {
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		printf("FD %d %s cloexec=%d\n", fd, target, fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
}

static void show_initial(void)
{
	FILE *f = fopen("/proc/self/environ", "r");
	int c;

	if (!f) {
		printf("INITIAL unreadable\n");
		return;
	}
	printf("INITIAL ");
	while ((c = getc(f)) != EOF)
		putchar(c ? c : '|');
	putchar('\n');
	fclose(f);
}

int main(int argc, char **argv)
{
	struct rlimit core;

	for (int i = 0; i < argc; i++)
		if (strlen(argv[i]) < 300)
			printf("ARG %s\n", argv[i]);
	printf("ARGC %d\n", argc);
	for (char **e = environ; e && *e; e++)
		printf("ENV %s\n", *e);
	show_descriptors();
	show_initial();
	getrlimit(RLIMIT_CORE, &core);
	printf("DUMPABLE %d CORE %ld\n", prctl(PR_GET_DUMPABLE), (long)core.rlim_max);
	return 0;
}
