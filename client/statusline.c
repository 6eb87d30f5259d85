/*
 * client/statusline.c - ccctl statusline: put ccrun-statusline into
 * Claude Code's settings.json, take it out again, show what it prints.
 *
 * It runs inside a session too: settings.json is a file that a session can
 * write in any case, and nothing here comes near a key or the broker.
 */
#include "client/statusline/claude_settings_edit.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/statusline/command.h"
#include "client/statusline/json_text.h"
#include "client/statusline/earlier.h"
#include "client/verbs.h"

static const char member[] = "statusLine";

/* One change of one settings file. */
struct change {
	struct settings s;
	const char *base; /* the text that is edited: the file's, or an empty object */
	size_t base_n;
	struct jt_object top;
	struct jt_edit e;
	json_t *wanted; /* statusLine afterwards; NULL: none */
	char *text;	/* the file afterwards */
	size_t n;
	bool yes;
};

static void change_free(struct change *c)
{
	if (c->text)
		io_wipe(c->text, c->n);
	free(c->text);
	jt_edit_free(&c->e);
	json_decref(c->wanted);
	settings_free(&c->s);
}

/* ---- what is there ---- */

enum whose { NONE, OURS, ANOTHERS };

/* *command: its text, *word: how much of it names the program. */
static enum whose whose(const struct settings *s, const char **command, size_t *word)
{
	const json_t *line = json_object_get(s->root, member);

	*command = json_string_value(json_object_get(line, "command"));
	if (!line)
		return NONE;
	return *command && command_is_ours(*command, word) ? OURS : ANOTHERS;
}

static int look(struct change *c, struct failure *f)
{
	struct settings *s = &c->s;

	c->base = s->text;
	c->base_n = s->n;
	/* No file or nothing in it; a byte order mark stays. */
	if (!s->text || strspn(s->text + s->body, " \t\r\n") == s->n - s->body) {
		c->base = s->body ? "\xef\xbb\xbf{}\n" : "{}\n";
		c->base_n = strlen(c->base);
	}
	if (jt_look(c->base, c->base_n, s->body, member, &c->top) == 0 &&
	    c->top.found == (json_object_get(s->root, member) != NULL))
		return 0;
	return fail_set(f, FAIL_CONFIG, "edit it by hand", "%s could not be edited safely: left as it is", s->path);
}

/* ---- asking and writing ---- */

