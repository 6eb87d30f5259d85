/*
 * shim/launch_notes.h - what a person is told before the client has the screen.
 */
#ifndef SHIM_LAUNCH_NOTES_H
#define SHIM_LAUNCH_NOTES_H

struct launch;
struct opened_session;
struct provider;

/* The client finds a provider's credentials itself: warn when there are none. */
void launch_note_credentials(const struct provider *p);

/* What of the person's own does not count, what is weak about the key's delivery, and the dim
 * line that says what starts. */
void launch_note_start(const struct launch *l, const struct opened_session *session);

#endif
