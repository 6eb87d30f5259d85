/*
 * base/fail.h - one failure, as every program of ccrun says it.
 *
 * A function that can fail takes a `struct failure *` and returns -1 (or NULL)
 * after filling it.  The code decides the wire's error name and the exit code;
 * the texts become "PROGRAM: what failed: why" and "hint: what to do".
 * Texts never carry a secret: fail_set's arguments are names, paths, numbers.
 * Control characters in them become '?'.
 */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include <stddef.h>

enum fail_code {
	FAIL_NONE = 0,
	FAIL_INTERNAL,	     /* our own bug */
	FAIL_USAGE,	     /* the caller's words are off */
	FAIL_SYSTEM,	     /* a system call, or a service or device of the system, failed */
	FAIL_NO_MEMORY,	     /* allocation, or the locked arena is full */
	FAIL_LOCKED,	     /* the vault is locked */
	FAIL_NO_VAULT,	     /* there is no vault yet */
	FAIL_NO_ENTRY,	     /* no such entry, slot, provider, mode */
	FAIL_NO_VALUE,	     /* the entry has a source, and was not fetched yet */
	FAIL_EXISTS,	     /* an entry, a vault, a file, a watcher of that kind is there already */
	FAIL_CHANGED,	     /* what was read before is not what is there now */
	FAIL_WRONG_KEY,	     /* wrong passphrase or key for this slot */
	FAIL_DAMAGED,	     /* vault: checksum or contents wrong */
	FAIL_TRUNCATED,	     /* vault: shorter than it says */
	FAIL_NEWER,	     /* vault or message of a version we do not know */
	FAIL_KDF_BOUNDS,     /* vault: a KDF cost out of bounds */
	FAIL_ORIGIN,	     /* endpoint or variable differ from what was sealed */
	FAIL_POLICY,	     /* the sealed policy says no */
	FAIL_MARKED,	     /* the requester descends from a session */
	FAIL_PEER,	     /* wrong uid, gone, unreadable, not who it says */
	FAIL_POSTURE,	     /* dumpable, traced, unmarked, other namespace, late */
	FAIL_BUSY,	     /* too many clients, or another program has it; later it may work */
	FAIL_IN_USE,	     /* the connection has another use already: connect once more */
	FAIL_TIMEOUT,	     /* a deadline passed */
	FAIL_MALFORMED,	     /* packet: not one msgpack map */
	FAIL_DUPLICATE_KEY,  /* packet: a key twice */
	FAIL_TRAILING_BYTES, /* packet: bytes after the map */
	FAIL_WRONG_TYPE,     /* packet: a field of another type, or missing */
	FAIL_UNKNOWN_OP,     /* packet: no such op */
	FAIL_TOO_LARGE,	     /* packet, token, file or number of slots over its limit */
	FAIL_BAD_VALUE,	     /* a field's contents are not allowed */
	FAIL_UNSAFE_PATH,    /* wrong owner or mode, a symbolic link in the way */
	FAIL_CONFIG,	     /* a configuration file is wrong */
	FAIL_SOURCE,	     /* another manager did not give the token */
	FAIL_PROGRAM,	     /* a program that we started failed or gave no answer */
	FAIL_DECLINED,	     /* the person was asked and said no */
	FAIL_NO_BROKER,	     /* none answers and none could be started */
	FAIL_NOT_LOCKED_MEM, /* secrets cannot be kept in locked memory */
	FAIL_CODE_COUNT
};

struct failure {
	enum fail_code code;
	char what[320]; /* "what failed: why", no final period */
	char hint[320]; /* the mend; may be empty */
};

/* Exit codes of ccctl (docs: ccctl(1)). */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_LOCKED = 3,
	EXIT_NO_SUCH = 4,
	EXIT_REFUSED = 5,
	/* of ccrun, as env(1) */
	EXIT_CCRUN = 125,
	EXIT_CANNOT_EXEC = 126,
	EXIT_NOT_FOUND = 127
};

/*
 * Fill f (which may be NULL).  hint may be NULL.  fmt as printf; a text that
 * does not fit is cut.  Returns -1, so that `return fail_set(...)` works.
 */
int fail_set(struct failure *f, enum fail_code code, const char *hint,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* As fail_set with FAIL_SYSTEM and ": strerror(errno)" appended. */
int fail_errno(struct failure *f, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Replace the hint of a failure that is set already.  fmt as printf. */
void fail_hint(struct failure *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * As a helper program sends one (helpers/channel.h): three texts in n bytes, each
 * with its NUL: the code's wire name, what failed, the hint.  Returns -1.
 */
int fail_unpack(struct failure *f, const char *p, size_t n);

/* The wire's name of a code ("no-entry"); never NULL. */
const char *fail_name(enum fail_code code);

/*
 * The code of a wire name.  One that a newer program sends and that is not known
 * here becomes FAIL_INTERNAL, so a new code must exit with EXIT_FAILED as that does.
 */
enum fail_code fail_from_name(const char *name);

/* ccctl's exit code for a failure. */
int fail_exit(const struct failure *f);

/*
 * Names and paths in a text are other people's: what would steer a terminal (C0,
 * DEL, C1 as UTF-8 has it) becomes "?" in place.  fail_set() and fail_errno() do it.
 */
void fail_printable(char *s);

/* Print "prog: what" and "hint: ..." to standard error. */
void fail_print(const char *prog, const struct failure *f);

#endif
