/*
 * client/statusline/remove.c - ccctl statusline remove.
 */
#include "client/statusline/remove.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/fail.h"
#include "client/common/output.h"
#include "client/statusline/change.h"
#include "client/statusline/command.h"
#include "client/statusline/previous_line.h"

static int remove_line(struct statusline_change *c, struct failure *f)
{
	char *earlier;
	size_t n;
	int r;

	if (previous_line_get(c->s.real, &earlier, &n, f) != 0)
		return -1;
	if (earlier) {
		c->wanted =
			json_loadb(earlier, n,
				   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		r = c->wanted ? jt_put(c->base, c->base_n, &c->top, STATUSLINE_MEMBER, NULL,
				       earlier, n, &c->e)
			      : fail_set(f, FAIL_CONFIG, NULL,
					 "the earlier status line that was kept is damaged");
	} else {
		r = jt_drop(&c->top, &c->e);
	}
	free(earlier);
	if (r != 0)
		return f->code ? -1 : fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	return statusline_change_carry_out(c, "remove", NULL, f);
}

int statusline_remove(struct statusline_change *c, struct failure *f)
{
	const char *command;
	size_t word;

	if (claude_settings_load(&c->s, f) != 0)
		return -1;
	switch (statusline_whose(&c->s, &command, &word)) {
	case STATUSLINE_NONE:
		statusline_remove_left_copy(c);
		say("%s has no status line", c->s.path);
		return EXIT_DONE;
	case STATUSLINE_ANOTHERS:
		return fail_set(f, FAIL_POLICY, "it is not ccrun's to remove",
				"%s has another status line: left as it is", c->s.path);
	case STATUSLINE_OURS:
		break;
	}
	if (claude_settings_may_write(&c->s, f) != 0 || statusline_change_find(c, f) != 0 ||
	    remove_line(c, f) != 0)
		return -1;
	say(c->wanted ? "%s has its earlier status line again" : "%s has no status line any more",
	    c->s.path);
	/* It is in the file again: a later remove must not restore it. */
	return previous_line_keep(c->s.real, NULL, 0, f) == 0 ? EXIT_DONE : -1;
}
