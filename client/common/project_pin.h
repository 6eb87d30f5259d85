/*
 * client/common/project_pin.h - the .ccrun file (a project's pin to a provider) that
 * ccctl allow and ccctl deny are about.
 */
#ifndef CLIENT_COMMON_PROJECT_PIN_H
#define CLIENT_COMMON_PROJECT_PIN_H

struct failure;
struct project;

/*
 * Read the one that the words from argv[optind] on name, or with no word the nearest
 * one from the working directory upwards.  0 or -1; even then p->path may be set.
 */
int project_pin_find(int argc, char **argv, struct project *p, struct failure *f);

#endif
