/*
 * client/statusline/install.c - ccctl statusline install.
 */
#include "client/statusline/install.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/shell_word.h"
#include "client/common/output.h"
#include "client/statusline/change.h"
#include "client/statusline/claude_settings_edit.h"
#include "client/statusline/command.h"
#include "client/statusline/previous_line.h"
#include "config/client/settings_files.h"

static int install_keep_earlier(struct statusline_change *c, struct failure *f)
{
	const struct jt_member *m = &c->top.hit;

	/* NULL: what an earlier installation kept is out of date. */
	return previous_line_keep(c->s.real, c->top.found ? c->base + m->value : NULL,
				  m->value_end - m->value, f);
}

/* The status line is ours: name this installation's program in it, and leave its
 * options.  0 with the edit in c, 1: it names this program already, -1. */
static int install_rename_program(struct statusline_change *c, const char *command, size_t word,
				  const char *program, struct failure *f)
{
	size_t room = PATH_SIZE + strlen(command);
	struct jt_object line;
	char *now = malloc(room);
	json_t *value = NULL;
	int r = -1;

	if (!now || !shell_word(program, now, PATH_SIZE)) {
		free(now);
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	}
	snprintf(now + strlen(now), room - strlen(now), "%s", command + word);
	if (strcmp(now, command) == 0)
		r = 1;
	else if ((value = json_string(now)) &&
		 (c->wanted = json_deep_copy(json_object_get(c->s.root, STATUSLINE_MEMBER))) &&
		 json_object_set(c->wanted, "command", value) == 0 &&
		 jt_look(c->base, c->base_n, c->top.hit.value, "command", &line) == 0 && line.found)
		r = jt_put(c->base, c->base_n, &line, "command", value, NULL, 0, &c->e);
	if (r < 0)
		fail_set(f, FAIL_CONFIG, NULL, "%s could not be edited safely: left as it is",
			 c->s.path);
	json_decref(value);
	free(now);
	return r;
}

/* Does this settings file of a project, unless it is s itself, have a status line? */
static bool install_has_own_line(const struct claude_settings *s, const char *path)
{
	struct stat mine, theirs;
	json_t *o;
	char *text;
	size_t n;
	bool has;

	if (stat(path, &theirs) != 0 ||
	    (stat(s->path, &mine) == 0 && mine.st_dev == theirs.st_dev &&
	     mine.st_ino == theirs.st_ino) ||
	    io_slurp(path, CLAUDE_SETTINGS_MAX, &text, &n, NULL) != 0)
		return false;
	o = json_loadb(text, n, 0, NULL);
	io_wipe(text, n); /* its env may hold keys */
	free(text);
	has = json_object_get(o, STATUSLINE_MEMBER) != NULL;
	json_decref(o);
	return has;
}

/* Settings that turn the person's status line off, whoever set them. */
static void install_print_switches(void)
{
	static const char *const keys[] = { "disableAllHooks", "allowManagedHooksOnly" };
	const struct settings_document *d;
	struct settings_files *files = NULL;
	unsigned i;

	/* ccrun says why what is managed cannot be read. */
	if (settings_files_of_person(NULL, NULL, &files, NULL) != 0)
		return;
	for (i = 0; i < 2; i++) {
		d = settings_files_find(files, false, keys[i]);
		/* The second counts where an administrator set it. */
		if (d && json_is_true(json_object_get(d->root, keys[i])) &&
		    (i == 0 || d->layer == SETTINGS_MANAGED))
			say("note: %s is set in %s, which turns every status line off%s", keys[i],
			    d->path,
			    d->layer == SETTINGS_MANAGED ? " but the administrator's" : "");
	}
	settings_files_free(files);
}

/* What may keep the installed status line from being shown. */
static void install_print_notes(const struct statusline_change *c)
{
	static const char *const nearer[] = { ".claude/settings.local.json",
					      ".claude/settings.json" };
	unsigned i;

	install_print_switches();
	for (i = 0; i < 2; i++)
		if (install_has_own_line(&c->s, nearer[i]))
			say("note: %s here has a status line of its own, which the client "
			    "uses instead of yours",
			    nearer[i]);
}

/* The status line is ours already.  The exit code or -1. */
static int install_over_ours(struct statusline_change *c, const char *command, size_t word,
			     const char *program, struct failure *f)
{
	int r = install_rename_program(c, command, word, program, f);

	if (r < 0)
		return -1;
	if (r == 1) {
		say("%s has this status line already", c->s.path);
		return EXIT_DONE;
	}
	if (statusline_change_carry_out(c, "install", NULL, f) != 0)
		return -1;
	say("%s named the program of another installation, and names this one's now", c->s.path);
	return EXIT_DONE;
}

static int install_value(struct statusline_change *c, json_t *value, const char *program,
			 struct failure *f)
{
	enum statusline_whose whose;
	const char *command;
	size_t word;

	if (claude_settings_load(&c->s, f) != 0 || claude_settings_may_write(&c->s, f) != 0 ||
	    statusline_change_find(c, f) != 0) {
		/* ccctl cannot write the file, but the person may. */
		claude_settings_show_paste(value);
		return -1;
	}
	whose = statusline_whose(&c->s, &command, &word);
	if (whose == STATUSLINE_OURS)
		return install_over_ours(c, command, word, program, f);
	if (whose == STATUSLINE_ANOTHERS)
		say("%s has another status line; ccctl statusline remove brings it back",
		    c->s.path);
	c->wanted = json_incref(value);
	if (jt_put(c->base, c->base_n, &c->top, STATUSLINE_MEMBER, value, NULL, 0, &c->e) != 0)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	if (statusline_change_carry_out(c, "install", install_keep_earlier, f) != 0)
		return -1;
	say("%s has the status line; a session that runs shows it at its next answer", c->s.path);
	return EXIT_DONE;
}

int statusline_install(struct statusline_change *c, struct failure *f)
{
	char program[PATH_SIZE];
	json_t *value;
	int r;

	if (command_program(program, f) != 0)
		return -1;
	value = command_value(program, f);
	if (!value)
		return -1;
	r = install_value(c, value, program, f);
	if (r == EXIT_DONE)
		install_print_notes(c);
	json_decref(value);
	return r;
}
