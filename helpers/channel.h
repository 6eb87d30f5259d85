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

#define ANSWER_FD 3
#define ANSWER_MAX 20480 /* bytes of one packet: the longest token; locked pages */

/*
 * First of all in main(): refuse inside a session, undumpable, descriptor 3 is
 * a socket and close-on-exec, a locked buffer.  Returns 0, or -1 with f set
 * (then answer_fail still works where descriptor 3 is a socket).
 */
int answer_begin(struct failure *f);

/* ANSWER_MAX bytes in locked memory, wiped by answer_end.  NULL before answer_begin. */
uint8_t *answer_buffer(void);

/* The client's packet into answer_buffer(): its length, at least 1, or -1. */
ssize_t answer_take(struct failure *f);

/* Say 'k' and n bytes (n < ANSWER_MAX).  0 or -1. */
int answer_give(const void *p, size_t n, struct failure *f);

/* Say 'f'; returns the exit code 1. */
int answer_fail(const struct failure *f);

/* Wipe and unlock the buffer. */
void answer_end(void);

#endif
