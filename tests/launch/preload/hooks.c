/*
 * hooks HOOK SHOW - start the program SHOW through one function of libc, with
 * the secret by name, inside another variable, and in an argument.
 *   HOOK may begin with vfork: (a vfork child), self: (this very process) or
 *   be one of the special cases at the end.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *show, *base;
static char key[512], command[2048];
static char *args[16384], **vars;

typedef int pidfd_fn(int *, const char *, const void *, const void *, char *const[], char *const[]);

static int by_exec(const char *how)
{
	if (strcmp(how, "execve") == 0)
		return execve(show, args, vars);
	if (strcmp(how, "execv") == 0)
		return execv(show, args);
	if (strcmp(how, "execvp") == 0)
		return execvp(base, args);
	if (strcmp(how, "execvpe") == 0)
		return execvpe(base, args, vars);
	if (strcmp(how, "execl") == 0)
		return execl(show, "show", key, "plain", (char *)NULL);
	if (strcmp(how, "execlp") == 0)
		return execlp(base, "show", key, "plain", (char *)NULL);
	if (strcmp(how, "execle") == 0)
		return execle(show, "show", key, "plain", (char *)NULL, vars);
	if (strcmp(how, "fexecve") == 0)
		return fexecve(open(show, O_RDONLY | O_CLOEXEC), args, vars);
	if (strcmp(how, "execveat") == 0)
		return execveat(AT_FDCWD, show, args, vars, 0);
	if (strcmp(how, "null-argv") == 0)
		return execve(show, NULL, vars);
	if (strcmp(how, "null-envp") == 0)
		return execve(show, args, NULL);
	if (strcmp(how, "null-both") == 0)
		return execve(show, NULL, NULL);
	if (strcmp(how, "empty-env") == 0)
		return execve(show, args, (char *[]){ NULL });
	if (strcmp(how, "key-path") == 0)
		return execve(key, args, vars);
	return -2;
}

static int by_spawn(const char *how, pid_t *pid)
{
	if (strcmp(how, "posix_spawn") == 0)
		return posix_spawn(pid, show, NULL, NULL, args, vars);
	if (strcmp(how, "posix_spawnp") == 0)
		return posix_spawnp(pid, base, NULL, NULL, args, vars);
	if (strcmp(how, "spawn-null-envp") == 0)
		return posix_spawn(pid, show, NULL, NULL, args, NULL);
	if (strncmp(how, "pidfd_spawn", 11) == 0) {
		pidfd_fn *f = (pidfd_fn *)dlsym(RTLD_DEFAULT, how);
		struct pollfd p = { .events = POLLIN };
		int error = f(&p.fd, how[11] ? base : show, NULL, NULL, args, vars);

		if (error)
			return error;
		poll(&p, 1, -1);
		close(p.fd);
		*pid = -1;
		return 0;
	}
	return -2;
}

static int by_shell(const char *how)
{
	char line[4096];
	FILE *f;

	if (strcmp(how, "system") == 0)
		return system(command);
	if (strcmp(how, "popen") != 0)
		return -2;
	f = popen(command, "r");
	while (f && fgets(line, sizeof(line), f))
		fputs(line, stdout);
	return f ? pclose(f) : -1;
}

static void prepare(int argc, char **argv)
{
	const char *secret = getenv("TEST_TOKEN");
	char other[512];
	int n = 0, extra = argc > 4 ? atoi(argv[4]) : 0, more = argc > 3 ? atoi(argv[3]) : 0;

	show = argv[2];
	base = strrchr(show, '/') + 1;
	secret = secret ? secret : "none";
	snprintf(key, sizeof(key), "--key=%s!", secret);
	snprintf(other, sizeof(other), "Bearer %s;", secret);
	snprintf(command, sizeof(command), "'%s' '%s' plain", show, key);
	setenv("OTHER", other, 1);
	args[n++] = (char *)"show";
	args[n++] = key;
	args[n++] = (char *)"plain";
	while (more-- > 0)
		args[n++] = (char *)"more";
	for (int i = 0; i < extra; i++) {
		snprintf(other, sizeof(other), "EXTRA_%d", i);
		setenv(other, "value", 1);
	}
	vars = environ;
}

int main(int argc, char **argv)
{
	const char *how = argv[1];
	pid_t pid = -1;
	int status, r;

	prepare(argc, argv);
	fflush(stdout);
	if (strncmp(how, "self:", 5) == 0) {
		by_exec(how + 5);
		printf("FAILED %s\n", strerror(errno));
		for (int fd = 3; fd < 64; fd++)
			if (fcntl(fd, F_GETFD) >= 0)
				printf("FD %d cloexec=%d\n", fd, fcntl(fd, F_GETFD));
		return 1;
	}
	r = by_spawn(how, &pid);
	if (r == -2) {
		r = by_shell(how);
		if (r != -2) {
			printf("STATUS %d\n", r);
			return 0;
		}
		pid = strncmp(how, "vfork:", 6) == 0 ? vfork() : fork();
		if (pid == 0) {
			by_exec(strncmp(how, "vfork:", 6) == 0 ? how + 6 : how);
			_exit(errno == ENOENT ? 99 : 98);
		}
	} else if (r != 0) {
		printf("FAILED %s\n", strerror(r));
		return 1;
	}
	if (waitpid(pid, &status, 0) > 0)
		printf("STATUS %d\n", status);
	return 0;
}
