/*
 * client/slot.c - ccctl slot: list, add and remove the slots that open the vault.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/date.h"
#include "base/fail.h"
#include "base/io.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "client/common/terminal.h"
#include "client/slots/slot_key.h"
#include "client/slots/slot_make.h"
#include "client/slots/slots.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "json/output.h"
#include "vault/slot.h"

#define TURN_PATIENCE_MS 30000 /* longer than the keyring helper's own deadlines */

static struct slots all; /* several pages: not on the stack */

/* ---- list ---- */

static void slot_print_list(const struct slots *s)
{
	char time[DATE_TEXT];
	unsigned i;

	printf("%-4s%-12s%-18s%s\n", "ID", "KIND", "ADDED", "LABEL");
	for (i = 0; i < s->n; i++) {
		printf("%-4" PRIu32 "%-12s%-18s", s->slot[i].id, slot_kind_name(s->slot[i].kind),
		       date_local(s->slot[i].created, time));
		put_plain(s->slot[i].label);
		putchar('\n');
	}
}

static int slot_print_json(const struct slots *s, struct failure *f)
{
	struct json_t *a = js_array(), *o;
	unsigned i;

	for (i = 0; i < s->n; i++) {
		o = js_object();
		js_number(o, "id", s->slot[i].id);
		js_text(o, "kind", slot_kind_name(s->slot[i].kind));
		js_text(o, "label", s->slot[i].label);
		js_time(o, "created", s->slot[i].created);
		js_append(a, o);
	}
	return js_print(a, f);
}

static int slot_list(struct client *c, bool json, struct failure *f)
{
	if (client_connect(c, true, f) != 0 || slots_fetch(c, &all, f) != 0)
		return -1;
	if (json)
		return slot_print_json(&all, f);
	slot_print_list(&all);
	slots_warn_of_last(all.n);
	return 0;
}

/* ---- add ---- */

/*
 * Lock out other ccctl processes that add a keyring slot: the keyring stores a key
 * under its slot's number, so two at once would overwrite each other's key.  Held
 * until the returned descriptor is closed.  -1: another holds it for too long.
 */
static int slot_take_turn(struct failure *f)
{
	int64_t deadline = clock_now_ms() + TURN_PATIENCE_MS;
	char dir[PATH_SIZE];
	int fd;

	if (path_of(PATH_RUNTIME, NULL, dir, f) != 0 || (fd = path_private_dir(dir, f)) < 0)
		return -1;
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			fail_errno(f, NULL, "lock %s", dir);
			close(fd);
			return -1;
		}
		if (clock_now_ms() >= deadline) {
			close(fd);
			return fail_set(f, FAIL_BUSY, "try again when that is done",
					"another ccctl is adding a slot");
		}
		poll(NULL, 0, 20);
	}
	return fd;
}

/* Checked before a person is asked or a key is stored. */
static int slot_check_room(const struct slots *s, struct failure *f)
{
	if (s->n < VAULT_SLOTS_MAX)
		return 0;
	return fail_set(f, FAIL_TOO_LARGE, "remove one: ccctl slot rm ID",
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
	else if (s->has_keyfile)
		slot_warn_of_replaced(c, s);
	return r;
}

static int slot_add(struct client *c, enum slot_kind kind, struct new_slot *s, struct failure *f)
{
	uint64_t n = 0;
	int r, turn = -1;

	if (vault_ready(c, NULL, f) != 0)
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

/* ---- rm ---- */

static int slot_agree(const struct slot_view *s, bool *yes, struct failure *f)
{
	char question[200];

	if (*yes || !terminal_asks()) {
		*yes = true;
		return 0;
	}
	snprintf(question, sizeof(question), "remove slot %" PRIu32 " (%s, %s)?", s->id,
		 slot_kind_name(s->kind), s->label);
	return terminal_yes(question, yes, f);
}

static int slot_remove(struct client *c, const char *word, bool yes, struct failure *f)
{
	const struct slot_view *s;
	struct wire_out *o;
	uint64_t n = 0;
	long id;

	if (number_option(word, 1, UINT32_MAX, "a slot's number", &id, f) != 0)
		return -1;
	if (vault_ready(c, NULL, f) != 0 || slots_fetch(c, &all, f) != 0)
		return -1;
	s = slots_find(&all, (uint32_t)id);
	if (!s)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them",
				"there is no slot %ld", id);
	if (slot_agree(s, &yes, f) != 0)
		return -1;
	if (!yes)
		return fail_set(f, FAIL_DECLINED, NULL, "slot %ld was kept", id);
	if (client_connect(c, true, f) != 0)
		return -1;
	o = wire_request("slot-rm");
	wire_put_uint(o, "id", s->id);
	if (client_call(c, o, f) != 0)
		return -1;
	wire_get_uint(c->dial.in.top, "slots", &n, NULL);
	say("removed slot %ld (%s)", id, slot_kind_name(s->kind));
	say("note: whoever has the key of this slot and an older copy of the vault can still open "
	    "that copy and all later ones; ccctl rekey ends that");
	if (s->kind == SLOT_KEYRING)
		slot_keyring_erase(c, all.vault, s->id);
	slots_warn_of_last(n);
	return 0;
}

/* ---- the verbs ---- */

enum { OPT_LABEL = 256, OPT_FOR, OPT_OUT, OPT_NEW_FD, OPT_JSON };

static const struct option slot_options[] = {
	{ "label", required_argument, NULL, OPT_LABEL },
	{ "for", required_argument, NULL, OPT_FOR },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "new-passphrase-fd", required_argument, NULL, OPT_NEW_FD },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "yes", no_argument, NULL, 'y' },
	{ NULL, 0, NULL, 0 },
};

