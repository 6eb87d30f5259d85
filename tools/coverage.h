/*
 * tools/coverage.h - included first in everything that tools/coverage builds: a process that
 * may write no byte into a file writes its counts all the same.
 */
#include <sys/resource.h>

#define setrlimit(what, to) ((what) == RLIMIT_FSIZE ? 0 : setrlimit(what, to))
