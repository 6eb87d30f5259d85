/*
 * client/edit.c - ccctl edit: a copy of the user's file of a provider in an editor; it
 * replaces the file once the provider would load with it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/spawn.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/edit_left.h"
#include "client/verbs.h"
#include "config/ini/ini_file.h"
#include "config/ini/user_file.h"
#include "config/provider/names.h"
#include "config/provider/provider.h"
#include "wire/names.h"

struct file_edit {
	char name[NAME_MAX_LEN + 1];
	char path[PATH_SIZE]; /* the user's file */
	char copy[PATH_SIZE]; /* what the editor works on */
	mode_t mode;
	bool there;
	bool taken; /* the copy is that of an edit that was broken off */
	bool keep;  /* the copy stays when the verb ends */
	char *old;  /* the editor's initial text: the file's, else the template's */
	size_t old_len;
};

/* For a first file: the shipped file, commented out. */
static int edit_template(const char *name, char **out, size_t *n, struct failure *f)
{
	char leaf[NAME_MAX_LEN + 32], path[PATH_SIZE], *shipped = NULL, *to;
	size_t len = 0, i;

	snprintf(leaf, sizeof(leaf), "share/ccrun/providers/%s.conf", name);
	if (path_installed(leaf, path, f) != 0)
		return -1;
	if (access(path, R_OK) == 0 && io_slurp(path, INI_FILE_MAX, &shipped, &len, f) != 0)
		return -1;
	*out = malloc(3 * len + 1024);
	if (!*out) {
		free(shipped);
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	}
	to = *out +
	     sprintf(*out,
		     shipped ? "; Your changes to %s. What stands here goes over what is shipped, "
			       "key by\n"
			       "; key; that is shown below. ccrun-provider(5) is the format.\n\n"
			     : "; A provider of yours, %s. ccrun-provider(5) is the format.\n"
			       "[provider]\ntitle    = \nbase_url = https://\n"
			       "; bearer is what ANTHROPIC_AUTH_TOKEN is for, api-key "
			       "ANTHROPIC_API_KEY\n"
			       "auth     = bearer\n\n"
			       "; Only where its models have names of their own:\n"
			       "; [models]\n; opus   = \n; sonnet = \n; haiku  = \n",
		     name);
	for (i = 0; i < len; i++) {
		if (i == 0 || shipped[i - 1] == '\n')
			to += sprintf(to, "; ");
		*to++ = shipped[i];
	}
	*n = (size_t)(to - *out);
	free(shipped);
	return 0;
}

/* The editor did not succeed.  Who leaves it so throws away what this edit wrote; who had it ended
 * (a crash, a terminal that was closed), or went on with another edit's text, does not. */
static int edit_fail_editor(struct file_edit *e, const char *editor, int status, struct failure *f)
{
	fail_set(f, FAIL_PROGRAM, "set EDITOR to one that is there",
		 "the editor '%.60s' did not succeed; nothing was changed", editor);
	/* The shell that ran it says a signal so. */
	if (e->taken || !WIFEXITED(status) || WEXITSTATUS(status) > 128) {
		e->keep = true;
		fail_hint(f, "what was written in it is in %s", e->copy);
	}
	return -1;
}

