/*
 * client/doctor/checkup.c - noting what a check found.
 */
#include "client/doctor/checkup.h"

#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 4, 0)))
found(struct checkup *d, enum check_state state, const char *hint, const char *fmt, va_list args)
{
	char text[sizeof(d->finding->said.what)];
	struct finding *to = &d->finding[d->n];

	if (d->n == FINDINGS_MAX)
		return;
	d->n++;
	to->check = d->at;
	to->state = state;
	vsnprintf(text, sizeof(text), fmt, args);
	fail_set(&to->said, FAIL_NONE, hint, "%s", text);
}

void found_ok(struct checkup *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	found(d, CHECK_OK, NULL, fmt, args);
	va_end(args);
}

void found_advice(struct checkup *d, const char *hint, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	found(d, CHECK_ADVICE, hint, fmt, args);
	va_end(args);
}

void found_broken(struct checkup *d, const char *hint, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	found(d, CHECK_BROKEN, hint, fmt, args);
	va_end(args);
}

void found_failure(struct checkup *d, enum check_state state, const struct failure *f,
		   const char *hint)
{
	const char *mend = f->hint[0] ? f->hint : hint;

	if (state == CHECK_BROKEN)
		found_broken(d, mend, "%s", f->what);
	else
		found_advice(d, mend, "%s", f->what);
}

void found_hint(struct checkup *d, const char *fmt, ...)
{
	va_list args;

	if (d->n == 0)
		return;
	va_start(args, fmt);
	fail_hint_list(&d->finding[d->n - 1].said, fmt, args);
	va_end(args);
}

bool found_any(const struct checkup *d)
{
	return d->n > 0 && d->finding[d->n - 1].check == d->at;
}
