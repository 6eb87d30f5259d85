/*
 * client/move.c - ccctl move: move the vault from the user's own broker to the system
 * broker, and back.
 *
 * MUST: the vault is on the disk in its new place before it is removed from the old
 * one, and it is removed only if it was not changed there meanwhile.  When a move is
 * interrupted, both brokers have the vault; the same command finishes the move as long
 * as both copies are the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/slots/person.h"
#include "client/slots/slots.h"
#include "client/slots/transfer.h"
#include "client/verbs.h"
#include "spec/spec.h"
#include "vault/slot.h"

#define SLOT_WORD 32 /* "credential=4294967295" */

struct move {
	enum dial_where from, to;
	struct slots slots; /* of the vault that moves */
	uint8_t *p;	    /* the vault's file, n bytes */
	size_t n;
	bool again;		     /* the target has a vault already: an interrupted move */
	uint8_t there[VAULT_ID_LEN]; /* id of the target's vault */
	char own[PATH_SIZE];	     /* path of the user's own vault, for messages */
	const char *allow[VAULT_SLOTS_MAX]; /* --allow */
	unsigned allows;
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

/* A script agrees to each by "KIND=ID": one that was planted has another number. */
static void move_word(const struct slot_view *s, char word[SLOT_WORD])
{
	snprintf(word, SLOT_WORD, "%s=%" PRIu32, slot_kind_name(s->kind), s->id);
}

static bool move_allows(const struct move *m, const struct slot_view *s)
{
	char word[SLOT_WORD];
	unsigned i;

	move_word(s, word);
	for (i = 0; i < m->allows; i++)
		if (strcmp(m->allow[i], word) == 0)
			return true;
	return false;
}

static int move_fail_slots(const struct move *m, uint32_t shown, const struct slot_view *first,
			   struct failure *f)
{
	const struct slot_view *s, *end = m->slots.slot + m->slots.n;
	char word[SLOT_WORD];

	fail_set(f, FAIL_POLICY, NULL,
		 "slot %" PRIu32 " (%s, %s) would open the vault in the system broker as well",
		 first->id, slot_kind_name(first->kind), first->label);
	fail_hint(f, "if these are all yours: ccctl move system");
	for (s = m->slots.slot; s < end; s++) {
		move_word(s, word);
		if (s->id != shown)
			fail_hint_add(f, " --allow %s", word);
	}
	return -1;
}

/*
 * The first slot of a person's but the one that was shown, or (persons false) the first that opens
 * without a person; NULL: none.
 */
static const struct slot_view *move_find_slot(const struct move *m, uint32_t shown, bool persons)
{
	const struct slot_view *s, *end = m->slots.slot + m->slots.n;

	for (s = m->slots.slot; s < end; s++)
		if (s->id != shown && slot_kind_is_persons(s->kind) == persons)
			return s;
	return NULL;
}

/*
 * MUST: in the system broker nothing opens the vault that a person has not agreed to.  Each program
 * of the user's that can open it here, by a slot without a person, can have written a slot of its
 * own into it, also in the place of a person's, with its label and date: which would be a person's
 * there.
 */
static int move_agree_slots(const struct client *c, struct move *m, struct failure *f)
{
	const struct slot_view *s, *quiet, *other, *first = NULL;
	char time[DATE_TEXT];
	bool agreed;

	if (m->to != DIAL_SYSTEM || m->again)
		return 0;
	if (transfer_slots(m->p, m->n, &m->slots, f) != 0)
		return -1;
	quiet = move_find_slot(m, c->person_slot, false);
	other = move_find_slot(m, c->person_slot, true);
	if (quiet && other) {
		fail_set(f, FAIL_POLICY, NULL,
			 "slot %" PRIu32 " (%s) may be another's: by slot %" PRIu32
			 " (%s) programs of yours can write the vault",
			 other->id, slot_kind_name(other->kind), quiet->id,
			 slot_kind_name(quiet->kind));
		fail_hint(f,
			  "ccctl slot rm %" PRIu32
			  "; when the vault has moved, make it anew: ccctl slot add %s",
			  other->id, slot_kind_name(other->kind));
		return -1;
	}
	for (s = m->slots.slot; s < m->slots.slot + m->slots.n; s++) {
		if (s->id == c->person_slot)
			continue;
		say("slot %" PRIu32 " opens it there, too: %s, %s, added %s", s->id,
		    slot_kind_name(s->kind), s->label, date_local(s->created, time));
		if (!first && !move_allows(m, s))
			first = s;
	}
	if (!first)
		return 0;
	if (!terminal_asks())
		return move_fail_slots(m, c->person_slot, first, f);
	if (terminal_yes("are these all yours, and may they open it there?", &agreed, f) != 0)
		return -1;
	return agreed ? 0
		      : fail_set(f, FAIL_DECLINED, "ccctl slot rm, or ccctl rekey, removes them",
				 "nothing was moved");
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
			  "%s away",
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
	    move_export(c, &m->p, &m->n, f) != 0 || move_agree_slots(c, m, f) != 0)
		return -1;
	c->where = m->to;
	if (client_connect(c, true, f) != 0 || move_import(c, m, f) != 0)
		return -1;
	if (move_finish(c, m, f) != 0)
		return -1;
	/* Now, not before: a watcher looks for the broker that has the vault. */
	c->where = m->to;
	if (client_connect(c, false, NULL) == 0) {
		client_watch(c);
		/* Who wrote a slot can have written where a key goes. */
		if (m->to == DIAL_SYSTEM && m->slots.n > 1)
			entries_say_seals(c);
	}
	say("the vault is in %s now%s", move_broker_name(m->to), m->again ? "" : ", and open");
	if (slots_count(&m->slots, SLOT_KEYFILE) > 0)
		say("note: a keyfile for this machine was encrypted for %s; make one for %s: "
		    "ccctl slot add keyfile",
		    move_broker_name(m->from), move_broker_name(m->to));
	return 0;
}

static int move_parse(struct move *m, int argc, char **argv, int *fd, struct failure *f)
{
	bool first = true;
	int opt;

	*fd = -1;
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' ||
		    (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, fd, f) != 0))
			return -1;
		if (opt == OPTION_ALLOW && m->allows == VAULT_SLOTS_MAX)
			return fail_set(f, FAIL_USAGE, NULL, "no vault has that many slots");
		if (opt == OPTION_ALLOW)
			m->allow[m->allows++] = optarg;
	}
	return 0;
}

int verb_move(struct client *c, int argc, char **argv, struct failure *f)
{
	static struct move m; /* several pages: not on the stack */
	int fd, r;

	if (move_parse(&m, argc, argv, &fd, f) != 0 || require_words(argc, argv, 1, f) != 0 ||
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
