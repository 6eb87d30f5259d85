/*
 * behave - prints what the hooked functions do in corner cases.  Run with and
 * without a session, the output must be the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void exec_error(const char *what, const char *file, char **argv)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execvp(file, argv);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	printf("%s: %d\n", what, status);
	pid = vfork();
	if (pid == 0) {
		execv(file, argv);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	printf("%s by path: %d\n", what, status);
	printf("%s spawnp: %d\n", what, posix_spawnp(&pid, file, NULL, NULL, argv, environ));
	while (wait(&status) > 0)
		printf("%s spawned: %d\n", what, status);
}

static void systems(void)
{
	struct sigaction a, b;
	sigset_t mask;

	printf("system: %d %d %d %d\n", system(NULL), system("exit 3"), system("kill -9 $$"),
	       system("no-such-command-here 2>/dev/null"));
	sigaction(SIGINT, NULL, &a);
	printf("in the shell: %d\n", system("kill -INT $$"));
	printf("spared: %d\n", system("kill -INT $PPID"));
	sigaction(SIGINT, NULL, &b);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	printf("restored: %d %d\n", a.sa_handler == b.sa_handler, sigismember(&mask, SIGCHLD));
	signal(SIGINT, SIG_IGN);
	printf("stays ignored: %d\n", system("kill -INT $$; exit 5"));
	signal(SIGINT, SIG_DFL);
	errno = 0;
}

static void popens(void)
{
	char line[64];
	FILE *r, *w, *e;

	errno = 0;
	r = popen("echo hi", "x");
	printf("bad mode: %d %d\n", r == NULL, errno);
	r = popen("echo read; exit 4", "r");
	printf("%s", fgets(line, sizeof(line), r) ? line : "nothing\n");
	printf("not close-on-exec: %d\n", fcntl(fileno(r), F_GETFD));
	printf("pclose: %d\n", pclose(r));
	fflush(stdout);
	w = popen("cat", "w");
	e = popen("echo second", "re");
	printf("close-on-exec: %d\n", fcntl(fileno(e), F_GETFD));
	printf("%s", fgets(line, sizeof(line), e) ? line : "nothing\n");
	fflush(stdout);
	fputs("written\n", w);
	/* would hang, had the second shell inherited w's pipe */
	printf("pclose w: %d\n", pclose(w));
	printf("pclose e: %d\n", pclose(e));
	r = popen("exec 2>&-; ls -l /proc/self/fd | wc -l >/dev/null; exit 0", "r");
	printf("fclose: %d\n", pclose(r));
}

static void *in_thread(void *arg)
{
	for (int i = 0; i < 8; i++) {
		char line[64] = "", *got;
		FILE *f = popen("echo ok", "r");

		got = f ? fgets(line, sizeof(line), f) : NULL;
		if (!got || strcmp(line, "ok\n") != 0 || pclose(f) != 0 ||
		    system("exit 7") != 7 << 8)
			*(int *)arg = 1;
	}
	return NULL;
}

int main(void)
{
	char *argv[] = { (char *)"given", (char *)"one", NULL }, *none[] = { NULL };
	pthread_t t[4];
	int bad = 0;

	exec_error("missing", "no-such-program", argv);
	exec_error("empty", "", argv);
	exec_error("directory", "/tmp", argv);
	exec_error("not executable", "/etc/passwd", argv);
	exec_error("long", getenv("LONG_NAME"), argv);
	exec_error("script", getenv("PLAIN_SCRIPT"), argv);
	exec_error("script, no arguments", getenv("PLAIN_SCRIPT"), none);
	exec_error("script in PATH", "plain-script", argv);
	unsetenv("PATH");
	exec_error("default path", "true", argv);
	setenv("PATH", ":/nonexistent::/usr/bin:", 1);
	exec_error("odd path", "true", argv);
	systems();
	popens();
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, in_thread, &bad);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("threads: %d\n", bad);
	return 0;
}
