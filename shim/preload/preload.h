/*
 * preload.h - private to libccrun.so, the library inside the session.
 *
 * It claims the secret before main, and keeps it from whatever the program
 * starts.  Nothing of it writes to standard streams (but for a refusal), uses
 * the program's getenv, setenv or malloc (bash brings its own), or waits
 * without a deadline.  See constructor.c for the order of things.
 */
#ifndef SHIM_PRELOAD_PRELOAD_H
#define SHIM_PRELOAD_PRELOAD_H

#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <wordexp.h>
#include "wire/claim.h"

#define HOOK __attribute__((visibility("default")))

/*
 * libc's headers promise the compiler that argv is never NULL; callers pass
 * NULL all the same.  Behind this the compiler forgets the promise.
 */
#define HIDE(p) \
	__extension__({ __typeof__(p) hidden_ = (p); __asm__("" : "+r"(hidden_)); hidden_; })

#define SECRETS_MAX 8	 /* a session has three at most; room for a fourth kind */
#define SECRET_SHORT 8	 /* shorter values match as a whole only: "ollama" is a word */
#define SAVED_PREFIX "CCRUN_SAVED_"
#define FD_PREFIX "CCRUN_FD="
#define PRELOAD_PREFIX "LD_PRELOAD="
#define AGAIN_DEADLINE_MS 2000

/* ---- the session (session_state.c): written before main by start.c, then only read ---- */

struct secret {
	const char *name;
	size_t name_len;
	const char *value;
	size_t len;
};

struct session {
	bool active;
	pid_t pid;	     /* the session's own process; everything else is a child */
	int fd;		     /* connection to the broker, or -1 */
	dev_t dev;	     /* what fd was, should the program close and reuse it */
	ino_t ino;
	const char *preload; /* "LD_PRELOAD=<this library>", or NULL */
	const char *ticket;  /* "CCRUN_FD=<fd>", or NULL */
	const char **saved;  /* "CCRUN_SAVED_NAME=value" */
	size_t saved_count;
	struct secret secret[SECRETS_MAX];
	size_t secrets;
};

extern struct session session;

/* Is fd (still) the connection to the broker? */
bool session_connected(void);

/* ---- broker_messages.c: packets with deadlines ---- */

struct trouble {
	char text[512];
	char hint[512];
};

/* Fill t from literals (hint may be NULL).  Returns -1. */
int trouble(struct trouble *t, const char *text, const char *hint);

/* "ccrun: claim refused: ..." on standard error, then _exit(125). */
_Noreturn void refuse(const struct trouble *t);

/* Monotonic milliseconds. */
int64_t now_ms(void);

/* Send an empty-bodied message, with descriptor pass or -1.  0 or -1. */
int talk_send(int fd, int type, int pass, int64_t deadline);

/* One packet.  Its length, or -1 (closed, too long, late) with t filled. */
ssize_t talk_recv(int fd, void *buf, size_t size, int64_t deadline, struct trouble *t);

/* claim_items, with what is wrong, or a refusal's texts, in t. */
int talk_items(const uint8_t *p, size_t n, struct claim_item *out, unsigned max, struct trouble *t);

/* Is it a CLAIM_OK without items, the answer to `arrived` and `again`? */
int talk_ok_empty(const uint8_t *p, size_t n, struct trouble *t);

/* ---- claim.c ---- */

/* Harden this process, claim over fd, put the secrets into session and environ. */
int claim(int fd, struct trouble *t);

/* ---- redact_child.c: what a child may see.  Allocation-free, lock-free ---- */

/* What is to be executed.  argv and envp may be NULL, as the kernel allows. */
struct program {
	const char *path;
	char *const *argv;
	char *const *envp;
	bool carry; /* the session goes on in the new image: pass preload and ticket */
};

/* Bytes that strip() needs. */
size_t strip_size(const struct program *in);

/* Fill out with a clean copy, in mem.  0, or -1 when mem is too small. */
int strip(const struct program *in, void *mem, size_t size, struct program *out);

/* Value of NAME in environ, or NULL; without the program's own getenv. */
const char *environ_value(const char *name);

/* ---- hooked_call.c: one way for all hooks ---- */

typedef int spawn_fn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		     const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);

enum how { HOW_EXEC, HOW_SEARCH, HOW_AT, HOW_SPAWN };

struct launch {
	enum how how;
	struct program program;
	int dirfd, flags; /* HOW_AT */
	spawn_fn *spawn;  /* HOW_SPAWN, with the next three */
	pid_t *pid;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attr;
};

/* As exec: -1 with errno.  As posix_spawn for HOW_SPAWN: 0 or the error. */
int launch(const struct launch *l);

/*
 * Scratch space for pointers: the stack up to STACK_ROOM, a mapping beyond.
 * Exec hooks run in vfork children, on the parent's stack and in its memory:
 * malloc could hold a lock there or corrupt the heap, the stack is what a
 * child may use.  A mapping made there stays in the parent when the exec
 * succeeds: a leak, accepted because 32 KiB are 4,000 variables, and arguments
 * need room only when one of them contains a secret or a hook is variadic.
 * More stack would be no better: threads may have as little as that.
 */
#define STACK_ROOM (32 * 1024)
#define ROOM(size) ((size) <= STACK_ROOM ? __builtin_alloca(size) : room_map(size))
void *room_map(size_t size); /* NULL with ENOMEM */
void room_free(void *mem, size_t size);

/* ---- libc_functions.c: libc's own ---- */

struct real {
	spawn_fn *posix_spawn, *posix_spawnp;
	spawn_fn *pidfd_spawn, *pidfd_spawnp; /* NULL before glibc 2.39 */
	int (*system)(const char *);
	FILE *(*popen)(const char *, const char *);
	int (*pclose)(FILE *);
	int (*wordexp)(const char *, wordexp_t *, int);
};

/*
 * Resolved in the constructor of a session, else at first use: dlsym takes
 * locks that a forked child of a threaded program may find held.
 */
const struct real *real(void);

/* ---- hook_shell.c ---- */

/* Make popen and system safe in forked children. */
void shell_start(void);

#endif
