/*
 * import/rewrite.h - replacing a file, with a backup that has no secrets.
 */
#ifndef IMPORT_REWRITE_H
#define IMPORT_REWRITE_H

#include "import/found.h"

/*
 * Replace the file's contents by fresh, and keep backup (what it was, without the
 * secrets) in our state directory; kept: the backup's path.  Owner, group and mode
 * stay.  Returns 0, or -1: the file is as it was, or it was replaced and only the
 * sync of its directory failed.
 */
int rewrite_file(struct import_file *file, const struct locked_text *fresh,
		 const struct locked_text *backup, char kept[PATH_SIZE], struct failure *f);

/* A warning when rewriting does not remove every copy: hard links, git.  "" none. */
void rewrite_warning(const struct import_file *file, char out[FILE_NOTE_MAX]);

#endif
