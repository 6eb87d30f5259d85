/*
 * client/slot.c - ccctl slot: list, add and remove the slots that open the vault.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/fail.h"
#include "base/io.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "client/common/terminal.h"
#include "client/slots/other_host.h"
#include "client/slots/person.h"
#include "client/slots/slot_add.h"
#include "client/slots/slot_key.h"
#include "client/slots/slot_make.h"
#include "client/slots/slots.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"
#include "vault/slot.h"

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
	if (slots_count(&all, SLOT_PASSPHRASE) + slots_count(&all, SLOT_RECOVERY) == 0)
		say("note: no person's slot opens this vault: its keys can be used, and neither "
		    "read nor changed; ccctl(1) says how to go on");
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
	if (vault_open_for_person(c, f) != 0 || slots_fetch(c, &all, f) != 0)
		return -1;
	s = slots_find(&all, (uint32_t)id);
	if (!s)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them",
				"there is no slot %ld", id);
	if (slot_agree(s, &yes, f) != 0)
		return -1;
	if (!yes)
		return fail_set(f, FAIL_DECLINED, NULL, "slot %ld was kept", id);
	if (person_identify(c, f) != 0)
		return -1;
	o = wire_request("slot-rm");
	wire_put_uint(o, "id", s->id);
	if (person_call(c, o, f) != 0)
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

static bool slot_label_ok(const char *label)
{
	const char *p = label;

	while (*p >= ' ' && *p <= '~')
		p++;
	return *p == '\0' && p - label <= SLOT_LABEL_MAX;
}

/* What the command line says of a new slot. */
struct slot_words {
	struct new_slot slot;
	const char *host_file; /* --for */
	const char *allowed;   /* --allow */
	struct other_host host;
};

static int slot_parse_kind(const char *word, struct slot_words *w, int *out, struct failure *f)
{
	struct new_slot *s = &w->slot;
	int kind = slot_kind_from_name(word);

	*out = kind;
	if (kind < 0)
		return fail_set(f, FAIL_USAGE,
				"passphrase, keyring, keyfile, credential, tpm2 or recovery",
				"slots of kind '%.32s' are unknown", word);
	if (w->host_file && kind != SLOT_KEYFILE)
		return fail_set(f, FAIL_USAGE, "ccctl slot add keyfile --for HOST.pub --out F",
				"--for is for keyfiles");
	if (w->host_file && !s->out_file)
		return fail_set(f, FAIL_USAGE, "ccctl slot add keyfile --for HOST.pub --out F",
				"where should the keyfile for that host go?");
	if (s->out_file && kind != SLOT_CREDENTIAL && !w->host_file)
		return fail_set(f, FAIL_USAGE, "ccctl help slot",
				"--out is for credentials, and for keyfiles of other hosts");
	if (w->allowed && !w->host_file)
		return fail_set(f, FAIL_USAGE, "ccctl slot add keyfile --for HOST.pub --out F",
				"--allow is for keyfiles of other hosts");
	if (s->label && !slot_label_ok(s->label))
		return fail_set(f, FAIL_USAGE, NULL,
				"a label has printable ASCII characters, %d at most",
				SLOT_LABEL_MAX);
	if (!w->host_file)
		return 0;
	s->host = &w->host;
	return other_host_settle(w->host_file, w->allowed, &w->host, f);
}

/* fd: where the passphrase is read, or -1. */
static int slot_add_kind(struct client *c, const char *word, struct slot_words *w, int fd,
			 struct failure *f)
{
	int kind;

	if (slot_parse_kind(word, w, &kind, f) != 0 || person_read_fd(c, fd, f) != 0 ||
	    vault_open_for_person(c, f) != 0)
		return -1;
	return slot_add(c, (enum slot_kind)kind, &w->slot, f);
}

int verb_slot(struct client *c, int argc, char **argv, struct failure *f)
{
	struct slot_words w = { .slot = { .pass_fd = -1 } };
	bool first = true, json = false, yes = false;
	const char *what, *word;
	int opt, r, fd = -1;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		json = json || opt == OPTION_JSON;
		yes = yes || opt == OPTION_YES;
		if (opt == OPTION_LABEL)
			w.slot.label = optarg;
		if (opt == OPTION_FOR)
			w.host_file = optarg;
		if (opt == OPTION_ALLOW)
			w.allowed = optarg;
		if (opt == OPTION_OUT)
			w.slot.out_file = optarg;
		if ((opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, &fd, f) != 0) ||
		    (opt == OPTION_NEW_PASSPHRASE_FD &&
		     passphrase_fd_option(optarg, &w.slot.pass_fd, f) != 0))
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
		return fail_set(f, FAIL_USAGE, "ccctl help slot",
				"slot: list, add KIND or rm SLOT");
	if (require_words(argc, argv, 2, f) != 0)
		return -1;
	if (strcmp(what, "rm") == 0)
		r = person_read_fd(c, fd, f) == 0 ? slot_remove(c, word, yes, f) : -1;
	else
		r = slot_add_kind(c, word, &w, fd, f);
	return r == 0 ? EXIT_DONE : -1;
}
