/*
 * helpers/channel.h - how a helper program talks with the client that started
 * it: descriptor 3, one end of a unix SOCK_SEQPACKET pair, which no library
 * writes to by accident.
 *
 * The client may send one packet (what to keep); the helper sends one packet
 * and ends: 'k' and bytes, or 'f' and three texts, each with its NUL: a
 * failure's wire name, what failed, the hint.  The other side is start/helper.h.
 */
#ifndef HELPERS_CHANNEL_H
#define HELPERS_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct failure;

#define CHANNEL_FD 3
#define CHANNEL_MAX 20480 /* bytes of one packet: the longest token; locked pages */

/*
 * First of all in main(): refuse inside a session, undumpable, descriptor 3 is
 * a socket and close-on-exec, a locked buffer.  Returns 0, or -1 with f set
 * (then channel_reply_failure still works where descriptor 3 is a socket).
 */
int channel_open(struct failure *f);

/* CHANNEL_MAX bytes in locked memory, wiped by channel_close.  NULL before channel_open. */
uint8_t *channel_buffer(void);

/* The client's packet into channel_buffer(): its length, at least 1, or -1. */
ssize_t channel_receive(struct failure *f);

/* Say 'k' and n bytes (n < CHANNEL_MAX).  0 or -1. */
int channel_reply(const void *p, size_t n, struct failure *f);

/* Say 'f'; returns the exit code 1. */
int channel_reply_failure(const struct failure *f);

/* Wipe and unlock the buffer. */
void channel_close(void);

#endif
