/*
 * helpers/ask/trial.h - one small message to a model, and a report of what came of it.
 */
#ifndef HELPERS_ASK_TRIAL_H
#define HELPERS_ASK_TRIAL_H

struct failure;

/*
 * argv: what is the client's to read in a launch (--model M), and --wait SECONDS.  Prints the
 * report, lines of a word and its value, for ccctl (client/trial_report.h).  0 or -1.
 */
int trial_run(const char *base, const char *socket, char **argv, struct failure *f);

#endif
