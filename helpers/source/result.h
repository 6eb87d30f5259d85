/*
 * helpers/source/result.h - from a manager's result to a token, or to a failure that
 * says what to do.
 */
#ifndef HELPERS_SOURCE_RESULT_H
#define HELPERS_SOURCE_RESULT_H

#include <stddef.h>
#include <stdint.h>

struct failure;
struct manager_result;
struct source_file;

/*
 * Did the manager succeed?  s is its source file, program the command's first word,
 * seconds its time limit.  0, or -1 with f set (FAIL_SOURCE).
 */
int result_check(const struct manager_result *o, const struct source_file *s, const char *program,
		 unsigned seconds, struct failure *f);

/* A token: n bytes at p, and the seconds until it ends, or UINT64_MAX: that is not known. */
struct fetched {
	const uint8_t *p;
	size_t n;
	uint64_t expires;
};

/*
 * The token in o->out, selected by the entry's sealed `pick` and checked.  out->p points
 * into o->out or into jansson's locked memory, so call js_locked_end() only when the token
 * is not needed any more.  0, or -1 with f set (FAIL_SOURCE).
 */
int result_token(const struct manager_result *o, const struct source_file *s, const char *pick,
		 struct fetched *out, struct failure *f);

#endif
