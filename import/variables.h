/*
 * import/variables.h - what a variable holds at one place of a file.
 */
#ifndef IMPORT_VARIABLES_H
#define IMPORT_VARIABLES_H

#include "import/found.h"

/* Do its variables reach the commands of other files?  A script's and a program's
 * own settings do not. */
bool variables_are_exported(const struct import_file *file);

/*
 * The assignment of name that holds in a scope of a file: in a scope around it, else
 * one for the whole file.  NULL when there is none.
 */
const struct assignment *variable_visible(const struct import *im, unsigned file, unsigned scope,
					  const char *name);

/*
 * Follow NAME=$OTHER to an assignment that is no such name, also into other shell
 * files; *file becomes the file it is in.  NULL when it leads nowhere.
 */
const struct assignment *variable_follow(const struct import *im, unsigned *file,
					 const struct assignment *a);

/* Its value as text, names followed; "" when it is not known, too long or not ASCII. */
void variable_text(const struct import *im, unsigned file, const struct assignment *a,
		   char out[SETTING_VALUE_MAX + 1]);

#endif
