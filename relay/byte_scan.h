/*
 * relay/byte_scan.h - where a run of ordinary bytes ends, eight bytes at a time: all of an
 * answer passes the meter, and most of it is text that says nothing of its usage.
 */
#ifndef RELAY_BYTE_SCAN_H
#define RELAY_BYTE_SCAN_H

#include <stdint.h>

/* The first byte from p on that is no plain part of a JSON string: a quote, a backslash or
 * a control character below 0x20; else end. */
const uint8_t *byte_scan_string(const uint8_t *p, const uint8_t *end);

/* The first line feed or carriage return from p on; else end. */
const uint8_t *byte_scan_line(const uint8_t *p, const uint8_t *end);

#endif
