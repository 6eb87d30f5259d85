/*
 * shim/metering.h - what the broker counts a session's use by: its project and the prices
 * of its models.
 */
#ifndef SHIM_METERING_H
#define SHIM_METERING_H

struct provider;
struct wire_out;

/* Add "project", where it can be told, and "prices" to the request `open`. */
void metering_put(struct wire_out *o, const struct provider *p);

#endif
