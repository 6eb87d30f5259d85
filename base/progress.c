/*
 * base/progress.c - a word to a person who waits for more than a second.
 */
#include "base/progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE (64 * 1024) /* it may be locked memory */

static void *progress_wait(void *arg)
{
	struct progress *p = arg;
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_mutex_lock(&p->lock);
	while (!p->ended && r == 0)
		r = pthread_cond_timedwait(&p->over, &p->lock, &until);
	if (!p->ended && write(STDERR_FILENO, p->line, strlen(p->line)) < 0) {
		/* Then nobody reads it. */
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Signals stay the caller's. */
static int thread_start(struct progress *p)
{
	pthread_attr_t attr;
	sigset_t all, was;
	int r;

	if (pthread_attr_init(&attr) != 0)
		return -1;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	r = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (r == 0)
		r = pthread_create(&p->thread, &attr, progress_wait, p);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	pthread_attr_destroy(&attr);
	return r == 0 ? 0 : -1;
}

void progress_begin(struct progress *p, const char *program, const char *what)
{
	pthread_condattr_t attr;

	memset(p, 0, sizeof(*p));
	if (!isatty(STDERR_FILENO))
		return;
	snprintf(p->line, sizeof(p->line), "%s: %s ...\n", program, what);
	if (pthread_condattr_init(&attr) != 0)
		return;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->over, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&p->lock, NULL);
	p->runs = thread_start(p) == 0;
}

void progress_end(struct progress *p)
{
	if (!p->runs)
		return;
	pthread_mutex_lock(&p->lock);
	p->ended = true;
	pthread_cond_signal(&p->over);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->over);
	pthread_mutex_destroy(&p->lock);
	p->runs = false;
}
