/*
 * base/tty_keys.c - see base/tty_keys.h.
 */
#include "base/tty_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define CONTROL(c) ((c)&0x1f)
#define DELETE 0x7f

static const struct {
	unsigned at;
	cc_t usual;
} keys[] = {
	{ VINTR, CONTROL('c') },    { VQUIT, CONTROL('\\') },	{ VERASE, DELETE },
	{ VKILL, CONTROL('u') },    { VEOF, CONTROL('d') },	{ VEOL, _POSIX_VDISABLE },
	{ VEOL2, _POSIX_VDISABLE }, { VSTART, CONTROL('q') },	{ VSTOP, CONTROL('s') },
	{ VSUSP, CONTROL('z') },    { VREPRINT, CONTROL('r') }, { VDISCARD, CONTROL('o') },
	{ VWERASE, CONTROL('w') },  { VLNEXT, CONTROL('v') },
};

/* Does nothing that a person types or pastes begin with it, unless it is meant? */
static bool key_is_meant(unsigned at, cc_t c)
{
	if (at == VERASE && (c == DELETE || c == '\b'))
		return true;
	return c == _POSIX_VDISABLE || (c < ' ' && !strchr("\b\t\n\r\033", c));
}

void tty_keys_mend(struct termios *t)
{
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!key_is_meant(keys[i].at, t->c_cc[keys[i].at]))
			t->c_cc[keys[i].at] = keys[i].usual;
}