/* $VISUAL, $EDITOR, else what the system calls editor; by the shell, as they have options. */
static int run_editor(struct file_edit *e, struct failure *f)
{
	const char *editor = getenv("VISUAL");
	char command[PATH_SIZE];
	const char *argv[] = { "sh", "-c", command, NULL, e->copy, NULL };
	struct spawn s = { .path = "/bin/sh", .argv = argv };
	int status = -1;
	pid_t pid;

	if (!editor || !editor[0])
		editor = getenv("EDITOR");
	if (!editor || !editor[0])
		editor = access("/usr/bin/editor", X_OK) == 0 ? "editor" : "vi";
	argv[3] = editor;
	if (snprintf(command, sizeof(command), "%s \"$1\"", editor) >= (int)sizeof(command))
		return fail_set(f, FAIL_USAGE, NULL, "EDITOR is too long");
	pid = spawn_start(&s);
	if (pid < 0)
		return fail_errno(f, NULL, "cannot run the editor");
	/* The terminal's Ctrl-C is the editor's. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	spawn_wait(pid, &status);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return edit_fail_editor(e, editor, status, f);
}

/* What the provider's entries are to be bound to.  How many, or -1: the files do not
 * load, or lack a parameter. */
static int edit_wanted(const char *name, struct wanted w[SESSION_ENTRIES_MAX])
{
	struct provider *p;
	int n;

	if (provider_load(name, NULL, &p, NULL) != 0)
		return -1;
	n = provider_missing(p) ? -1 : wanted_of(p, w, NULL);
	provider_free(p);
	return n;
}

/* Would the provider and each of its modes load with text as the file? */
static int edit_check(const struct file_edit *e, const char *text, size_t n, struct failure *f)
{
	struct provider *p, *m;
	unsigned i;
	int r = 0;

	if (provider_load_draft(e->name, NULL, e->path, text, n, &p, f) != 0)
		return -1;
	for (i = 0; i < p->mode_count && r == 0; i++) {
		r = provider_load_draft(e->name, p->modes[i], e->path, text, n, &m, f);
		if (r == 0)
			provider_free(m);
	}
	provider_free(p);
	return r;
}

/* Is the file as it was when the editor began?  The caller has its directory locked. */
static bool edit_unchanged(const struct file_edit *e, bool there)
{
	char *now = NULL;
	size_t n;
	bool same;

	if (!there || !e->there)
		return there == e->there;
	same = io_slurp(e->path, INI_FILE_MAX, &now, &n, NULL) == 0 && n == e->old_len &&
	       memcmp(now, e->old, n) == 0;
	free(now);
	return same;
}

/* Replace the file by text, unless another program changed it meanwhile. */
static int edit_save(struct file_edit *e, const char *text, size_t n, struct failure *f)
{
	char leaf[NAME_MAX_LEN + 16], path[PATH_SIZE];
	mode_t mode;
	bool there;
	int turn, r;

	snprintf(leaf, sizeof(leaf), "providers/%s.conf", e->name);
	turn = user_file_begin(leaf, path, &mode, &there, f);
	if (turn < 0)
		return -1;
	if (strcmp(path, e->path) == 0 && edit_unchanged(e, there)) {
		r = io_replace_file(e->path, e->mode, text, n, f);
	} else {
		e->keep = true;
		r = fail_set(f, FAIL_CHANGED, NULL,
			     "%s was changed by another program meanwhile; it is as that left it",
			     e->path);
		fail_hint(f, "what you wrote is in %s", e->copy);
	}
	close(turn);
	return r;
}

/* Run the editor until the file is valid or the person gives up.  1 changed, 0 not, -1. */
static int edit_until_valid(struct file_edit *e, struct failure *f)
{
	char *text = NULL;
	bool again = true;
	size_t n;

	while (again) {
		free(text);
		text = NULL;
		if (run_editor(e, f) != 0 || io_slurp(e->copy, INI_FILE_MAX, &text, &n, f) != 0)
			break;
		if (n == e->old_len && memcmp(text, e->old, n) == 0) {
			free(text);
			return 0;
		}
		if (edit_check(e, text, n, f) == 0) {
			if (edit_save(e, text, n, f) != 0)
				break;
			free(text);
			return 1;
		}
		if (!terminal_asks())
			break;
		fail_print("ccctl", f);
		if (terminal_yes("edit it again? (no: nothing is changed)", &again, f) != 0)
			break;
	}
	free(text);
	if (!again)
		return 0;
	return -1;
}

/* The copy: that of an edit that was broken off, or a new one. */
static int edit_make_copy(struct file_edit *e, struct failure *f)
{
	enum edit_left left;

	if (edit_copy_name(e->path, e->old, e->old_len, e->copy, f) != 0)
		return -1;
	left = edit_left_take(e->path, e->old, e->old_len, e->copy, f);
	e->taken = left == EDIT_LEFT_TAKEN;
	if (e->taken || (left == EDIT_LEFT_NONE &&
			 io_create_file(e->copy, e->old, e->old_len, "remove it", f) == 0))
		return 0;
	e->copy[0] = '\0';
	return -1;
}

/* Write the copy beside the file, in a directory that is the user's own. */
static int edit_begin(struct file_edit *e, struct failure *f)
{
	char leaf[NAME_MAX_LEN + 16];
	int turn;

	snprintf(leaf, sizeof(leaf), "providers/%s.conf", e->name);
	turn = user_file_begin(leaf, e->path, &e->mode, &e->there, f);
	if (turn < 0)
		return -1;
	/* Do not hold the lock while the editor runs: that may take days. */
	close(turn);
	if (e->there && io_slurp(e->path, INI_FILE_MAX, &e->old, &e->old_len, f) != 0)
		return -1;
	if (!e->there && edit_template(e->name, &e->old, &e->old_len, f) != 0)
		return -1;
	return edit_make_copy(e, f);
}

/* What was corrected in what the file says. */
static void edit_say_note(const char *name)
{
	struct provider *p;

	if (provider_load(name, NULL, &p, NULL) != 0)
		return;
	if (p->note[0])
		say("note: %s", p->note);
	provider_free(p);
}

/* A provider that is not there is made, unless its name is another's misspelt. */
static int edit_confirm_new(const char *name, struct failure *f)
{
	struct failure why = { 0 };
	struct provider *p;
	char near[NAME_MAX_LEN + 1], question[160];
	bool make = true;

	if (provider_load(name, NULL, &p, &why) == 0)
		provider_free(p);
	if (why.code != FAIL_NO_ENTRY)
		return 0;
	if (!terminal_asks() || !provider_near(name, near)) {
		say("note: there is no provider %s yet; this makes one", name);
		return 0;
	}
	say("there is no provider %s; did you mean %s?", name, near);
	snprintf(question, sizeof(question), "make a new provider %.64s?", name);
	if (terminal_yes(question, &make, f) != 0)
		return -1;
	return make ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

/* Does the file have more than comments?  A person may edit the commented-out lines of
 * the template and wonder why nothing changes. */
static bool edit_has_items(const char *path)
{
	struct ini_file *file;
	bool says = true;
	char *text;
	size_t n;

	if (io_slurp(path, INI_FILE_MAX, &text, &n, NULL) != 0)
		return true;
	if (ini_file_parse(path, text, n, &file, NULL) == 0) {
		says = file->items > 0;
		ini_file_free(file);
	}
	free(text);
	return says;
}

int verb_edit(struct client *c, int argc, char **argv, struct failure *f)
{
	struct wanted before[SESSION_ENTRIES_MAX], now[SESSION_ENTRIES_MAX];
	static struct file_edit e;
	int n, m, r;

	(void)c;
	if (no_options(argc, argv, f) != 0 || require_words(argc, argv, 1, f) != 0)
		return -1;
	if (!wire_name_ok(argv[optind]))
		return fail_set(f, FAIL_USAGE, "ccctl list --all shows the providers",
				"not a provider's name");
	snprintf(e.name, sizeof(e.name), "%s", argv[optind]);
	if (!getenv("VISUAL") && !getenv("EDITOR") && !terminal_asks())
		return fail_set(f, FAIL_USAGE, "EDITOR=... ccctl edit",
				"there is no terminal for an editor");
	n = edit_wanted(e.name, before);
	if (edit_confirm_new(e.name, f) != 0)
		return -1;
	r = edit_begin(&e, f);
	if (r == 0)
		r = edit_until_valid(&e, f);
	if (e.copy[0] && !e.keep)
		unlink(e.copy);
	free(e.old);
	if (r < 0)
		return -1;
	m = edit_wanted(e.name, now);
	say(!r ? "%s is as it was" : e.there ? "%s is changed" : "%s is made", e.path);
	if (r)
		edit_say_note(e.name);
	if (r && n < 0 && m > 0)
		say("its first start asks for the key: ccrun %s", e.name);
	if (r && !edit_has_items(e.path))
		say("note: it has only comments, so nothing changes; remove the ; from the lines "
		    "that you want, and from the [section] above them");
	if (r && n > 0 && (m != n || memcmp(before, now, (size_t)n * sizeof(*now)) != 0))
		say("note: its key is sealed to what was there before; if you meant to change "
		    "that: ccctl approve %s",
		    e.name);
	return EXIT_DONE;
}
