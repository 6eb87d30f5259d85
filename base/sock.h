/*
 * base/sock.h - unix SOCK_SEQPACKET sockets: one packet is one message, received
 * with the sender's credentials and at most one descriptor (unix(7)).
 */
#ifndef BASE_SOCK_H
#define BASE_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct failure;

/* The ancillary data of a received packet.  The caller closes the descriptors. */
struct sock_control {
	bool have_sender;
	pid_t pid; /* the process that sent this packet (SCM_CREDENTIALS) */
	uid_t uid;
	int pidfd; /* of that process; -1 before Linux 6.5 (SO_PASSPIDFD), and where the
		    * socket was not made by sock_connect or sock_connect_stream */
	int fd;	   /* the descriptor that was passed (SCM_RIGHTS), close-on-exec, or -1 */
};

/*
 * Listen at path; the socket file gets that mode.  A stale socket file is replaced:
 * the caller must hold the lock that keeps other brokers from doing so meanwhile.
 * Returns a non-blocking, close-on-exec descriptor, or -1.
 */
int sock_listen(const char *path, mode_t mode, int backlog, struct failure *f);

/*
 * Connect to path.  Returns a blocking, close-on-exec descriptor with SO_PASSCRED
 * set; or -1 with errno, too (ENOENT or ECONNREFUSED: no process listens).
 */
int sock_connect(const char *path, struct failure *f);

/* The same; it and every send after it wait at most ms milliseconds (1 or more). */
int sock_connect_within(const char *path, int ms, struct failure *f);

/*
 * Does each packet that is received on fd, which these made, bring a pidfd of its sender?  From
 * Linux 6.5 on; one that brings none all the same is of a process that has ended.
 */
bool sock_names_sender(int fd);

/*
 * Connect to another program's stream socket, to hear who answers: sock_recv gives what comes with
 * its sender.  A non-blocking, close-on-exec descriptor; or -1 with errno (ECONNREFUSED: nobody
 * listens; ENAMETOOLONG: nobody can).
 */
int sock_connect_stream(const char *path);

/*
 * How many sockets listen that were bound to path, whether that name still leads to them or was
 * taken away: by /proc/net/unix, which has those of the caller's network namespace.  0 also where
 * that cannot be read.
 */
unsigned sock_listeners(const char *path);

/* Accept; the descriptor is close-on-exec and non-blocking, with SO_PASSCRED.  -1 with errno. */
int sock_accept(int listener);

/*
 * For an inherited listener (sock_listen does it itself): accepted connections
 * deliver the sender's credentials from the first packet on, and no descriptors, unless
 * another process that has the listener allows them.  A descriptor that nobody asked for
 * would be closed here, and closing a file of FUSE or a lingering TCP socket can block
 * (sock_limit_waits, sock_recv_no_fds).  Before Linux 6.16 descriptors cannot be refused.
 * Returns 0, or -1 with errno.
 */
int sock_prepare_listener(int fd);

/*
 * For a process that waits for nobody: from now on sock_accept, sock_close and receiving with
 * MSG_DONTWAIT are interrupted (SIGALRM) where they would wait all the same.  A peer has them
 * wait by a listener's flags, which belong to all who have it, or by a TCP socket that lingers
 * and comes as a descriptor, be it in the queue of a socket that is closed.
 */
void sock_limit_waits(void);

/* Close what came from a peer, or a connection with one. */
void sock_close(int fd);

/* From now on the peer of this connection may pass descriptors. */
void sock_allow_fds(int fd);

/* The process that called connect(2) (SO_PEERCRED).  Returns 0, or -1 with errno. */
int sock_peer(int fd, pid_t *pid, uid_t *uid);

/*
 * A pidfd of the peer.  *exact true: it refers to the process that connected
 * (SO_PEERPIDFD, Linux 6.5).  *exact false: to the process that has its PID now
 * (pidfd_open), and the PID may have been reused; it is the peer only if the
 * credentials of a later packet have that PID.  -1: the peer has ended, or (*exact
 * false, errno ENOSYS) the kernel has neither.
 */
int sock_peer_pidfd(int fd, pid_t pid, bool *exact);

/*
 * Send one packet gathered from iov, and the descriptor pass (-1: none).  Never
 * raises SIGPIPE.  Returns 0, or -1 with errno.
 */
int sock_send(int fd, const struct iovec *iov, int n, int pass);

/*
 * The same without a descriptor, and without waiting (EAGAIN).  For a socket that
 * another process shares: it could clear O_NONBLOCK, which MSG_DONTWAIT ignores.
 */
int sock_send_nonblock(int fd, const struct iovec *iov, int n);

/* Close the descriptors that are left and set them to -1. */
void sock_control_close(struct sock_control *control);

/*
 * Receive one packet into buf.  flags: 0 or MSG_DONTWAIT.  control may be NULL:
 * descriptors are closed then.  Returns the length, 0 at the end of the connection,
 * or -1 with errno (EMSGSIZE: the packet was larger than size) and no descriptors.
 */
ssize_t sock_recv(int fd, void *buf, size_t size, int flags, struct sock_control *control);

/*
 * The same where no descriptor is wanted: the kernel gives none of them a number here, so
 * that no file of FUSE is closed by this process.
 */
ssize_t sock_recv_no_fds(int fd, void *buf, size_t size, int flags, struct sock_control *control);

#endif
