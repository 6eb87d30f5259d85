/*
 * config/settings/pinentry_conf.h - ccrun.conf's [ccrun] pinentry: whether a program asks for
 * secrets, and which.
 */
#ifndef CONFIG_SETTINGS_PINENTRY_CONF_H
#define CONFIG_SETTINGS_PINENTRY_CONF_H

#include "base/paths.h"

struct failure;

/*
 * 1: it is to ask; program is its path, which root alone can replace.  0: it is not.
 * -1: the file or the setting is wrong, or others could replace the program.
 */
int pinentry_conf_read(char program[PATH_SIZE], struct failure *f);

#endif
