/*
 * relay/sandbox.h - the cage of ccrun-relay, which reads untrusted bytes from two sides.
 */
#ifndef RELAY_SANDBOX_H
#define RELAY_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

struct failure;

/*
 * Restrict this process for the rest of its life.
 *   The mark of a session: the broker gives nothing to it, should it ever connect.
 *   Landlock, as far as the kernel has it: it reads the system's files alone, writes
 *     none, runs no program, and connects by TCP to the `count` ports alone.
 *   seccomp: no exec, no signal to another process, no looking into one, no namespaces,
 *     mounts, keyrings.
 *   No core, no file that grows.
 * Returns 0, or -1 with f set.
 */
int relay_sandbox_enter(const uint16_t *ports, size_t count, struct failure *f);

#endif
