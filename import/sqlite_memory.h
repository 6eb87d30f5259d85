/*
 * import/sqlite_memory.h - locked memory for SQLite while it reads a database with keys.
 */
#ifndef IMPORT_SQLITE_MEMORY_H
#define IMPORT_SQLITE_MEMORY_H

struct failure;

/*
 * From now until sqlite_memory_end(), SQLite allocates from one locked region, in the
 * whole process; calls cannot be nested.  When it is used up, SQLite says SQLITE_NOMEM.
 * Returns 0, or -1 with FAIL_NOT_LOCKED_MEM.
 */
int sqlite_memory_begin(struct failure *f);

/* Wipe and unmap it.  Every database must be closed. */
void sqlite_memory_end(void);

#endif
