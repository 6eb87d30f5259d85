/*
 * broker/limits.h - what one broker holds, each number with its reason.
 */
#ifndef BROKER_LIMITS_H
#define BROKER_LIMITS_H

#define CONNECTIONS_MAX 512  /* a live session keeps one; nobody runs that many agents */
#define CONNECTIONS_UID 448  /* of one uid, so that another's always finds a place */
#define CONNECTIONS_MARKED 64 /* of one uid, from inside sessions: they may only ask for the status */
#define TENANTS_MAX 64	     /* uids that a system broker serves at once; a user broker: 1 */
#define LISTEN_BACKLOG 128
#define ACCEPT_BATCH 16	     /* connections taken in one turn of the loop */
#define SWEEP_MS 500	     /* deadlines are looked at this often */
#define LIST_PAGE 48000	     /* bytes of one page of a listing */

#endif
