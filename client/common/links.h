/*
 * client/common/links.h - a user's own commands (ccctl link): each is a symbolic link
 * to ccrun, and [links] in ccrun.conf says which provider its name stands for.
 */
#ifndef CLIENT_COMMON_LINKS_H
#define CLIENT_COMMON_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/paths.h"
#include "config/provider/provider.h"
#include "config/settings/ccrun_conf.h"

struct failure;

#define LINK_VALUE (sizeof(CCRUN_CONF_WRAP) + PROVIDER_VALUE_MAX) /* bytes of a value in [links] */

/* Is path a symbolic link to this installation's ccrun?  (ccrun itself is none.) */
bool link_is_ours(const char *path);

/* "DIR/NAME" in out, of n bytes of dir; false: too long. */
bool link_join(char out[PATH_SIZE], const char *dir, size_t n, const char *name);

/*
 * The first file NAME in PATH that is (ours), or is not, a link to this ccrun, in out.
 * It need not be executable: it may become so.  false: there is none.
 */
bool link_in_path(const char *name, bool ours, char out[PATH_SIZE]);

/* Is the directory in PATH? */
bool link_dir_in_path(const char *dir);

/*
 * The directory for a new link: given (--dir), else ccrun's own if it is writable and
 * in PATH, else ~/.local/bin, which is made.  0 or -1.
 */
int link_choose_dir(const char *given, char out[PATH_SIZE], struct failure *f);

/* The value of name in [links].  1, 0 with "" in out when there is none, or -1. */
int link_meaning(const char *name, char out[LINK_VALUE], struct failure *f);

#endif
