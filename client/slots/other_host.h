/*
 * client/slots/other_host.h - the host for which a keyfile is made here.
 */
#ifndef CLIENT_SLOTS_OTHER_HOST_H
#define CLIENT_SLOTS_OTHER_HOST_H

#include <stdint.h>

#include "vault/host_key.h"

struct failure;

struct other_host {
	uint8_t public[HOST_PUBLIC_LEN];
	char name[HOST_NAME_MAX + 1]; /* as its file says: for people */
};

/*
 * Read a host.pub, once, and have it agreed to: any program of the user's can have written the
 * file, and who has the key's other half opens the vault.  Agreed to on the terminal, or by
 * allowed, "host=KEY" or NULL.  0, or -1: with FAIL_DECLINED, or FAIL_POLICY where there is no
 * terminal.
 */
int other_host_settle(const char *file, const char *allowed, struct other_host *out,
		      struct failure *f);

#endif
