/*
 * base/fail.h - how functions report a failure, and programs print it.
 *
 * A function that can fail takes a `struct failure *` and returns -1 (or NULL)
 * after filling it.  The code decides the wire's error name and the exit code;
 * the texts become "PROGRAM: what failed: why" and "hint: what to do".
 * No secret may be put in a text: only names, paths, numbers.  Control characters
 * in them, and those that do not show or turn the direction of reading, become '?'.
 */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include <stdarg.h>
#include <stddef.h>

enum fail_code {
	FAIL_NONE = 0,
	FAIL_INTERNAL,	     /* our own bug */
	FAIL_USAGE,	     /* wrong arguments on the command line */
	FAIL_SYSTEM,	     /* a system call, or a service or device of the system, failed */
	FAIL_NO_MEMORY,	     /* allocation, or the locked arena is full */
	FAIL_LOCKED,	     /* the vault is locked */
	FAIL_NO_VAULT,	     /* there is no vault yet */
	FAIL_NO_ENTRY,	     /* no such entry, slot, provider, mode */
	FAIL_NO_VALUE,	     /* the entry has a source, and was not fetched yet */
	FAIL_EXISTS,	     /* such an entry, vault, file or watcher exists already */
	FAIL_CHANGED,	     /* it was changed by another program since it was read */
	FAIL_WRONG_KEY,	     /* wrong passphrase or key for this slot */
	FAIL_DAMAGED,	     /* vault: checksum or contents wrong */
	FAIL_TRUNCATED,	     /* vault: shorter than it says */
	FAIL_NEWER,	     /* vault or message of a version we do not know */
	FAIL_KDF_BOUNDS,     /* vault: a KDF cost out of bounds */
	FAIL_ORIGIN,	     /* endpoint or variable differ from what was sealed */
	FAIL_POLICY,	     /* the sealed policy says no */
	FAIL_IMAGE,	     /* what is to be executed is another program than before */
	FAIL_PERSON,	     /* it wants a person's passphrase or recovery code, given now */
	FAIL_CONFIRM,	     /* the launch waits for a person's yes */
	FAIL_MARKED,	     /* the requester descends from a session */
	FAIL_PEER,	     /* the peer has another uid, has ended, or cannot be examined */
	FAIL_POSTURE,	     /* dumpable, traced, unmarked, other namespace, late */
	FAIL_BUSY,	     /* too many clients, or another program has it: try again later */
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
	FAIL_DECLINED,	     /* the user was asked and said no */
	FAIL_NO_BROKER,	     /* none answers and none could be started */
	FAIL_NOT_LOCKED_MEM, /* secrets cannot be kept in locked memory */
	FAIL_CODE_COUNT
};

struct failure {
	enum fail_code code;
	char what[320]; /* "what failed: why", no final period */
	char hint[320]; /* what the user can do; may be empty */
};

/* Exit codes of ccctl (docs: ccctl(1)). */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_LOCKED = 3,
	EXIT_NO_SUCH = 4,
	EXIT_REFUSED = 5,
	EXIT_UNTRIED = 6, /* of `test`: only a launch can tell */
	/* of ccrun, as env(1) */
	EXIT_CCRUN = 125,
	EXIT_CANNOT_EXEC = 126,
	EXIT_NOT_FOUND = 127
};

/*
 * Fill f (which may be NULL).  hint, which may be NULL, is words of ours alone or another failure's hint:
 * fail_hint for all others (tools/hints).  fmt as printf; a text that
 * does not fit is cut.  Returns -1, so that `return fail_set(...)` works.
 */
int fail_set(struct failure *f, enum fail_code code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* As fail_set with FAIL_SYSTEM and ": strerror(errno)" appended. */
int fail_errno(struct failure *f, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Replace the hint of a failure that is set already.  A person pastes what stands in a hint, now and then
 * as root: so each %s becomes one word for a shell (base/shell_word.h), whatever its text has; an empty
 * one stays empty.  Of printf there are %s, %u, %d and %llu alone.  One that cannot be a word, or a hint that does
 * not fit whole (half a path is another path): the hint says that nothing can be named.
 */
void fail_hint(struct failure *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fail_hint_list(struct failure *f, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* The same behind the hint that f has.  What does not fit, or is no word, and all that would follow, is
 * " ...", with which no command goes on. */
void fail_hint_add(struct failure *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Replace the hint by a text as it stands, cut where it does not fit: words of ours, another failure's hint, what
 * shell_word or text_quote made.  A comment above each call says why nobody else chooses it (tools/hints).
 */
void fail_hint_text(struct failure *f, const char *text);

/*
 * Fill f from the n bytes in which a helper program reports a failure
 * (helpers/channel.h): three texts, each with its NUL: the code's wire name, what
 * failed, the hint.  Returns -1.
 */
int fail_unpack(struct failure *f, const char *p, size_t n);

/* The wire's name of a code ("no-entry"); never NULL. */
const char *fail_name(enum fail_code code);

/*
 * The code of a wire name; FAIL_INTERNAL for an unknown one, which a newer program
 * may send.  So a code that is added later must have the exit code EXIT_FAILED, but for
 * one that an older program could do nothing about (FAIL_PERSON).
 */
enum fail_code fail_from_name(const char *name);

/* ccctl's exit code for a failure. */
int fail_exit_code(const struct failure *f);

/*
 * Replace what would change how a line is read (utf8_misleads: controls, what does not show or turns the
 * direction) by "?" in place: names and paths may be an attacker's.  fail_set, fail_errno
 * and fail_hint do it themselves.
 */
void fail_sanitize(char *s);

/* Print "prog: what" and "hint: ..." to standard error. */
void fail_print(const char *prog, const struct failure *f);

#endif
