/*
 * client/common/compositor.h - a connection to the Wayland compositor, for a program that asks for
 * a secret in a window.
 */
#ifndef CLIENT_COMMON_COMPOSITOR_H
#define CLIENT_COMMON_COMPOSITOR_H

#include "base/paths.h"

struct failure;

#define COMPOSITOR_PATH (2 * PATH_SIZE)

/*
 * Connect to the compositor that WAYLAND_DISPLAY names; path is where it listens.  The directory
 * is the user's, so that a program of a session can listen there in its place, and be told each
 * key of the windows that are opened then: who listens is looked at, and the program is given this
 * very connection.  *fd = -1: there is none.  0, or -1: it is a session's, or cannot be looked at.
 */
int compositor_connect(char path[COMPOSITOR_PATH], int *fd, struct failure *f);

#endif
