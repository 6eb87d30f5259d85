/*
 * base/sock.h - unix SOCK_SEQPACKET sockets: one packet, one message, with the
 * sender's credentials and at most one descriptor beside it.
 */
#ifndef BASE_SOCK_H
#define BASE_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct failure;

/* What came beside a packet. */
struct sock_control {
	bool have_sender;
	pid_t pid; /* of the process that sent this packet (SCM_CREDENTIALS) */
	uid_t uid;
	int pidfd; /* of that process, where sock_connect made the socket and the
		    * kernel has SO_PASSPIDFD (Linux 6.5), or -1; the caller closes it */
	int fd; /* passed descriptor, close-on-exec, or -1; the caller closes it */
};

/*
 * Listen at path, whose socket file gets that mode.  A stale socket file there is replaced; the
 * caller holds the lock that makes it the only one to do so.  Returns the
 * non-blocking, close-on-exec descriptor or -1.
 */
int sock_listen(const char *path, mode_t mode, int backlog, struct failure *f);

/*
 * Connect to path.  Returns a blocking close-on-exec descriptor with
 * SO_PASSCRED set, or -1; errno is kept (ENOENT and ECONNREFUSED say that
 * nobody serves).
 */
int sock_connect(const char *path, struct failure *f);

/* The same, and it and every send after it wait so many milliseconds at most (1 or more). */
int sock_connect_within(const char *path, int ms, struct failure *f);

/* Accept with close-on-exec, non-blocking, SO_PASSCRED.  -1 with errno. */
int sock_accept(int listener);

/*
 * What accepted connections bring from the first packet on: the sender's
 * credentials, and no descriptors.  (A descriptor that is passed is closed by
 * the receiver, and closing a file of FUSE or a lingering TCP socket can block.)
 * sock_listen does this itself; for an inherited listener.  Before Linux 6.16
 * descriptors cannot be kept away.  Returns 0 or -1 with errno.
 */
int sock_prepare_listener(int fd);

/* From here on this connection may pass descriptors. */
void sock_allow_fds(int fd);

/* Who called connect(2) (SO_PEERCRED).  Returns 0 or -1 with errno. */
int sock_peer(int fd, pid_t *pid, uid_t *uid);

/*
 * A pidfd of the peer.  *exact: of the very process that connected
 * (SO_PEERPIDFD, Linux 6.5); else of whoever has its number now (pidfd_open),
 * which only what is sent from then on can prove.  -1: it has ended, or
 * (*exact false, errno ENOSYS) the kernel has neither.
 */
int sock_peer_pidfd(int fd, pid_t pid, bool *exact);

/*
 * Send one packet gathered from iov, with descriptor pass (or -1).  Never
 * raises SIGPIPE.  Returns 0 or -1 with errno.
 */
int sock_send(int fd, const struct iovec *iov, int n, int pass);

/*
 * The same without a descriptor, and never waiting (EAGAIN): for a socket that
 * somebody else shares, who could take O_NONBLOCK off it again.
 */
int sock_send_nonblock(int fd, const struct iovec *iov, int n);

/* Close what came beside a packet and nobody wants.  Safe twice. */
void sock_control_close(struct sock_control *b);

/*
 * Receive one packet into buf.  flags: 0 or MSG_DONTWAIT.  beside may be NULL
 * (descriptors are closed then; on -1 there are none to close).  Returns the length, 0 at the end of the
 * connection, -1 with errno (EMSGSIZE: the packet was larger than size).
 */
ssize_t sock_recv(int fd, void *buf, size_t size, int flags,
		  struct sock_control *beside);

#endif
