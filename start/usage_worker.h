/*
 * start/usage_worker.h - starting the worker that fetches the provider's quota.
 */
#ifndef START_USAGE_WORKER_H
#define START_USAGE_WORKER_H

struct provider;

/*
 * Start ccrun-usage for this session, outside of it: before the process marks
 * itself.  It ends with the process that this one becomes.  A convenience: no
 * failure is told, and nothing is waited for.
 */
void usage_start(const struct provider *p);

#endif