static int agree(struct change *c, const char *what, struct failure *f)
{
	char question[PATH_SIZE + 64];
	bool yes = false;

	edit_show(&c->s, c->text, c->n);
	if (c->yes)
		return 0;
	if (!terminal_asks()) {
		fail_set(f, FAIL_USAGE, NULL, "nobody is there to say yes: %s is as it was", c->s.path);
		fail_hint(f, "when this is what you want: ccctl statusline %s --yes", what);
		return -1;
	}
	snprintf(question, sizeof(question), "change %.400s?", c->s.path);
	if (terminal_yes(question, &yes, f) != 0)
		return -1;
	return yes ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

/* keep: what to do with the earlier status line, once the copy is made. */
static int carry_out(struct change *c, const char *what, int (*keep)(struct change *, struct failure *),
		     struct failure *f)
{
	char copy[PATH_SIZE + 32] = "", same[PATH_SIZE + 32];
	bool restored;

	c->text = edit_checked(&c->s, c->base, c->base_n, &c->e, c->wanted, &c->n, f);
	if (!c->text || agree(c, what, f) != 0)
		return -1;
	/* A file system's or a user's limit is an error to report, not the end of us. */
	signal(SIGXFSZ, SIG_IGN);
	/* What comes back to what a copy has needs no second one; and that one has
	 * what may be keys, which lie about for nothing then. */
	restored = strcmp(what, "remove") == 0 && settings_backup_find(&c->s, c->text, c->n, same);
	if (!restored && c->s.n > 0 && settings_backup(&c->s, copy, f) != 0)
		return -1;
	if ((keep && keep(c, f) != 0) || settings_write(&c->s, c->text, c->n, f) != 0)
		return -1;
	if (restored && unlink(same) == 0)
		say("it is byte for byte what it was, and the copy of that is gone: %s", same);
	if (copy[0])
		say("the file as it was: %s", copy);
	if (copy[0] && json_object_size(json_object_get(c->s.root, "env")))
		say("note: the copy has what stands in its env, too; ccctl import --scrub takes keys out of both");
	return 0;
}

static int no_memory(struct failure *f)
{
	return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
}

/* ---- install ---- */

static int keep_earlier(struct change *c, struct failure *f)
{
	const struct jt_member *m = &c->top.hit;

	/* NULL forgets one of long ago. */
	return saved_put(c->s.real, c->top.found ? c->base + m->value : NULL, m->value_end - m->value, f);
}

/* Ours, of another place: its program alone is changed, options stay.  1: it is of this place. */
static int renew(struct change *c, const char *command, size_t word, const char *program, struct failure *f)
{
	size_t room = PATH_SIZE + strlen(command);
	struct jt_object line;
	char *now = malloc(room);
	json_t *value = NULL;
	int r = -1;

	if (!now || command_quote(program, now, PATH_SIZE) != 0) {
		free(now);
		return no_memory(f);
	}
	snprintf(now + strlen(now), room - strlen(now), "%s", command + word);
	if (strcmp(now, command) == 0)
		r = 1;
	else if ((value = json_string(now)) && (c->wanted = json_deep_copy(json_object_get(c->s.root, member))) &&
		 json_object_set(c->wanted, "command", value) == 0 &&
		 jt_look(c->base, c->base_n, c->top.hit.value, "command", &line) == 0 && line.found)
		r = jt_put(c->base, c->base_n, &line, "command", value, NULL, 0, &c->e);
	if (r < 0)
		fail_set(f, FAIL_CONFIG, NULL, "%s could not be edited safely: left as it is", c->s.path);
	json_decref(value);
	free(now);
	return r;
}

/* Does a project's settings file here, another one than ours, have a status line? */
static bool has_its_own(const struct settings *s, const char *path)
{
	struct stat mine, theirs;
	json_t *o;
	char *text;
	size_t n;
	bool has;

	if (stat(path, &theirs) != 0 ||
	    (stat(s->path, &mine) == 0 && mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino) ||
	    io_slurp(path, SETTINGS_MAX, &text, &n, NULL) != 0)
		return false;
	o = json_loadb(text, n, 0, NULL);
	io_wipe(text, n); /* its env may hold keys */
	free(text);
	has = json_object_get(o, member) != NULL;
	json_decref(o);
	return has;
}

/* It is in place, and would not be seen all the same. */
static void notes(const struct change *c)
{
	static const char *const nearer[] = { ".claude/settings.local.json", ".claude/settings.json" };
	unsigned i;

	if (json_is_true(json_object_get(c->s.root, "disableAllHooks")))
		say("note: disableAllHooks is set there, which turns every status line off");
	for (i = 0; i < 2; i++)
		if (has_its_own(&c->s, nearer[i]))
			say("note: %s here has a status line of its own, which goes before yours", nearer[i]);
}

static int install(struct change *c, json_t *value, const char *program, struct failure *f)
{
	const char *command;
	size_t word;
	enum whose is;
	int r;

	if (settings_load(&c->s, f) != 0 || settings_may_write(&c->s, f) != 0 || look(c, f) != 0) {
		/* Whatever the reason, a person can still do it. */
		edit_paste(value);
		return -1;
	}
	is = whose(&c->s, &command, &word);
	if (is == OURS) {
		r = renew(c, command, word, program, f);
		if (r == 1)
			say("it is there already: %s", c->s.path);
		if (r != 0)
			return r == 1 ? EXIT_DONE : -1;
		if (carry_out(c, "install", NULL, f) != 0)
			return -1;
		say("%s had another installation's program, and has this one's now", c->s.path);
		return EXIT_DONE;
	}
	if (is == ANOTHERS)
		say("%s has another status line; ccctl statusline remove brings it back", c->s.path);
	c->wanted = json_incref(value);
	if (jt_put(c->base, c->base_n, &c->top, member, value, NULL, 0, &c->e) != 0)
		return no_memory(f);
	if (carry_out(c, "install", keep_earlier, f) != 0)
		return -1;
	say("%s has the status line; a session that runs shows it at its next answer", c->s.path);
	return EXIT_DONE;
}

static int verb_install(struct change *c, struct failure *f)
{
	char program[PATH_SIZE];
	json_t *value;
	int r;

	if (command_program(program, f) != 0)
		return -1;
	value = command_value(program, f);
	if (!value)
		return -1;
	r = install(c, value, program, f);
	if (r == EXIT_DONE)
		notes(c);
	json_decref(value);
	return r;
}

/* ---- remove ---- */

static int take_out(struct change *c, struct failure *f)
{
	char *earlier;
	size_t n;
	int r;

	if (saved_get(c->s.real, &earlier, &n, f) != 0)
		return -1;
	if (earlier) {
		c->wanted = json_loadb(earlier, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		r = c->wanted ? jt_put(c->base, c->base_n, &c->top, member, NULL, earlier, n, &c->e)
			      : fail_set(f, FAIL_CONFIG, NULL, "the earlier status line that was kept is damaged");
	} else {
		r = jt_drop(&c->top, &c->e);
	}
	free(earlier);
	if (r != 0)
		return f->code ? -1 : no_memory(f);
	return carry_out(c, "remove", NULL, f);
}

static int verb_remove(struct change *c, struct failure *f)
{
	const char *command;
	size_t word;

	if (settings_load(&c->s, f) != 0)
		return -1;
	switch (whose(&c->s, &command, &word)) {
	case NONE:
		say("%s has no status line", c->s.path);
		return EXIT_DONE;
	case ANOTHERS:
		return fail_set(f, FAIL_POLICY, "it is not ccrun's to remove",
				"%s has another status line: left as it is", c->s.path);
	case OURS:
		break;
	}
	if (settings_may_write(&c->s, f) != 0 || look(c, f) != 0 || take_out(c, f) != 0)
		return -1;
	say(c->wanted ? "%s has its earlier status line again" : "%s has no status line any more", c->s.path);
	/* It is in the file again.  Kept for longer, it would come back one day. */
	return saved_put(c->s.real, NULL, 0, f) == 0 ? EXIT_DONE : -1;
}

/* ---- the verb ---- */

static const struct option options[] = { { "yes", no_argument, NULL, 'y' },
					 { "width", required_argument, NULL, 'w' },
					 { "input", required_argument, NULL, 'i' },
					 { NULL, 0, NULL, 0 } };

int verb_statusline(struct client *client, int argc, char **argv, struct failure *f)
{
	struct preview p = { NULL, NULL };
	struct change *c;
	bool first = true, yes = false;
	const char *what;
	long width;
	int opt, r;

	(void)client;
	while ((opt = next_option(&first, argc, argv, ":y", options, f)) != -1) {
		if (opt == '?' || (opt == 'w' && number_option(optarg, 1, 10000, "--width", &width, f) != 0))
			return -1;
		if (opt == 'y')
			yes = true;
		else
			*(opt == 'w' ? &p.columns : &p.input) = optarg;
	}
	if (want_words(argc, argv, 1, f) != 0)
		return -1;
	what = argv[optind];
	if (strcmp(what, "preview") == 0 && !yes)
		return statusline_preview(&p, f);
	if (strcmp(what, "preview") == 0 || p.columns || p.input)
		return fail_set(f, FAIL_USAGE, "ccctl help statusline",
				"--width and --input go with preview, --yes with the others");
	if (strcmp(what, "install") != 0 && strcmp(what, "remove") != 0)
		return fail_set(f, FAIL_USAGE, "ccctl help statusline",
				"statusline wants install, remove or preview");
	c = calloc(1, sizeof(*c)); /* two paths: not on the stack */
	if (!c)
		return no_memory(f);
	c->yes = yes;
	r = strcmp(what, "install") == 0 ? verb_install(c, f) : verb_remove(c, f);
	change_free(c);
	free(c);
	return r;
}
