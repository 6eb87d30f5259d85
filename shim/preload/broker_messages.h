/*
 * broker_messages.h - the library's messages to and from the broker, each with
 * a deadline.  Their layout is wire/claim.h's.
 */
#ifndef SHIM_PRELOAD_BROKER_MESSAGES_H
#define SHIM_PRELOAD_BROKER_MESSAGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "shim/preload/refusal.h"
#include "wire/claim.h"

/* Milliseconds of CLOCK_MONOTONIC; deadlines are points of it. */
int64_t monotonic_ms(void);

/* Send a message without a body, and the descriptor pass unless it is -1.  0 or -1. */
int broker_send(int fd, enum claim_type type, int pass, int64_t deadline);

/* Receive one packet of size bytes at most.  Its length, or -1 (closed, too long, late). */
ssize_t broker_receive(int fd, void *buf, size_t size, int64_t deadline, struct refusal *why);

/*
 * The items of a packet of n bytes into out[max]; they point into the packet.
 * Their number, or -1: it is malformed, or a refusal, whose texts are then in why.
 */
int broker_read_items(const uint8_t *packet, size_t n, struct claim_item *out, unsigned max,
		      struct refusal *why);

/* 0 when the packet is a CLAIM_OK without items, the answer to `arrived` and `again`; or -1. */
int broker_check_ok(const uint8_t *packet, size_t n, struct refusal *why);

#endif
