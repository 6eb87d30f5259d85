/*
 * early - a library whose constructor starts a program, maybe before ours ran.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((constructor)) static void early(void)
{
	char *args[] = { (char *)"sh", (char *)"-c", (char *)"echo early ${LD_PRELOAD-none}",
			 NULL };
	char *none[] = { NULL };
	pid_t pid = fork();

	if (pid == 0) {
		execve("/bin/sh", args, none);
		_exit(99);
	}
	waitpid(pid, NULL, 0);
}

void early_needed(void);
void early_needed(void)
{
}
