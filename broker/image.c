/*
 * broker/image.c - comparing images, and keeping them in the vault.
 */
#include "broker/image.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/control.h"
#include "base/fail.h"
#include "broker/connection.h"
#include "broker/fields.h"
#include "broker/ops.h"
#include "broker/request.h"
#include "broker/tenant.h"
#include "broker/tenant_vault.h"
#include "vault/images.h"
#include "wire/image.h"
#include "wire/pack.h"

#define WHY_SIZE 256
#define SHOWN 80 /* bytes of a path in a message */

enum image_change {
	IMAGE_SAME,    /* the same files */
	IMAGE_NEW,     /* nothing was kept of that name */
	IMAGE_UPDATED, /* other bytes where the old ones were */
	IMAGE_CHANGED  /* another kind, place or owner: perhaps another program */
};

/* ---- comparing ---- */

/* Are they in one directory?  The client's own installer puts each version beside the last
 * one, and a link leads to the newest. */
static bool files_are_siblings(const char *a, const char *b)
{
	size_t n = (size_t)(strrchr(a, '/') - a);

	return strncmp(a, b, n + 1) == 0 && !strchr(b + n + 1, '/');
}

static bool file_moved(const struct image_file *was, const struct image_file *is)
{
	return strcmp(was->path, is->path) != 0 || was->owner != is->owner ||
	       !files_are_siblings(was->file, is->file);
}

/* was: what is kept, or NULL. */
static enum image_change image_compare(const struct image *was, const struct image *is)
{
	if (!was)
		return IMAGE_NEW;
	if (!was->interpreter.path[0] != !is->interpreter.path[0] ||
	    file_moved(&was->program, &is->program) ||
	    (is->interpreter.path[0] && file_moved(&was->interpreter, &is->interpreter)))
		return IMAGE_CHANGED;
	return strcmp(was->identity, is->identity) == 0 &&
			       strcmp(was->program.file, is->program.file) == 0
		       ? IMAGE_SAME
		       : IMAGE_UPDATED;
}

static const char *change_name(enum image_change c)
{
	return c == IMAGE_CHANGED ? "changed" : c == IMAGE_UPDATED ? "updated" : "new";
}

/* ---- answers ---- */

static struct wire_out *reply_ask(enum image_change change, const struct image *was)
{
	struct wire_out *o = wire_ok();

	wire_put_bool(o, "granted", false);
	wire_put_str(o, "image", change_name(change));
	if (was)
		wire_put_image(o, "was", was);
	return o;
}

/* Of what changed that may be another program: the file itself, or what runs it. */
static int fail_changed(const struct image *was, const struct image *is, struct failure *f)
{
	bool script = is->interpreter.path[0] != '\0';
	bool own = file_moved(&was->program, &is->program);
	const struct image_file *old = own ? &was->program : &was->interpreter;
	const struct image_file *now = own ? &is->program : &is->interpreter;

	if (!was->interpreter.path[0] != !script)
		fail_set(f, FAIL_IMAGE, NULL,
			 "%s was a %s at its last launch, and now is a %s: %.*s", is->name,
			 script ? "program" : "script", script ? "script" : "program", SHOWN,
			 is->program.path);
	else if (strcmp(old->path, now->path) != 0)
		fail_set(f, FAIL_IMAGE, NULL, "%s was %s%.*s at its last launch, and now is %s%.*s",
			 is->name, own ? "" : "run by ", SHOWN, old->path, own ? "" : "run by ",
			 SHOWN, now->path);
	else if (old->owner != now->owner)
		fail_set(f, FAIL_IMAGE, NULL,
			 "%.*s was uid %u's at its last launch, and is uid %u's", SHOWN, now->path,
			 (unsigned)old->owner, (unsigned)now->owner);
	else
		fail_set(f, FAIL_IMAGE, NULL,
			 "%.*s led to %.*s at its last launch, and now to %.*s", SHOWN, now->path,
			 SHOWN, old->file, SHOWN, now->file);
	fail_hint(f,
		  "on a terminal ccrun asks about that; if it is yours: ccctl approve --program %s",
		  is->name);
	return -1;
}

