/*
 * client/facts/machine_file.h - files of /proc, /sys, /dev and /etc that say how this machine is
 * set up.
 *
 * The test build has another machine_file.c, which a test gives files of its own: no test can
 * have a machine swap, or have none.
 */
#ifndef CLIENT_FACTS_MACHINE_FILE_H
#define CLIENT_FACTS_MACHINE_FILE_H

#define MACHINE_PATH 4096

/* out (MACHINE_PATH bytes) = where to look for that absolute path; returned, too. */
const char *machine_file_path(const char *path, char *out);

#endif
