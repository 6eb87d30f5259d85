/*
 * vault/lock_settings.c - reading, writing and changing the lock settings.
 */
#include "vault/lock_settings.h"

#include <stdbool.h>

#include "base/fail.h"
#include "vault/bytes.h"
#include "vault/errors.h"
#include "vault/format.h"
#include "vault/tagged_fields.h"
#include "vault/undo.h"
#include "vault/vault_private.h"

const struct lock_settings lock_settings_default = { 0, 0, LOCK_EVENTS_ALL, false };

/* Each once; the last since version 4. */
enum { LOCK_TAG_IDLE = 1, LOCK_TAG_LONGEST, LOCK_TAG_EVENTS, LOCK_TAG_DURABLE, LOCK_TAG_END };

static unsigned lock_tags_end(unsigned version)
{
	return version < VAULT_VERSION_DURABLE ? LOCK_TAG_DURABLE : LOCK_TAG_END;
}

unsigned lock_settings_version(const struct lock_settings *s)
{
	return s->durable ? VAULT_VERSION_DURABLE : VAULT_VERSION_PLAIN;
}

size_t lock_settings_size(unsigned version)
{
	return (lock_tags_end(version) - LOCK_TAG_IDLE) * SETTING_LEN;
}

uint8_t *lock_settings_write(uint8_t *p, const struct lock_settings *s, unsigned version)
{
	p = bytes_put_number_field(p, LOCK_TAG_IDLE, s->idle);
	p = bytes_put_number_field(p, LOCK_TAG_LONGEST, s->longest);
	p = bytes_put_number_field(p, LOCK_TAG_EVENTS, s->events);
	return version < VAULT_VERSION_DURABLE
		       ? p
		       : bytes_put_number_field(p, LOCK_TAG_DURABLE, s->durable);
}

static bool lock_settings_ok(const struct lock_settings *s)
{
	return s->idle <= LOCK_TIME_MAX && s->longest <= LOCK_TIME_MAX &&
	       (s->events & ~(unsigned)LOCK_EVENTS_ALL) == 0;
}

static bool lock_setting_read(void *to, unsigned tag, const uint8_t *p, size_t n)
{
	struct lock_settings *s = to;
	uint64_t value;

	if (!tagged_number_read(&value, p, n))
		return false;
	switch (tag) {
	case LOCK_TAG_IDLE:
		s->idle = value;
		return true;
	case LOCK_TAG_LONGEST:
		s->longest = value;
		return true;
	case LOCK_TAG_EVENTS:
		s->events = (unsigned)value;
		return value <= LOCK_EVENTS_ALL;
	default:
		s->durable = value == 1;
		return value <= 1;
	}
}

int lock_settings_read(const uint8_t *p, size_t n, unsigned version, struct lock_settings *s,
		       struct failure *f)
{
	const struct tagged_fields rules = { "the list of settings", LOCK_TAG_IDLE,
					     lock_tags_end(version), lock_setting_read };
	struct byte_reader c = { p, n, false };
	unsigned seen;

	if (tagged_fields_read(&c, &rules, s, &seen, f) != 0)
		return -1;
	if (seen != (1u << rules.end) - (1u << LOCK_TAG_IDLE) || !lock_settings_ok(s))
		return vault_fail_damaged(f, "a setting is not allowed");
	return 0;
}

static bool lock_time_longer(uint64_t from, uint64_t to)
{
	return from != 0 && (to == 0 || to > from);
}

bool lock_settings_loosen(const struct lock_settings *from, const struct lock_settings *to)
{
	return lock_time_longer(from->idle, to->idle) ||
	       lock_time_longer(from->longest, to->longest) || (from->events & ~to->events) != 0 ||
	       (from->durable && !to->durable);
}

struct lock_settings vault_lock_settings(const struct vault *v)
{
	return v->lock_settings;
}

int vault_lock_settings_set(struct vault *v, const struct lock_settings *s, struct failure *f)
{
	undo_drop(v);
	if (!lock_settings_ok(s))
		return fail_set(f, FAIL_BAD_VALUE, "at most 366 days",
				"these lock settings are not allowed");
	v->undo.kind = UNDO_LOCK_SETTINGS;
	v->undo.lock_settings = v->lock_settings;
	v->lock_settings = *s;
	return 0;
}
