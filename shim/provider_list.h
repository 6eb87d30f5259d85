/*
 * shim/provider_list.h - ccrun --list.
 */
#ifndef SHIM_PROVIDER_LIST_H
#define SHIM_PROVIDER_LIST_H

#include <stdio.h>

struct failure;

/*
 * Print a line for each provider: name, title, modes, and whether it was tested.
 * A file with an error gives a line that says so.  0 or -1.
 */
int provider_list_print(FILE *to, struct failure *f);

#endif
