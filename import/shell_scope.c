/*
 * import/shell_scope.c - the scopes that a shell file's assignments stand in.
 */
#include "import/shell_scope.h"

#include <string.h>

int shell_scope_enter(struct shell *s, bool branch, const char *mode)
{
	struct scope *fresh = assignments_add_scope(s->r, s->f);

	if (!fresh)
		return -1;
	fresh->parent = s->scope;
	fresh->branch = branch;
	memcpy(fresh->mode, s->r->scope[s->scope].mode, sizeof(fresh->mode));
	if (mode[0])
		memcpy(fresh->mode, mode, strlen(mode) + 1);
	s->scope = s->r->scopes - 1;
	return 0;
}

void shell_scope_leave(struct shell *s, unsigned scope)
{
	s->scope = scope;
}

unsigned shell_line(const struct shell *s, size_t at)
{
	/* Mostly called with growing offsets: go on from the last one. */
	if (at < s->counted->at)
		*s->counted = (struct line_count){ 0, 1 };
	for (; s->counted->at < at; s->counted->at++)
		s->counted->line += s->w.text[s->counted->at] == '\n';
	return s->counted->line;
}
