/*
 * client/facts/kernel_facts.h - what the kernel does between programs of one user, for ccctl status.
 */
#ifndef CLIENT_FACTS_KERNEL_FACTS_H
#define CLIENT_FACTS_KERNEL_FACTS_H

#include <stdbool.h>

struct json_t;

struct kernel_facts {
	int yama;	 /* kernel.yama.ptrace_scope; -1: a kernel without Yama */
	int landlock;	 /* the version; 0: none */
	bool seccomp;	 /* filters */
	bool types;	 /* a program may type into its terminal (dev.tty.legacy_tiocsti) */
	bool peer_pidfd; /* it says exactly who connected (SO_PEERPIDFD) */
};

/* All at this moment, from the kernel. */
void kernel_facts_read(struct kernel_facts *k);

/* A line each, as ccctl status has them. */
void kernel_facts_print(const struct kernel_facts *k);

/* The same as keys of an object. */
void kernel_facts_json(const struct kernel_facts *k, struct json_t *o);

#endif
