/*
 * client/common/pin_argument.h - the .ccrun file (a project's pin to a provider) that
 * ccctl allow and ccctl deny are about.
 */
#ifndef CLIENT_COMMON_PIN_ARGUMENT_H
#define CLIENT_COMMON_PIN_ARGUMENT_H

struct failure;
struct project;

/*
 * Read the one that the words from argv[optind] on name, or with no word the nearest
 * one from the working directory upwards.  0 or -1; even then p->path may be set.
 */
int pin_from_arguments(int argc, char **argv, struct project *p, struct failure *f);

#endif
