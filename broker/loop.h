/*
 * broker/loop.h - the one event loop.
 */
#ifndef BROKER_LOOP_H
#define BROKER_LOOP_H

struct broker;
struct failure;

/* Prepare epoll and the signals.  0 or -1. */
int loop_start(struct broker *b, struct failure *f);

/* Serve until SIGTERM, SIGINT or SIGHUP. */
void loop_run(struct broker *b);

#endif
