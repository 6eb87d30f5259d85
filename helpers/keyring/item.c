/*
 * helpers/keyring/item.c - find, read, write and remove a slot's item.
 *
 * The secret is only in libsecret's locked memory, and crosses the bus encrypted
 * under the session key that libsecret negotiates with the service.
 */
#include "helpers/keyring/item.h"

#include <string.h>

#include "base/fail.h"

#define HINT_OTHER_SLOT "unlock the vault through another slot (ccctl unlock)"
#define HINT_NEW_SLOT HINT_OTHER_SLOT " and make this one anew (ccctl slot add keyring)"

static const SecretSchema schema = {
	.name = "org.ccrun.VaultKey",
	.flags = SECRET_SCHEMA_NONE,
	.attributes = {
		{ "vault", SECRET_SCHEMA_ATTRIBUTE_STRING },
		{ "slot", SECRET_SCHEMA_ATTRIBUTE_STRING },
		{ NULL, 0 },
	},
};

static GHashTable *item_attributes(const struct item_id *id)
{
	return secret_attributes_build(&schema, "vault", id->vault, "slot", id->slot, NULL);
}

int item_check_text(const void *p, size_t n, const char *whose, struct failure *f)
{
	const unsigned char *s = p;
	size_t i;

	if (n == 0)
		return fail_set(f, FAIL_BAD_VALUE, HINT_NEW_SLOT, "%s is no key: it is empty",
				whose);
	if (n > KEY_TEXT_MAX)
		return fail_set(f, FAIL_BAD_VALUE, HINT_NEW_SLOT,
				"%s is no key: it has more than %d bytes", whose, KEY_TEXT_MAX);
	for (i = 0; i < n; i++)
		if (s[i] < ' ' || s[i] > '~')
			return fail_set(f, FAIL_BAD_VALUE, HINT_NEW_SLOT,
					"%s is no key: it has unprintable bytes", whose);
	return 0;
}

/* Sort order: unlocked items first, then the most recently modified, then by path. */
static gint item_compare(gconstpointer pa, gconstpointer pb)
{
	SecretItem *a = (SecretItem *)(uintptr_t)pa, *b = (SecretItem *)(uintptr_t)pb;
	gboolean la = secret_item_get_locked(a), lb = secret_item_get_locked(b);
	guint64 ma = secret_item_get_modified(a), mb = secret_item_get_modified(b);

	if (la != lb)
		return la ? 1 : -1;
	if (ma != mb)
		return ma > mb ? -1 : 1;
	return strcmp(g_dbus_proxy_get_object_path(G_DBUS_PROXY(a)),
		      g_dbus_proxy_get_object_path(G_DBUS_PROXY(b)));
}

static void item_free_list(GList *items)
{
	g_list_free_full(items, g_object_unref);
}

/* *out: this slot's items in the order of item_compare; NULL for none.  item_free_list them. */
static int item_search(struct keyring *k, const struct item_id *id, GList **out, struct failure *f)
{
	GHashTable *want = item_attributes(id);
	GError *e = NULL;
	int r;

	secret_service_search(k->service, &schema, want, SECRET_SEARCH_ALL, NULL, service_ready, k);
	g_hash_table_unref(want);
	r = service_wait(k, "cannot search the keyring", f);
	if (r != 0)
		return r;
	*out = secret_service_search_finish(k->service, k->result, &e);
	if (e)
		return service_error(e, "cannot search the keyring", f);
	*out = g_list_sort(*out, item_compare);
	return 0;
}

static int item_default_collection(struct keyring *k, SecretCollection **out, struct failure *f)
{
	GError *e = NULL;

	secret_collection_for_alias(k->service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE,
				    NULL, service_ready, k);
	if (service_wait(k, "cannot look for the default keyring", f) != 0)
		return -1;
	*out = secret_collection_for_alias_finish(k->result, &e);
	if (e)
		return service_error(e, "cannot look for the default keyring", f);
	if (!*out)
		return fail_set(f, FAIL_SYSTEM,
				"log out and in again, which makes one after an account's first "
				"log-in; or make one the default (seahorse does; with KeePassXC "
				"open the database), or " HINT_OTHER_SLOT,
				"the Secret Service has no default keyring");
	return 0;
}

