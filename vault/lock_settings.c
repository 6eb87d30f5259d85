/*
 * vault/lock_settings.c - what locks the vault by itself, as it is sealed.
 */
#include "vault/vault_private.h"

#include "base/fail.h"

/* Every event that a computer can tell locks; time alone does not. */
const struct lock_settings lock_settings_default = { 0, 0, LOCK_EVENTS_ALL };

enum { SET_IDLE = 1, SET_LONGEST, SET_EVENTS, SET_END };
#define SET_ALL ((1u << SET_END) - (1u << SET_IDLE))

static uint8_t *put_setting(uint8_t *p, unsigned tag, uint64_t value)
{
	p = put_n(p, tag, 2);
	p = put_n(p, 8, 4);
	return put_n(p, value, 8);
}

uint8_t *lock_settings_write(uint8_t *p, const struct lock_settings *s)
{
	p = put_setting(p, SET_IDLE, s->idle);
	p = put_setting(p, SET_LONGEST, s->longest);
	return put_setting(p, SET_EVENTS, s->events);
}

static bool sane(const struct lock_settings *s)
{
	return s->idle <= LOCK_TIME_MAX && s->longest <= LOCK_TIME_MAX &&
	       (s->events & ~(unsigned)LOCK_EVENTS_ALL) == 0;
}

int lock_settings_read(const uint8_t *p, size_t n, struct lock_settings *s, struct failure *f)
{
	static const char damaged[] = "cannot read the vault: it is damaged: a setting is not allowed";
	struct cursor c = { p, n, false };
	uint64_t tag, len, value;
	unsigned seen = 0;

	while (c.left > 0 && !c.bad) {
		tag = take_n(&c, 2);
		len = take_n(&c, 4);
		if (!c.bad && (tag < SET_IDLE || tag >= SET_END))
			return fail_set(f, FAIL_NEWER, "it was written by a newer ccrun: update this one",
					"cannot read the vault: it has an unknown setting");
		value = take_n(&c, 8);
		if (c.bad || len != 8 || (seen & 1u << tag))
			return fail_set(f, FAIL_DAMAGED, NULL, damaged);
		seen |= 1u << tag;
		if (tag == SET_IDLE)
			s->idle = value;
		else if (tag == SET_LONGEST)
			s->longest = value;
		else
			s->events = value > LOCK_EVENTS_ALL ? ~0u : (unsigned)value;
	}
	if (c.bad || seen != SET_ALL || !sane(s))
		return fail_set(f, FAIL_DAMAGED, NULL, damaged);
	return 0;
}

struct lock_settings vault_lock_settings(const struct vault *v)
{
	return v->lock_settings;
}

int vault_lock_settings_set(struct vault *v, const struct lock_settings *s, struct failure *f)
{
	undo_drop(v);
	if (!sane(s))
		return fail_set(f, FAIL_BAD_VALUE, "at most 366 days", "these settings are not allowed");
	v->undo.kind = UNDO_LOCK_SETTINGS;
	v->undo.lock_settings = v->lock_settings;
	v->lock_settings = *s;
	return 0;
}
