/*
 * helpers/ask/list.h - the names of the models that a server has, a line each.
 */
#ifndef HELPERS_ASK_LIST_H
#define HELPERS_ASK_LIST_H

struct failure;

#define LIST_SECONDS 15l
#define LIST_PATH "/v1/models?limit=1000"

/* Ask the server at base, over a relay's socket unless that is NULL, and print.  0 or -1. */
int list_print(const char *base, const char *socket, struct failure *f);

#endif
