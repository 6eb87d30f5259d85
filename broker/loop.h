/*
 * broker/loop.h - the event loop of the one thread.
 */
#ifndef BROKER_LOOP_H
#define BROKER_LOOP_H

struct broker;
struct failure;

/* Create the epoll instance and the signalfd, watch the listener.  0 or -1. */
int loop_start(struct broker *b, struct failure *f);

/* Serve until SIGTERM, SIGINT or SIGHUP. */
void loop_run(struct broker *b);

#endif
