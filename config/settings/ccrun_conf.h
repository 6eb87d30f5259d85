/*
 * config/settings/ccrun_conf.h - ~/.config/ccrun/ccrun.conf: what a person decided
 * for ccrun as a whole.  ccrun.conf(5) is the format.
 */
#ifndef CONFIG_SETTINGS_CCRUN_CONF_H
#define CONFIG_SETTINGS_CCRUN_CONF_H

struct failure;
struct ini_file;

#define CCRUN_CONF_LEAF "ccrun.conf"
#define CCRUN_CONF_WRAP "--wrap " /* before a link's provider: its first word is the program */

/*
 * Read it.  Its sections are checked, and the keys of [ccrun]; those of
 * [statusline] are statusline_conf_read's matter, so that a mistake there
 * stops no launch.  Returns 1 (ini_file_free), 0 when there is none, -1 as
 * ini_file_read; *out is NULL then.
 */
int ccrun_conf_read(struct ini_file **out, struct failure *f);

#endif
