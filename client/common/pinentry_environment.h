/*
 * client/common/pinentry_environment.h - what pinentry finds around it: a display, and only the
 * variables that a dialogue needs, so that none makes it load or run something.
 */
#ifndef CLIENT_COMMON_PINENTRY_ENVIRONMENT_H
#define CLIENT_COMMON_PINENTRY_ENVIRONMENT_H

#include <stdbool.h>

#define PINENTRY_WINDOW_FD 3 /* where it has the connection to a Wayland compositor */

/* Does a variable name an X server or a Wayland compositor? */
bool pinentry_has_display(void);

/*
 * Its environment; NULL-terminated, each "NAME=value"; static, good until the next call.  It has no
 * home: there a distribution's wrapper of it looks for a script to run, and GTK and Qt for modules
 * and styles.  It finds no bus and no Emacs: pinentry-gnome3 has whoever owns a name on the session
 * bus ask, pinentry-emacs whoever listens below TMPDIR, and GTK and Qt tell the accessibility bus
 * each key that is pressed, all of which any program of the user's can be.  compositor: where that
 * listens (less than COMPOSITOR_PATH bytes), to which PINENTRY_WINDOW_FD leads; or NULL.
 */
char *const *pinentry_environment(const char *compositor);

#endif
