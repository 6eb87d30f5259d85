/*
 * client/trial_report.h - what ccrun --test printed: the end of a trial.
 */
#ifndef CLIENT_TRIAL_REPORT_H
#define CLIENT_TRIAL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "wire/trial.h"

#define TRIAL_TEXT_MAX 512
#define TRIAL_NAMES_MAX 4000

struct trial_report {
	enum trial outcome;
	struct failure failure;		   /* of ccrun, which did not ask; code FAIL_NONE: none */
	char model[TRIAL_TEXT_MAX];	   /* that answered, or was asked for; or "" */
	char words[TRIAL_TEXT_MAX];	   /* of who answered; or "" */
	uint64_t status;		   /* of HTTP, or 0 */
	uint64_t first_ms;		   /* works: until the answer's first byte */
	bool counted;			   /* the provider said what it took */
	uint64_t input, output;		   /* tokens */
	uint64_t retry;			   /* seconds, or 0 */
	const char *name[TRIAL_NAMES_MAX]; /* unknown model: those that the server has */
	unsigned names;
};

/*
 * Read the n bytes of text, which is cut into lines; out's names lie in it.  It comes from a
 * program that a server answered: the texts in out are clean for a terminal, the names are not.
 * 0, or -1 without an outcome.
 */
int trial_report_read(char *text, size_t n, struct trial_report *out);

#endif
