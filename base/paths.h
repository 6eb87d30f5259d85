/*
 * base/paths.h - where files are: the user's XDG directories, the system broker's
 * socket, and the programs and data of this installation.
 *
 * An installation (and build/) looks like this:
 *   PREFIX/bin/{ccrun,ccctl}   PREFIX/libexec/ccrun/{ccbroker,...}
 *   PREFIX/lib/ccrun/libccrun.so   PREFIX/share/ccrun/{providers,...}
 * and every program finds PREFIX from /proc/self/exe.
 */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct failure;
struct stat;

#define PATH_SIZE 4096

enum path_kind {
	PATH_CONFIG, /* $XDG_CONFIG_HOME/ccrun  (else ~/.config/ccrun) */
	PATH_DATA,   /* $XDG_DATA_HOME/ccrun    (else ~/.local/share/ccrun) */
	PATH_STATE,  /* $XDG_STATE_HOME/ccrun   (else ~/.local/state/ccrun) */
	PATH_CACHE,  /* $XDG_CACHE_HOME/ccrun   (else ~/.cache/ccrun) */
	PATH_RUNTIME /* $XDG_RUNTIME_DIR/ccrun if that is a directory of the caller's, else
			 /run/user/UID/ccrun, else PATH_STATE's run/; never /tmp */
};

/*
 * out (PATH_SIZE bytes) = the directory of that kind, with "/" and leaf unless leaf
 * is NULL.  Nothing is created.  XDG variables that are not absolute are ignored, as
 * the XDG Base Directory Specification demands.  Returns 0 or -1.
 */
int path_of(enum path_kind kind, const char *leaf, char *out, struct failure *f);

/*
 * Does a variable lead this kind of directory (not PATH_RUNTIME) away from where it is by
 * default, and leaf is only there?  As in the terminal of an editor that is packaged with
 * directories of its own.  Returns the variable's name, and normal (PATH_SIZE bytes) is
 * leaf's path by default; else NULL.
 */
const char *path_astray(enum path_kind kind, const char *leaf, char *normal);

/* Is XDG_RUNTIME_DIR set, and not used, because it is no directory of the caller's? */
bool path_runtime_ignored(void);

/* out (PATH_SIZE bytes) = $HOME, which must be absolute.  Returns 0 or -1. */
int path_home(char *out, struct failure *f);

/*
 * out (PATH_SIZE bytes) = a path from a configuration file, expanded: "/..." as it
 * is, "~/..." below the home directory, "$XDG_CONFIG_HOME/..." (or DATA, STATE) below
 * that directory or its default.  Returns 0 or -1.
 */
int path_expand(const char *text, char *out, struct failure *f);

/*
 * out (PATH_SIZE bytes) = PREFIX/rest.  PREFIX is found from /proc/self/exe, which is
 * in PREFIX/bin or PREFIX/libexec/ccrun.  Returns 0 or -1.
 */
int path_installed(const char *rest, char *out, struct failure *f);

/*
 * mkdir, and fsync the directory above where that can be read: what is written into it later
 * and synced would be lost with its name.  Returns 0, or -1 with errno (EEXIST).
 */
int path_make_directory(const char *path, mode_t mode);

/*
 * Make the directories on the way to path that are missing, mode 0700, but not path itself.
 * One that cannot be made for want of rights may be there all the same: what is opened then
 * tells.  Returns 0 or -1.
 */
int path_make_parents(const char *path, struct failure *f);

/*
 * Open a directory, which is made (with its parents, mode 0700) if it is missing, and
 * check that it is no symbolic link, belongs to the caller and is closed to group
 * and others.  Returns a close-on-exec descriptor or -1.
 */
int path_private_dir(const char *path, struct failure *f);

/*
 * The hints of a path that belongs to another than the caller, and of one that others can write (st: its
 * owner and mode; f is set).  Who follows one may be root, and who made the path what it is may be a program
 * that waits for that: neither ever has a command for root, or one through a link of somebody's.
 */
void path_hint_owner(const char *path, struct failure *f);
void path_hint_writers(const char *path, const struct stat *st, struct failure *f);

/*
 * Does the directory of that kind, if it is there, belong to the caller?  After su or sudo a
 * variable may lead to another user's.  0, or -1 with FAIL_UNSAFE_PATH.
 */
int path_check_own(enum path_kind kind, struct failure *f);

/*
 * Check a configuration file or directory that is open: it must belong to the caller
 * or root, and not be writable by group or others.  path is for the message.
 * Returns 0 or -1.
 */
int path_check_trusted(int fd, const char *path, struct failure *f);

/*
 * Open a directory of configuration files, which is made as by path_private_dir if it is
 * missing, and check it as path_check_trusted does.  Links on the way are followed: people
 * keep such files elsewhere.  Returns a close-on-exec descriptor or -1.
 */
int path_trusted_dir(const char *path, struct failure *f);

/*
 * out (PATH_SIZE bytes) = the path of an executable file without symbolic links.  The file,
 * and every directory on the way, must belong to root, and nobody else may be able to write
 * to it (in a directory with the sticky bit others may make files, but not replace these).
 * Returns 0 or -1.
 */
int path_root_owned(const char *path, char *out, struct failure *f);

/*
 * The system broker.  Not configurable: whoever could change these paths could
 * impersonate it.
 */
#define SYSTEM_RUN_DIR "/run/ccrun"
#define SYSTEM_SOCKET SYSTEM_RUN_DIR "/broker.sock"
#define SYSTEM_STATE_DIR "/var/lib/ccrun"
/* Belongs to the uid of the system broker's watcher (ccrun-logind --system): only root
 * makes a directory in /run, so root gave it that owner. */
#define SYSTEM_WATCHER_DIR "/run/ccrun-logind"

#endif
