/*
 * config/source/source_opens.h - the variables that the user's own source files say open a
 * password manager.  Those of the shipped files are compiled in.
 */
#ifndef CONFIG_SOURCE_SOURCE_OPENS_H
#define CONFIG_SOURCE_SOURCE_OPENS_H

struct failure;
struct own_manager_variables;

/*
 * *out = what `opens` says in the user's own source files.  They add to the shipped names and take
 * none away, so nothing that can write there gets a session more than it had.  0, also
 * where there are none; or -1 with *out empty: FAIL_CONFIG, FAIL_UNSAFE_PATH, FAIL_TOO_LARGE,
 * FAIL_SYSTEM.
 */
int source_own_opens(struct own_manager_variables *out, struct failure *f);

#endif
