/*
 * sandbox/network_files.h - what a program reads that looks up names and speaks TLS.
 */
#ifndef SANDBOX_NETWORK_FILES_H
#define SANDBOX_NETWORK_FILES_H

#include <stddef.h>

/* For struct landlock_rules: the system's directories and files, no person's. */
extern const char *const network_files[];
extern const size_t network_files_count;

#endif
