/*
 * broker/dispatch.h - the table of requests: who may ask for what, and when.
 */
#ifndef BROKER_DISPATCH_H
#define BROKER_DISPATCH_H

#include <stddef.h>

struct broker;
struct connection;
struct sock_control;

/* Parse the n bytes in b->packet, check what the table asks for, run the handler and
 * send the answer.  A packet that is no message closes the connection. */
void dispatch_packet(struct broker *b, struct connection *c, size_t n, struct sock_control *beside);

#endif
