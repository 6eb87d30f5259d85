/*
 * broker/limits.h - what one broker holds, each number with its reason.
 */
#ifndef BROKER_LIMITS_H
#define BROKER_LIMITS_H

/* A user broker's only client is its user. */
#define CONNECTIONS_MAX 1600   /* a live session keeps one, and often a worker for its quota */
#define CONNECTIONS_UID 1536   /* of the one uid; the other places are to answer `busy` from */
#define CONNECTIONS_MARKED 256 /* of these, from inside sessions: status lines, nested sessions */
#define SESSIONS_UID 1024      /* of these, with a session: a person can always lock and end some */

/* The system broker keeps places for every user, whatever the others do. */
#define TENANTS_MAX 40 /* uids at once; each has a locked region of its own */
#define SUBORDINATE_UIDS "/etc/subuid"
#define SUBORDINATE_MAX (4 << 20) /* bytes of that file: some 100,000 users */
#define SYSTEM_UID 64		  /* connections of one uid */
#define SYSTEM_MARKED 16	  /* of these, from inside sessions */
#define SYSTEM_SESSIONS 56	  /* of these, with a session */
#define SYSTEM_CONNECTIONS ((TENANTS_MAX + 1) * SYSTEM_UID)
#define TURN_SHARE 4  /* connections of one uid that are served in one turn of the loop */
#define BUSY_MOST 250 /* ms of loop time of one uid, halved in each sweep; over that it pauses */
#define BUSY_COUNTED 4000    /* the sum is capped at this: a pause lasts some 2 s */
#define TRANSFERS_UID 2	     /* connections of one uid that move a file */
#define WRONG_KEYS_UID 256   /* a person's: three tries at each of 64 slots, and then some */
#define WRONG_KEY_MS 10000   /* ms until one more of these may be tried */
#define RELAY_STARTS_UID 120 /* relays of one uid in a minute: it is systemd that starts them */

/* Descriptors of one connection: its own and a pidfd; a relay's channel has the relay's
 * listener and up to three files besides. */
#define CONNECTION_FDS 6
#define TENANT_FDS 5
#define OTHER_FDS 64 /* files and channels of the broker's own: no connection gets these */
#define FDS_LEAST (2 * OTHER_FDS) /* with fewer it does not start */
#define SYSTEM_FDS_LEAST (FDS_LEAST + TENANT_FDS * TENANTS_MAX)

#define LISTEN_BACKLOG 128
#define ACCEPT_BATCH 16	 /* connections accepted in one turn of the loop */
#define SWEEP_MS 500	 /* deadlines are checked this often */
#define SESSIONS_PAGE 64 /* sessions of one page of their list */
#define LIST_PAGE 48000	 /* bytes of one page of a listing, or of one part of a file */

#endif
