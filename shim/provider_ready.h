/*
 * shim/provider_ready.h - the named provider, with all its parameters answered.
 */
#ifndef SHIM_PROVIDER_READY_H
#define SHIM_PROVIDER_READY_H

struct arguments;
struct failure;
struct provider;

/*
 * Load a->provider with the mode that the words behind it name (they are taken off a->rest).  A
 * parameter that the files leave open is answered, for this launch, by claude's own --model or
 * ANTHROPIC_MODEL; at a server on this machine by its default; else by a person, whom ccctl asks.
 * 0 with *out, which is the caller's (provider_free), or -1.
 */
int provider_ready(struct arguments *a, struct provider **out, struct failure *f);

#endif
