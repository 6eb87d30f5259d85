/*
 * stress THREADS ROUNDS - vfork children that exec, from many threads at once,
 * while others use malloc and change errno; says what went wrong.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int rounds, bad, done;
static char key[512];

static void *forker(void *unused)
{
	char *args[] = { (char *)"true", key, NULL };

	(void)unused;
	for (int i = 0; i < rounds; i++) {
		int status = -1;
		pid_t pid = vfork();

		if (pid == 0) {
			execve(i % 8 ? "/bin/true" : "/no/such/file", args, environ);
			_exit(errno == ENOENT ? 44 : 45);
		}
		if (waitpid(pid, &status, 0) != pid || status != (i % 8 ? 0 : 44 << 8))
			__atomic_fetch_add(&bad, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *churn(void *unused)
{
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		char *p = malloc(100);

		memset(p, 1, 100);
		free(p);
		usleep(50);
	}
	return unused;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 4;
	pthread_t t[32], c;

	rounds = argc > 2 ? atoi(argv[2]) : 100;
	snprintf(key, sizeof(key), "--key=%s", getenv("TEST_TOKEN") ? getenv("TEST_TOKEN") : "");
	pthread_create(&c, NULL, churn, NULL);
	for (int i = 0; i < n; i++)
		pthread_create(&t[i], NULL, forker, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	__atomic_store_n(&done, 1, __ATOMIC_RELAXED);
	pthread_join(c, NULL);
	printf("bad %d\n", bad);
	return bad != 0;
}
