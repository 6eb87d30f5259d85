/*
 * config/client/settings_option.h - the client's `--settings`, for a session whose key it has
 * in its memory.
 */
#ifndef CONFIG_CLIENT_SETTINGS_OPTION_H
#define CONFIG_CLIENT_SETTINGS_OPTION_H

#include <stdbool.h>

struct failure;

/*
 * A debug switch of the client's runtime (BUN_CONFIG_VERBOSE_FETCH) prints the headers of
 * requests, the key's too, and a settings file that it loads again in mid-session can turn
 * it on.  Only what `--settings` says comes before such files, and of several the last one
 * counts (measured with Claude Code 2.1.330).  So that option is put in front of the
 * client's `arguments` (ends with NULL) with the switch off, and a person's own gets the
 * switch added: text stays text, a file becomes a descriptor which stays open for the
 * client.
 *
 * overruled: becomes true where the person's own had the switch on.
 * Returns the arguments, with their strings, in memory that is not freed; NULL with f set:
 * the person's settings cannot be read as the client would read them.
 */
char **settings_option_pin(char **arguments, bool *overruled, struct failure *f);

#endif
