/*
 * client/statusline/change.c - a change of statusLine: agreed to, backed up, written.
 */
#include "client/statusline/change.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/statusline/claude_settings_edit.h"
#include "client/statusline/command.h"

void statusline_change_free(struct statusline_change *c)
{
	if (c->text)
		io_wipe(c->text, c->n);
	free(c->text);
	jt_edit_free(&c->e);
	json_decref(c->wanted);
	claude_settings_free(&c->s);
}

/* ---- what is there ---- */

enum statusline_whose statusline_whose(const struct claude_settings *s, const char **command,
				       size_t *word)
{
	const json_t *line = json_object_get(s->root, STATUSLINE_MEMBER);

	*command = json_string_value(json_object_get(line, "command"));
	if (!line)
		return STATUSLINE_NONE;
	return *command && command_is_ours(*command, word) ? STATUSLINE_OURS : STATUSLINE_ANOTHERS;
}

int statusline_change_find(struct statusline_change *c, struct failure *f)
{
	struct claude_settings *s = &c->s;

	c->base = s->text;
	c->base_n = s->n;
	/* No file, or an empty one: edit an empty object; a byte order mark stays. */
	if (!s->text || strspn(s->text + s->body, " \t\r\n") == s->n - s->body) {
		c->base = s->body ? "\xef\xbb\xbf{}\n" : "{}\n";
		c->base_n = strlen(c->base);
	}
	if (jt_look(c->base, c->base_n, s->body, STATUSLINE_MEMBER, &c->top) == 0 &&
	    c->top.found == (json_object_get(s->root, STATUSLINE_MEMBER) != NULL))
		return 0;
	return fail_set(f, FAIL_CONFIG, "edit it by hand",
			"%s could not be edited safely: left as it is", s->path);
}

/* ---- asking and writing ---- */

static int change_agree(struct statusline_change *c, const char *what, struct failure *f)
{
	char question[PATH_SIZE + 64];
	bool yes = false;

	claude_settings_show_edit(&c->s, c->text, c->n);
	if (c->yes)
		return 0;
	if (!terminal_asks()) {
		fail_set(f, FAIL_USAGE, NULL,
			 "cannot ask, there is no terminal: %s was not changed", c->s.path);
		fail_hint(f, "when this is what you want: ccctl statusline %s --yes", what);
		return -1;
	}
	snprintf(question, sizeof(question), "change %.400s?", c->s.path);
	if (terminal_yes(question, &yes, f) != 0)
		return -1;
	return yes ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

static void statusline_remove_copy(const char *copy)
{
	if (io_remove_file(copy) == 0)
		say("the file is again what it was before the installation; removed the copy %s",
		    copy);
}

void statusline_remove_left_copy(const struct statusline_change *c)
{
	char copy[CLAUDE_BACKUP_PATH];

	if (c->s.n > 0 && claude_settings_backup_find(&c->s, c->s.text, c->s.n, copy))
		statusline_remove_copy(copy);
}

int statusline_change_carry_out(struct statusline_change *c, const char *what,
				statusline_keep *keep, struct failure *f)
{
	char copy[CLAUDE_BACKUP_PATH] = "", same[CLAUDE_BACKUP_PATH];
	bool restored;

	c->text = claude_settings_edited(&c->s, c->base, c->base_n, &c->e, c->wanted, &c->n, f);
	if (!c->text || change_agree(c, what, f) != 0)
		return -1;
	/* Exceeding a file size limit becomes EFBIG, which is reported, instead of a signal. */
	signal(SIGXFSZ, SIG_IGN);
	/* If removing restores the exact bytes of a backup, make no other backup, and
	 * delete that one: it may hold keys. */
	restored = strcmp(what, "remove") == 0 &&
		   claude_settings_backup_find(&c->s, c->text, c->n, same);
	if (!restored && c->s.n > 0 && claude_settings_backup(&c->s, copy, f) != 0)
		return -1;
	if ((keep && keep(c, f) != 0) || claude_settings_write(&c->s, c->text, c->n, f) != 0)
		return -1;
	if (restored)
		statusline_remove_copy(same);
	if (copy[0])
		say("the file as it was: %s", copy);
	if (copy[0] && json_object_size(json_object_get(c->s.root, "env")))
		say("note: the copy has the \"env\" of the file too; ccctl import --scrub removes "
		    "keys from both");
	return 0;
}
