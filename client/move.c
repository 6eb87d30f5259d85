/*
 * client/move.c - ccctl move: move the vault from the user's own broker to the system
 * broker, and back.
 *
 * MUST: the vault is on the disk in its new place before it is removed from the old
 * one, and it is removed only if it was not changed there meanwhile.  When a move is
 * interrupted, both brokers have the vault; the same command finishes the move as long
 * as both copies are the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/slots/person.h"
#include "client/slots/slots.h"
#include "client/slots/transfer.h"
#include "client/verbs.h"
#include "vault/slot.h"

struct move {
	enum dial_where from, to;
	struct slots slots; /* of the vault that moves */
	uint8_t *p;	    /* the vault's file, n bytes */
	size_t n;
	bool again;		     /* the target has a vault already: an interrupted move */
	uint8_t there[VAULT_ID_LEN]; /* id of the target's vault */
	char own[PATH_SIZE];	     /* path of the user's own vault, for messages */
};

static const char *move_broker_name(enum dial_where w)
{
	return w == DIAL_SYSTEM ? "the system broker" : "your own broker";
}

/* The vault's file, from the broker that c is connected to; it moves with the key that
 * showed the person. */
static int move_export(struct client *c, uint8_t **p, size_t *n, struct failure *f)
{
	return person_call(c, wire_request("export"), f) == 0 ? transfer_fetch(c, p, n, f) : -1;
}

/* After an interrupted move: the target's copy must be the same. */
static int move_compare(struct client *c, struct move *m, struct failure *f)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int r = move_export(c, &p, &n, f);

	if (r == 0 && (n != m->n || memcmp(p, m->p, n) != 0)) {
		r = fail_set(f, FAIL_CHANGED, NULL,
			     "the vault is in both brokers, and was changed in one of them");
		fail_hint(f,
			  "the system broker's copy is the one in use; to keep that one, move "
			  "%.250s away",
			  m->own);
	}
	free(p);
	return r;
}

static int move_import(struct client *c, struct move *m, struct failure *f)
{
	struct wire_out *o;

	if (m->again)
		return move_compare(c, m, f);
	if (transfer_send(c, m->p, m->n, f) != 0)
		return -1;
	o = wire_request("restore");
	wire_put_uint(o, "slot", c->person_slot);
	wire_put_bool(o, "replace", false);
	wire_put_bool(o, "rekey", false);
	wire_put_secret(o, "key", c->person_key.p, KEY_LEN);
	return client_call(c, o, f);
}

static int move_retire(struct client *c, struct move *m, struct failure *f)
{
	struct wire_out *o = wire_request("retire");

	/* The generation as it is in the file that was moved. */
	if (transfer_slots(m->p, m->n, &m->slots, f) != 0) {
		wire_out_free(o);
		return -1;
	}
	wire_put_uint(o, "generation", m->slots.generation);
	return person_call(c, o, f);
}

static int move_check_places(struct client *c, struct move *m, struct failure *f)
{
	char there[PATH_SIZE];

	if (path_of(PATH_DATA, "vault", m->own, f) != 0)
		return -1;
	c->where = m->to;
	if (client_connect(c, true, f) != 0)
		return -1;
	m->again = strcmp(c->state, "none") != 0;
	if (m->again) {
		if (slots_fetch(c, &m->slots, f) != 0)
			return -1;
		memcpy(m->there, m->slots.vault, VAULT_ID_LEN);
	}
	snprintf(there, sizeof(there), "%s", c->vault);
	c->where = m->from;
	if (client_connect(c, true, f) != 0)
		return -1;
	if (strcmp(c->state, "none") == 0)
		return fail_set(f, FAIL_NO_VAULT, "ccctl status shows where yours is",
				"there is no vault in %s", move_broker_name(m->from));
	if (slots_fetch(c, &m->slots, f) != 0)
		return -1;
	if (m->again && memcmp(m->there, m->slots.vault, VAULT_ID_LEN) != 0)
		return fail_set(f, FAIL_EXISTS, "ccctl status shows it",
				"there is another vault already, in %s: %.200s",
				move_broker_name(m->to), there);
	return 0;
}

/* A broker that was started before the last upgrade says FAIL_EXISTS. */
static bool move_was_changed(const struct failure *f)
{
	return f->code == FAIL_CHANGED || f->code == FAIL_EXISTS;
}

/*
 * Remove the vault from the old broker.  Asked twice, in case the broker ends in
 * between.  If the vault was changed there meanwhile, undo the move.
 */
static int move_finish(struct client *c, struct move *m, struct failure *f)
{
	int tries, r = -1;

	for (tries = 0; tries < 2 && r != 0; tries++) {
		c->where = m->from;
		if (client_connect(c, true, f) != 0)
			continue;
		/* none: it removed the vault, but its answer was lost. */
		r = strcmp(c->state, "none") == 0 ? 0 : move_retire(c, m, f);
		if (r != 0 && move_was_changed(f))
			break;
	}
	if (r == 0)
		return 0;
	c->where = m->to;
	if (move_was_changed(f) && !m->again && client_connect(c, true, NULL) == 0 &&
	    move_retire(c, m, NULL) == 0)
		return -1;
	say("note: the vault is in %s now, and still in %s too; run the same command again to "
	    "finish the move",
	    move_broker_name(m->to), move_broker_name(m->from));
	return -1;
}

static int move_vault(struct client *c, struct move *m, struct failure *f)
{
	if (move_check_places(c, m, f) != 0 || person_identify(c, f) != 0 ||
	    move_export(c, &m->p, &m->n, f) != 0)
		return -1;
	c->where = m->to;
	if (client_connect(c, true, f) != 0 || move_import(c, m, f) != 0)
		return -1;
	if (move_finish(c, m, f) != 0)
		return -1;
	/* Now, not before: a watcher looks for the broker that has the vault. */
	c->where = m->to;
	if (client_connect(c, false, NULL) == 0)
		client_watch(c);
	say("the vault is in %s now%s", move_broker_name(m->to), m->again ? "" : ", and open");
	if (slots_count(&m->slots, SLOT_KEYFILE) > 0)
		say("note: a keyfile for this machine was encrypted for %s; make one for %s: "
		    "ccctl slot add keyfile",
		    move_broker_name(m->from), move_broker_name(m->to));
	return 0;
}

int verb_move(struct client *c, int argc, char **argv, struct failure *f)
{
	static struct move m; /* several pages: not on the stack */
	int fd, r;

	if (passphrase_fd_alone(argc, argv, &fd, f) != 0 || require_words(argc, argv, 1, f) != 0 ||
	    person_read_fd(c, fd, f) != 0)
		return -1;
	if (strcmp(argv[optind], "system") == 0) {
		m.from = DIAL_USER;
		m.to = DIAL_SYSTEM;
	} else if (strcmp(argv[optind], "user") == 0) {
		m.from = DIAL_SYSTEM;
		m.to = DIAL_USER;
	} else {
		return fail_set(f, FAIL_USAGE, "ccctl help move", "move where: system or user?");
	}
	r = move_vault(c, &m, f);
	free(m.p);
	return r == 0 ? EXIT_DONE : -1;
}