static int fail_keyring_locked(struct failure *f)
{
	return fail_set(f, FAIL_LOCKED,
			"unlock the keyring (seahorse, or log in again), or " HINT_OTHER_SLOT,
			"the keyring is locked");
}

/*
 * The failure when a search found nothing.  A locked default keyring may still hold
 * the item: then the failure is FAIL_LOCKED, and *to_unlock the keyring.
 */
static int item_fail_not_found(struct keyring *k, const struct item_id *id, GDBusProxy **to_unlock,
			       struct failure *f)
{
	SecretCollection *c = NULL;

	if (item_default_collection(k, &c, f) != 0)
		return -1;
	if (secret_collection_get_locked(c)) {
		*to_unlock = G_DBUS_PROXY(c);
		return fail_keyring_locked(f);
	}
	g_object_unref(c);
	return fail_set(f, FAIL_NO_ENTRY, HINT_NEW_SLOT,
			"the keyring has no key for slot %s of this vault", id->slot);
}

/*
 * As item_search, but it is a failure if there is no item or only locked ones.  In the
 * second case *to_unlock is what must be unlocked; the caller unrefs it.
 */
static int item_find(struct keyring *k, const struct item_id *id, GList **out,
		     GDBusProxy **to_unlock, struct failure *f)
{
	if (item_search(k, id, out, f) != 0)
		return -1;
	if (!*out)
		return item_fail_not_found(k, id, to_unlock, f);
	if (!secret_item_get_locked((*out)->data))
		return 0;
	*to_unlock = g_object_ref((*out)->data);
	item_free_list(*out);
	*out = NULL;
	return fail_keyring_locked(f);
}

/* Wait until the service's dialog has ended.  Success does not mean that it was unlocked. */
static int item_unlock(struct keyring *k, GDBusProxy *to_unlock, struct failure *f)
{
	GList one = { .data = to_unlock };
	GError *e = NULL;

	secret_service_unlock(k->service, &one, NULL, service_ready, k);
	if (service_wait(k, "cannot unlock the keyring", f) != 0)
		return -1;
	secret_service_unlock_finish(k->service, k->result, NULL, &e);
	return e ? service_error(e, "cannot unlock the keyring", f) : 0;
}

/* As item_find, after the dialog. */
static int item_unlock_and_find(struct keyring *k, const struct item_id *id, GList **out,
				GDBusProxy *to_unlock, struct failure *f)
{
	GDBusProxy *still = NULL;

	if (item_unlock(k, to_unlock, f) != 0)
		return -1;
	if (item_find(k, id, out, &still, f) == 0)
		return 0;
	if (still)
		fail_set(
			f, FAIL_LOCKED, "try again and answer the dialog, or " HINT_OTHER_SLOT,
			"the keyring stays locked: its dialog was dismissed or could not be shown");
	g_clear_object(&still);
	return -1;
}

static int item_load(struct keyring *k, SecretItem *item, SecretValue **out, struct failure *f)
{
	const char *doing = "cannot read the key from the keyring";
	GError *e = NULL;
	const char *text;
	gsize n = 0;

	secret_item_load_secret(item, NULL, service_ready, k);
	if (service_wait(k, doing, f) != 0)
		return -1;
	if (!secret_item_load_secret_finish(item, k->result, &e))
		return service_error(e, doing, f);
	*out = secret_item_get_secret(item);
	text = *out ? secret_value_get(*out, &n) : NULL;
	if (item_check_text(text, n, "the keyring's item", f) == 0)
		return 0;
	if (*out)
		secret_value_unref(*out);
	*out = NULL;
	return -1;
}

