/*
 * shim/provider_list.h - ccrun --list.
 */
#ifndef SHIM_PROVIDER_LIST_H
#define SHIM_PROVIDER_LIST_H

#include <stdio.h>

struct failure;

/* A line a provider: name, title, modes, whether it was seen to work; a file
 * that is wrong is a line that says so.  0 or -1. */
int list_providers(FILE *to, struct failure *f);

#endif
