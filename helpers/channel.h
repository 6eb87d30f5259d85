/*
 * helpers/channel.h - a helper program's end of its channel to the program that
 * started it.  The starter's end is start/helper.h.
 *
 * The channel is descriptor 3, one end of a unix SOCK_SEQPACKET socket pair:
 * libraries print to the standard streams, but none writes to descriptor 3.
 *
 *   starter -> helper   at most one packet: what the operation works on, such as
 *                       a key to store
 *   helper -> starter   one packet, then the helper exits.  Success: 'k' and the
 *                       result's bytes.  Failure: 'f' and three NUL-terminated
 *                       texts: the failure's wire name (base/fail.h), its message,
 *                       its hint
 */
#ifndef HELPERS_CHANNEL_H
#define HELPERS_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct failure;

#define CHANNEL_FD 3
#define CHANNEL_MAX 20480 /* bytes of one packet: the longest token fits, in whole pages */

/*
 * Call it first in main().  Checks that descriptor 3 is a SOCK_SEQPACKET socket
 * and makes it close-on-exec, refuses to run inside a session, makes the process
 * undumpable, and allocates the buffer.  Returns 0, or -1 with f set; after -1
 * channel_reply_failure still works if descriptor 3 is a socket.
 */
int channel_open(struct failure *f);

/* The buffer: CHANNEL_MAX bytes of locked memory.  NULL before channel_open. */
uint8_t *channel_buffer(void);

/*
 * Receive the starter's packet into the buffer, within ten seconds.  Returns its
 * length, at least 1, or -1 with f set.
 */
ssize_t channel_receive(struct failure *f);

/* Reply with success and n bytes (n < CHANNEL_MAX).  Returns 0, or -1 with f set. */
int channel_reply(const void *p, size_t n, struct failure *f);

/* Reply with failure f; on standard error if that fails.  Returns EXIT_FAILED. */
int channel_reply_failure(const struct failure *f);

/* Wipe and free the buffer.  The descriptor stays open until the process ends. */
void channel_close(void);

#endif
