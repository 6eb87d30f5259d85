/*
 * shim/invoked_name.h - called by another name: a link to ccrun is a command of one's own.
 */
#ifndef SHIM_INVOKED_NAME_H
#define SHIM_INVOKED_NAME_H

struct arguments;
struct failure;

/*
 * By argv[0]: 0 when it is ccrun's own name.  1: a link's name, and a is filled
 * in: what ccrun.conf's [links] says of it, else the provider (NAME or
 * NAME:MODE) that it names; all words are the program's.  -1: neither.
 */
int invoked_name_parse(struct arguments *a, char **argv, struct failure *f);

#endif