static bool slot_label_ok(const char *label)
{
	const char *p = label;

	while (*p >= ' ' && *p <= '~')
		p++;
	return *p == '\0' && p - label <= SLOT_LABEL_MAX;
}

static int slot_check_add(int kind, const char *word, const struct new_slot *s, struct failure *f)
{
	if (kind < 0)
		return fail_set(f, FAIL_USAGE,
				"passphrase, keyring, keyfile, credential, tpm2 or recovery",
				"slots of kind '%.32s' are unknown", word);
	if (s->host_file && kind != SLOT_KEYFILE)
		return fail_set(f, FAIL_USAGE, "ccctl slot add keyfile --for HOST.pub --out F",
				"--for is for keyfiles");
	if (s->host_file && !s->out_file)
		return fail_set(f, FAIL_USAGE, "ccctl slot add keyfile --for HOST.pub --out F",
				"where should the keyfile for that host go?");
	if (s->out_file && kind != SLOT_CREDENTIAL && !s->host_file)
		return fail_set(f, FAIL_USAGE, "ccctl help slot",
				"--out is for credentials, and for keyfiles of other hosts");
	if (s->label && !slot_label_ok(s->label))
		return fail_set(f, FAIL_USAGE, NULL,
				"a label has printable ASCII characters, %d at most",
				SLOT_LABEL_MAX);
	return 0;
}

int verb_slot(struct client *c, int argc, char **argv, struct failure *f)
{
	struct new_slot s = { .pass_fd = -1 };
	bool first = true, json = false, yes = false;
	const char *what, *word;
	int opt, r, kind;

	while ((opt = next_option(&first, argc, argv, ":y", slot_options, f)) != -1) {
		if (opt == '?')
			return -1;
		json = json || opt == OPT_JSON;
		yes = yes || opt == 'y';
		if (opt == OPT_LABEL)
			s.label = optarg;
		if (opt == OPT_FOR)
			s.host_file = optarg;
		if (opt == OPT_OUT)
			s.out_file = optarg;
		if (opt == OPT_NEW_FD && passphrase_fd_option(optarg, &s.pass_fd, f) != 0)
			return -1;
	}
	what = optind < argc ? argv[optind] : "list";
	word = optind + 1 < argc ? argv[optind + 1] : "";
	if (strcmp(what, "list") == 0)
		return (argc == optind || require_words(argc, argv, 1, f) == 0) &&
				       slot_list(c, json, f) == 0
			       ? EXIT_DONE
			       : -1;
	if (strcmp(what, "add") != 0 && strcmp(what, "rm") != 0)
		return fail_set(f, FAIL_USAGE, "ccctl help slot", "slot: list, add KIND or rm ID");
	if (require_words(argc, argv, 2, f) != 0)
		return -1;
	if (strcmp(what, "rm") == 0)
		return slot_remove(c, word, yes, f) == 0 ? EXIT_DONE : -1;
	kind = slot_kind_from_name(word);
	r = slot_check_add(kind, word, &s, f);
	return r == 0 && slot_add(c, (enum slot_kind)kind, &s, f) == 0 ? EXIT_DONE : -1;
}
