/*
 * client/allow_list.h - ccctl allow --list: what was allowed, and what has become of it.
 */
#ifndef CLIENT_ALLOW_LIST_H
#define CLIENT_ALLOW_LIST_H

#include <stdbool.h>

struct failure;

/* Print a line, or with json an object, for every pin that was allowed.  0 or -1. */
int allow_list(bool json, struct failure *f);

#endif
