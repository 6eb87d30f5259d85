/*
 * broker/request.c - the audit line, the keyfile and the commit of one request.
 */
#include "broker/request.h"

#include <string.h>

#include "base/fail.h"
#include "broker/connection.h"
#include "broker/fields.h"
#include "broker/tenant.h"
#include "broker/tenant_vault.h"
#include "vault/entries.h"
#include "vault/keyfile.h"
#include "vault/vault.h"
#include "wire/pack.h"

int request_write_keyfile(struct request *q, const uint8_t *p, struct failure *f)
{
	return p ? store_write_beside(&q->connection->tenant->store, STORE_KEYFILE_NEXT, p,
				      KEYFILE_LEN, f)
		 : 0;
}

void request_finish_keyfile(struct request *q, const uint8_t *p, bool done)
{
	struct vault_store *s = &q->connection->tenant->store;

	/* When the rename fails, auto_unlock_try finds it under its second name. */
	if (p && done)
		store_rename_beside(s, STORE_KEYFILE_NEXT, STORE_KEYFILE, NULL);
	else if (p)
		store_remove_beside(s, STORE_KEYFILE_NEXT, NULL);
}

static bool is_one_of(const char *event, const char *const *list)
{
	while (*list && strcmp(*list, event) != 0)
		list++;
	return *list != NULL;
}

int request_audit(struct request *q, const char *event, const char *name, struct failure *f)
{
	static const char *const key_may_be_wrong[] = { "unlock", "person",  "init",
							"reopen", "restore", NULL };
	static const char *const gives[] = { "get", "backup", "export", NULL };
	struct audit_event e = { .event = event,
				 .entries = name,
				 .pid = q->connection->peer.pid,
				 .gives = is_one_of(event, gives) };

	e.result = is_one_of(event, key_may_be_wrong) ? "asked" : "granted";
	return audit_write(&q->connection->tenant->audit, &e, f);
}

const struct entry *request_entry(struct request *q, char name[NAME_MAX_LEN + 1], struct failure *f)
{
	const struct entry *e;

	if (field_name(q->map, "name", name, f) != 0)
		return NULL;
	e = vault_find(q->connection->tenant->vault, name);
	if (!e)
		fail_set(f, FAIL_NO_ENTRY, "ccctl keys lists them", "there is no entry '%s'", name);
	return e;
}

struct wire_out *request_commit(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct wire_out *o;

	if (tenant_commit(t, f) != 0)
		return NULL;
	o = wire_ok();
	wire_put_uint(o, "generation", vault_generation(t->vault));
	return o;
}