int item_fetch(struct keyring *k, const struct item_id *id, SecretValue **out, struct failure *f)
{
	GDBusProxy *to_unlock = NULL;
	GList *items = NULL;
	int r = item_find(k, id, &items, &to_unlock, f);

	if (r != 0 && to_unlock && k->prompt)
		r = item_unlock_and_find(k, id, &items, to_unlock, f);
	g_clear_object(&to_unlock);
	if (r == 0)
		r = item_load(k, items->data, out, f);
	item_free_list(items);
	return r;
}

/* Check that a fetch returns what was stored, and not an older item of the same slot. */
static int item_verify(struct keyring *k, const struct item_id *id, const void *text, size_t n,
		       struct failure *f)
{
	SecretValue *v = NULL;
	const char *got;
	gsize len = 0;
	int r;

	if (item_fetch(k, id, &v, f) != 0)
		return -1;
	got = secret_value_get(v, &len);
	r = len == n && memcmp(got, text, n) == 0 ? 0 : -1;
	secret_value_unref(v);
	if (r != 0)
		fail_set(f, FAIL_SYSTEM,
			 "remove older items of schema org.ccrun.VaultKey (seahorse), then try "
			 "again",
			 "the keyring gives back another key than it was given");
	return r;
}

static int item_create(struct keyring *k, SecretCollection *c, const struct item_id *id,
		       SecretValue *v, struct failure *f)
{
	const char *doing = "cannot store the key in the keyring";
	GHashTable *as = item_attributes(id);
	SecretItem *item;
	GError *e = NULL;
	char label[64];

	g_snprintf(label, sizeof(label), "ccrun vault key (slot %s)", id->slot);
	secret_item_create(c, &schema, as, label, v, SECRET_ITEM_CREATE_REPLACE, NULL,
			   service_ready, k);
	g_hash_table_unref(as);
	if (service_wait(k, doing, f) != 0)
		return -1;
	item = secret_item_create_finish(k->result, &e);
	if (e)
		return service_error(e, doing, f);
	if (!item)
		return fail_set(f, FAIL_LOCKED, "try again and answer the dialog",
				"%s: its dialog was dismissed", doing);
	g_object_unref(item);
	return 0;
}

int item_store(struct keyring *k, const struct item_id *id, const void *text, size_t n,
	       struct failure *f)
{
	SecretCollection *c = NULL;
	SecretValue *v;
	int r;

	if (item_default_collection(k, &c, f) != 0)
		return -1;
	if (secret_collection_get_locked(c)) {
		g_object_unref(c);
		return fail_keyring_locked(f);
	}
	v = secret_value_new(text, (gssize)n, "text/plain");
	r = item_create(k, c, id, v, f);
	secret_value_unref(v);
	g_object_unref(c);
	return r == 0 ? item_verify(k, id, text, n, f) : -1;
}

static int item_delete(struct keyring *k, SecretItem *item, struct failure *f)
{
	const char *doing = "cannot remove the key from the keyring";
	GError *e = NULL;

	secret_item_delete(item, NULL, service_ready, k);
	if (service_wait(k, doing, f) != 0)
		return -1;
	if (secret_item_delete_finish(item, k->result, &e))
		return 0;
	if (e)
		return service_error(e, doing, f);
	return fail_set(f, FAIL_LOCKED, "try again and answer the dialog",
			"%s: its dialog was dismissed", doing);
}

int item_erase(struct keyring *k, const struct item_id *id, struct failure *f)
{
	GDBusProxy *to_unlock = NULL;
	GList *items = NULL, *i;
	int r = item_find(k, id, &items, &to_unlock, f);

	g_clear_object(&to_unlock);
	/* All or none: a locked item that is left would be found by a later fetch. */
	if (r == 0 && secret_item_get_locked(g_list_last(items)->data))
		r = fail_keyring_locked(f);
	for (i = items; r == 0 && i; i = i->next)
		r = item_delete(k, i->data, f);
	item_free_list(items);
	return r;
}
