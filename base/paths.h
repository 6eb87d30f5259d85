/*
 * base/paths.h - where things are: the XDG directories, the broker's socket,
 * and the programs and data beside the running one.
 *
 * An installation (and the build tree, build/) looks like this:
 *   PREFIX/bin/{ccrun,ccctl}   PREFIX/libexec/ccrun/{ccbroker,...}
 *   PREFIX/lib/ccrun/libccrun.so   PREFIX/share/ccrun/{providers,...}
 * and every program finds PREFIX from /proc/self/exe.
 */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

#include <stddef.h>

struct failure;

#define PATH_SIZE 4096

enum path_kind {
	PATH_CONFIG,  /* $XDG_CONFIG_HOME/ccrun  (else ~/.config/ccrun) */
	PATH_DATA,    /* $XDG_DATA_HOME/ccrun    (else ~/.local/share/ccrun) */
	PATH_STATE,   /* $XDG_STATE_HOME/ccrun   (else ~/.local/state/ccrun) */
	PATH_RUNTIME  /* $XDG_RUNTIME_DIR/ccrun, else /run/user/UID/ccrun,
			 else PATH_STATE's run/; never /tmp */
};

/*
 * out (PATH_SIZE bytes) = directory of that kind + "/" + leaf (leaf NULL: the
 * directory).  Nothing is created.  Relative XDG values are ignored, as the
 * specification says.  Returns 0 or -1.
 */
int path_of(enum path_kind kind, const char *leaf, char *out, struct failure *f);

/* The user's home: $HOME when absolute.  Returns 0 or -1. */
int path_home(char *out, struct failure *f);

/*
 * out (PATH_SIZE bytes) = a path that a person wrote: "/..." as it is, "~/..." below
 * the home directory, "$XDG_CONFIG_HOME/..." (DATA, STATE) below that directory or
 * its standard place.  Returns 0 or -1.
 */
int path_expand(const char *text, char *out, struct failure *f);

/*
 * out = PREFIX + "/" + rest, PREFIX being two levels above the running
 * program's bin/ (or three above libexec/ccrun/).  Returns 0 or -1.
 */
int path_installed(const char *rest, char *out, struct failure *f);

/*
 * Make path (and missing parents, 0700) and check it: a directory, not a link,
 * owned by the caller, closed to group and others.  Returns an O_PATH-less
 * directory descriptor (close-on-exec) or -1.
 */
int path_private_dir(const char *path, struct failure *f);

/*
 * A configuration file or directory that others may write is refused: fd must
 * belong to the caller or root, and not be writable by group or others.
 * path is for the message.  Returns 0 or -1.
 */
int path_check_trusted(int fd, const char *path, struct failure *f);

/*
 * What names this machine and stays when its home directories are copied
 * elsewhere: /etc/machine-id (machine-id(5)); "" where there is none.
 */
void path_machine_id(char *out, size_t size);

/* Where the system broker is.  Not configurable: whoever could move these paths
 * could stand in for it.  */
#define SYSTEM_RUN_DIR "/run/ccrun"
#define SYSTEM_SOCKET SYSTEM_RUN_DIR "/broker.sock"
#define SYSTEM_STATE_DIR "/var/lib/ccrun"

#endif
