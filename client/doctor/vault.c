/*
 * client/doctor/vault.c - checks: the vault, and what opens it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"
#include "client/common/connection.h"
#include "client/doctor/checks.h"
#include "client/facts/machine_file.h"
#include "client/slots/slots.h"

#define TPM "/dev/tpmrm0"

/* A variable may lead to a directory without the vault that the user has. */
static bool vault_is_astray(struct checkup *d)
{
	char normal[PATH_SIZE];
	const char *name = path_astray(PATH_DATA, "vault", normal);

	if (!name)
		return false;
	found_advice(d, NULL, "%s leads to where no vault is, and there is one at %s", name,
		     normal);
	found_hint(d, "unset %s here; an editor's terminal may have set it", name);
	return true;
}

void check_vault(struct checkup *d)
{
	const struct broker_facts *b = &d->broker;
	struct stat st;

	if (!b->state || vault_is_astray(d))
		return;
	if (strcmp(b->state, "no-vault") == 0) {
		found_advice(d, "ccctl init", "there is none yet");
		return;
	}
	/* The system broker's is another user's file. */
	if (stat(b->vault, &st) == 0 && ((st.st_mode & 077) || st.st_uid != geteuid()) &&
	    strncmp(b->vault, SYSTEM_STATE_DIR, strlen(SYSTEM_STATE_DIR)) != 0) {
		found_advice(d, NULL, "%s can be read or changed by others (mode %04o)", b->vault,
			     (unsigned)(st.st_mode & 07777));
		if (st.st_uid == geteuid())
			found_hint(d, "chmod 600 %s", b->vault);
		else
			path_hint_owner(b->vault, &d->finding[d->n - 1].said);
		return;
	}
	if (b->asleep)
		found_advice(d, "ccctl unlock", "%llu keys were wiped because their ttl is over",
			     (unsigned long long)b->asleep);
	else
		found_ok(d, "%s, %s", strcmp(b->state, "unlocked") == 0 ? "unlocked" : "locked",
			 b->vault);
}

void check_slots(struct checkup *d)
{
	if (d->broker.slots == 1)
		found_advice(d, "ccctl slot add recovery, and keep the page",
			     "one slot alone opens the vault: if that is lost, every key is");
	else if (d->broker.slots)
		found_ok(d, "%u open the vault", d->broker.slots);
}

/* How many slots of a kind the vault has; 0 where nobody can be asked. */
static unsigned slots_of(struct checkup *d, enum slot_kind kind)
{
	static struct slots s;
	static bool asked;

	if (!d->broker.slots)
		return 0;
	if (!asked && slots_fetch(d->c, &s, NULL) != 0)
		memset(&s, 0, sizeof(s));
	asked = true;
	return slots_count(&s, kind);
}

void check_keyring(struct checkup *d)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char bus[PATH_SIZE];
	unsigned n = slots_of(d, SLOT_KEYRING);
	bool here = getenv("DBUS_SESSION_BUS_ADDRESS") != NULL;

	if (runtime && snprintf(bus, sizeof(bus), "%s/bus", runtime) < (int)sizeof(bus))
		here = here || access(bus, F_OK) == 0;
	if (n && !here)
		found_advice(d,
			     "log in with a desktop, or ccctl unlock with your passphrase; ccctl "
			     "slot add keyfile opens without a desktop",
			     "the vault has a slot in a keyring, and no session bus is here");
	else if (n)
		found_ok(d, "a slot in your keyring opens the vault");
	else if (here)
		found_ok(d, "there is a session bus; ccctl slot add keyring lets your log-in open "
			    "the vault");
}

void check_tpm(struct checkup *d)
{
	char path[MACHINE_PATH];
	const char *device = machine_file_path(TPM, path);
	unsigned n = slots_of(d, SLOT_TPM2);

	if (access(device, R_OK | W_OK) == 0)
		found_ok(d, n ? "a slot in the TPM opens the vault"
			      : "there is one; ccctl slot add tpm2 ties the vault to this machine");
	else if (access(device, F_OK) == 0)
		found_advice(d, "as root: usermod -aG tss YOU, then log in again",
			     "there is one (%s), and you may not use it", TPM);
	else if (n)
		found_advice(d, "ccctl unlock with your passphrase, then ccctl slot rm",
			     "the vault has a slot in a TPM, and this machine has none");
}
