/*
 * client/approve_image.h - ccctl approve --program.
 */
#ifndef CLIENT_APPROVE_IMAGE_H
#define CLIENT_APPROVE_IMAGE_H

#include <stdbool.h>

struct client;
struct failure;

/*
 * Show what the program's name led to at its last launch and, where a person agrees (yes:
 * without a question), have that forgotten: the next launch keeps what it finds.  0 or -1.
 */
int approve_image(struct client *c, const char *name, bool yes, struct failure *f);

#endif
