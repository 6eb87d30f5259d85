/*
 * wire/check.h - check a packet before msgpack-c reads it.
 */
#ifndef WIRE_CHECK_H
#define WIRE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

/*
 * Is the packet exactly one map, within WIRE_PACKET_MAX, WIRE_DEPTH_MAX and
 * WIRE_KEYS_MAX, with string keys, none twice, every length inside the packet,
 * nothing after it?  0, or -1 with the code of the first thing that is wrong.
 */
int wire_check(const void *packet, size_t n, struct failure *f);

#endif