/* ---- keeping ---- */

static struct vault *tenant_any_vault(struct tenant *t)
{
	return t->vault ? t->vault : t->kept;
}

/*
 * On the disk before the session is opened: else whoever ends the broker would have the next
 * launch begin anew.  What a lock spared cannot be written: then until the next unlock.
 */
int image_keep(struct request *q, const struct image_verdict *v, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	const struct image *is = v->keep;
	char why[32 + IMAGE_DIGEST_HEX];
	struct audit_event e = {
		.event = "image", .result = "granted", .pid = q->connection->peer.pid, .why = why
	};

	if (!is)
		return 0;
	e.entries = is->name;
	e.image = is->program.file;
	snprintf(why, sizeof(why), "%s, BLAKE2b-256 %s", v->change, is->digest);
	if (audit_write(&t->audit, &e, f) != 0 || (t->vault && tenant_wake_tokens(t, f) != 0) ||
	    vault_image_keep(tenant_any_vault(t), is, f) != 0)
		return -1;
	return t->vault ? tenant_commit(t, f) : 0;
}

static int read_image(struct request *q, struct image *is, bool *agreed, struct failure *f)
{
	*agreed = false;
	if (wire_get_image(q->map, "image", is, f) != 0)
		return -1;
	return wire_has(q->map, "agreed") ? wire_get_bool(q->map, "agreed", agreed, f) : 0;
}

/* A strict entry is for what root alone can change.  Who does not say that does not know. */
static int check_roots(struct request *q, const struct session *s, struct failure *f)
{
	char why[WHY_SIZE] = "it is not said what is executed";

	if (!s->strict || !control_active(CONTROL_STRICT_ROOTS) ||
	    (wire_has(q->map, "roots") &&
	     wire_get_text(q->map, "roots", why, sizeof(why), f) == 0 && !why[0]))
		return 0;
	fail_set(f, FAIL_POLICY, NULL, "'%s' is strict, for programs of root's alone: %.200s",
		 s->entry[0], why);
	fail_hint(f, "install Claude Code as root, in directories of root's; or strict = no, then "
		     "ccctl approve");
	return -1;
}

int image_admit(struct request *q, const struct session *s, struct image_verdict *v,
		struct failure *f)
{
	static struct image is; /* large, and no request is served while another is */
	enum image_change change;
	const struct image *was;
	bool agreed;

	memset(v, 0, sizeof(*v));
	if (check_roots(q, s, f) != 0)
		return -1;
	/* What a session starts is used by its relay as the session itself is, whatever it is. */
	if (q->marked || (s->has_shown_ticket && s->delivery == DELIVERY_RELAY) ||
	    !wire_has(q->map, "image") || !control_active(CONTROL_IMAGE))
		return 1;
	if (read_image(q, &is, &agreed, f) != 0)
		return -1;
	was = vault_image(tenant_any_vault(q->connection->tenant), is.name);
	change = image_compare(was, &is);
	if (change == IMAGE_SAME)
		return 1;
	if (!is.digest[0]) {
		v->ask = reply_ask(change, was);
		return 0;
	}
	if (change == IMAGE_CHANGED && !agreed)
		return fail_changed(was, &is, f);
	v->keep = &is;
	v->change = change_name(change);
	return 1;
}

/* ---- ccctl approve --program ---- */

struct wire_out *op_image(struct request *q, struct failure *f)
{
	const struct vault *v = q->connection->tenant->vault;
	char name[NAME_MAX_LEN + 1];
	const struct image *i;
	struct wire_out *o;

	if (field_name(q->map, "name", name, f) != 0)
		return NULL;
	i = vault_image(v, name);
	o = wire_ok();
	if (i)
		wire_put_image(o, "image", i);
	return o;
}

struct wire_out *op_image_forget(struct request *q, struct failure *f)
{
	struct vault *v = q->connection->tenant->vault;
	char name[NAME_MAX_LEN + 1];

	if (field_name(q->map, "name", name, f) != 0 ||
	    request_audit(q, "image-forget", name, f) != 0 || vault_image_forget(v, name, f) != 0)
		return NULL;
	return request_commit(q, f);
}
