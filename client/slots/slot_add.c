/*
 * client/slots/slot_add.c - adding a slot to the vault.
 */
#include "client/slots/slot_add.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file_lock.h"
#include "base/io.h"
#include "base/paths.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "client/slots/person.h"
#include "client/slots/slot_make.h"
#include "client/slots/slots.h"

#define TURN_PATIENCE_MS 30000 /* longer than the keyring helper's own deadlines */

static struct slots all; /* several pages: not on the stack */

/*
 * Lock out other ccctl processes that add a keyring slot: the keyring stores a key
 * under its slot's number, so two at once would overwrite each other's key.  Held
 * until the returned descriptor is closed.  -1: another holds it for too long.
 */
static int slot_take_turn(struct failure *f)
{
	char dir[PATH_SIZE];
	int fd;

	if (path_of(PATH_RUNTIME, NULL, dir, f) != 0 || (fd = path_private_dir(dir, f)) < 0)
		return -1;
	if (file_lock(fd, TURN_PATIENCE_MS, dir, f) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Checked before a person is asked or a key is stored. */
static int slot_check_room(const struct slots *s, struct failure *f)
{
	if (s->n < VAULT_SLOTS_MAX)
		return 0;
	return fail_set(f, FAIL_TOO_LARGE, "remove one: ccctl slot rm SLOT",
			"the vault has %d slots already", VAULT_SLOTS_MAX);
}

/* The broker has one keyfile for this host: the new one replaced that of an earlier
 * slot. */
static void slot_warn_of_replaced(struct client *c, const struct new_slot *s)
{
	uint8_t material[SLOT_MATERIAL_MAX];
	size_t n;
	unsigned i;

	for (i = 0; i < all.n; i++) {
		n = sizeof(material);
		if (all.slot[i].kind == SLOT_KEYFILE &&
		    slot_material(c, all.slot[i].id, material, &n, NULL) == 0 &&
		    n == s->info.material_len && memcmp(material, s->info.material, n) == 0)
			say("note: the keyfile of slot %u was replaced, nothing opens that slot "
			    "any more: ccctl slot rm %u",
			    (unsigned)all.slot[i].id, (unsigned)all.slot[i].id);
	}
}

/* Each asks the same TPM, or the same keyring, unless the vault came from another machine. */
static void slot_warn_of_second(enum slot_kind kind)
{
	unsigned i;

	if (kind != SLOT_TPM2 && kind != SLOT_KEYRING)
		return;
	for (i = 0; i < all.n; i++)
		if (all.slot[i].kind == kind)
			say("note: slot %u is of the kind %s already; if it is this machine's, one "
			    "is "
			    "enough: ccctl slot rm %u",
			    (unsigned)all.slot[i].id, slot_kind_name(kind),
			    (unsigned)all.slot[i].id);
}

static int slot_make_and_send(struct client *c, enum slot_kind kind, struct new_slot *s,
			      struct failure *f)
{
	bool sent;
	int r = -1;

	if (slots_fetch(c, &all, f) != 0 || slot_check_room(&all, f) != 0 ||
	    slot_make(c, kind, s, all.vault, all.next, f) != 0)
		return -1;
	sent = client_connect(c, true, f) == 0;
	if (sent)
		r = slot_send(c, s, all.next, 0, f);
	if (r != 0)
		slot_unmake(c, s, all.vault, all.next, sent);
	else {
		slot_warn_of_second(kind);
		if (s->has_keyfile)
			slot_warn_of_replaced(c, s);
	}
	return r;
}

int slot_add(struct client *c, enum slot_kind kind, struct new_slot *s, struct failure *f)
{
	uint64_t n = 0;
	int r, turn = -1;

	if (person_identify(c, f) != 0)
		return -1;
	if (kind == SLOT_KEYRING &&
	    ((turn = slot_take_turn(f)) < 0 || client_connect(c, true, f) != 0)) {
		if (turn >= 0)
			close(turn);
		return -1;
	}
	r = slot_make_and_send(c, kind, s, f);
	slot_new_free(c, s);
	if (turn >= 0)
		close(turn);
	if (r != 0)
		return -1;
	wire_get_uint(c->dial.in.top, "slots", &n, NULL);
	say("slot %" PRIu32 " (%s) opens the vault from now on%s%s", all.next, slot_kind_name(kind),
	    kind == SLOT_KEYFILE && s->out_file ? "; for that host: ccctl host use " : "",
	    kind == SLOT_KEYFILE && s->out_file ? s->out_file : "");
	slots_warn_of_last(n);
	return 0;
}
