/*
 * helpers/logind/sessions.h - who is logged in, as logind lists it.
 */
#ifndef HELPERS_LOGIND_SESSIONS_H
#define HELPERS_LOGIND_SESSIONS_H

#include <stdbool.h>
#include <sys/types.h>

struct failure;
struct login1;

struct login1_session {
	uid_t uid;
	bool login;	/* a person's log-in that counts */
	char path[128]; /* on the bus */
};

/*
 * Ask logind, and lock the vault of each user who was logged in at the last check and is not
 * now.  0, or -1 with f set: what was known stays.
 */
int sessions_check(struct login1 *l, struct failure *f);

/* A session of the last check by its path on the bus, or NULL. */
const struct login1_session *sessions_find(const struct login1 *l, const char *path);

/* Do this user's sessions count? */
bool sessions_count_user(const struct login1 *l, uid_t uid);

/* Free what is known. */
void sessions_forget(struct login1 *l);

#endif
