/*
 * config/settings/ccrun_conf.h - ~/.config/ccrun/ccrun.conf: the user's settings
 * for ccrun as a whole.  ccrun.conf(5) is the format.
 */
#ifndef CONFIG_SETTINGS_CCRUN_CONF_H
#define CONFIG_SETTINGS_CCRUN_CONF_H

#include "config/ini/ini_file.h"

struct failure;

#define CCRUN_CONF_LEAF "ccrun.conf"
#define CCRUN_CONF_WRAP \
	"--wrap " /* in [links], before the provider: the first argument is the
				   * program to run */

/*
 * Read the file and check its sections and the keys of [ccrun] and [links].
 * statusline_conf_read checks those of [statusline], so that a mistake there does not
 * keep ccrun from starting Claude Code.  As ini_file_read.
 */
enum ini_read ccrun_conf_read(struct ini_file **out, struct failure *f);

#endif
