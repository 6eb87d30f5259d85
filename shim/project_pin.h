/*
 * shim/project_pin.h - a project's .ccrun: followed, or refused.
 */
#ifndef SHIM_PROJECT_PIN_H
#define SHIM_PROJECT_PIN_H

#include <stdbool.h>

struct failure;
struct project;

enum pin_result { PIN_FAILED = -1, PIN_NONE, PIN_ALLOWED };

/*
 * The pin of the project that the working directory is in, into *p.  One that the user
 * has not allowed, or that has changed since, is refused (PIN_FAILED with FAIL_POLICY);
 * on a terminal, if may_ask, the user is asked first (ccctl allow --ask).  PIN_FAILED
 * also with what project_find or allowed_standing fails with.
 */
enum pin_result pin_find_allowed(struct project *p, bool may_ask, struct failure *f);

#endif
