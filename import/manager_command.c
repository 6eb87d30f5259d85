/*
 * import/manager_command.c - $(...): which password manager it asks, and for what.
 * Only commands that are known to the last word become references; any other is
 * VALUE_DYNAMIC, and the user is told.
 */
#include "import/manager_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "import/manager_words.h"
#include "import/shell_lex.h"

#define ARGS_MAX 24
#define ARG_ROOM MANAGER_ARG_ROOM
#define REF_MAX 512

/* A pipeline of at most two commands, each word's value as text. */
struct command {
	char arg[2][ARGS_MAX][ARG_ROOM];
	unsigned n[2], stage;
	char input[ARG_ROOM]; /* < FILE */
	bool ended;	      /* by a ; */
	bool odd;	      /* it has something that is not known */
};

static bool text_equals(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void command_add_word(struct command *c, const struct shell_text *w, const struct lex *x)
{
	char *to = c->input;
	struct value v;

	if (c->n[c->stage] == ARGS_MAX) {
		c->odd = true;
		return;
	}
	to = c->arg[c->stage][c->n[c->stage]++];
	shell_word_value(w, x->start, x->stop, to, ARG_ROOM - 1, &v);
	if (v.kind == VALUE_NAME) {
		const char *p;
		size_t n;

		v.kind = VALUE_DYNAMIC;
		if (w->known && w->known(w->context, v.name, &p, &n) && n < ARG_ROOM) {
			memcpy(to, p, n);
			v.n = n;
			v.kind = VALUE_LITERAL;
		}
	}
	to[v.n] = '\0';
	c->odd = c->odd || v.kind != VALUE_LITERAL || memchr(to, '\0', v.n) || strchr(to, '\n');
}

/* `<` FILE is the input; 2>/dev/null and its like are ignored. */
static void command_read_redirection(struct command *c, const struct shell_text *w, struct lex *x)
{
	bool in = lex_is(x, "<");
	unsigned n = c->n[c->stage];

	if (!in && !lex_is(x, ">") && !lex_is(x, ">&") && !lex_is(x, "&>"))
		c->odd = true;
	/* The 2 of 2> was lexed as a word of its own. */
	if (!in && n > 0 && x->start > 0 && text_equals(c->arg[c->stage][n - 1], "2") &&
	    x->text[x->start - 1] == '2')
		n--;
	if (lex_next(x) != LEX_WORD) {
		c->odd = true;
		return;
	}
	command_add_word(c, w, x);
	if (in && c->n[c->stage] > n)
		memcpy(c->input, c->arg[c->stage][n], ARG_ROOM);
	c->n[c->stage] = n;
}

static void command_parse(struct command *c, const struct shell_text *w, size_t at, size_t end)
{
	struct lex x;
	enum lexeme t;

	lex_begin(&x, w->text, at, end, w->fish);
	while (!c->odd && (t = lex_next(&x)) != LEX_END) {
		if (t == LEX_COMMENT)
			continue;
		if (t == LEX_NEWLINE || lex_is(&x, ";"))
			c->ended = c->n[0] > 0;
		else if (c->ended)
			c->odd = true;
		else if (t == LEX_WORD)
			command_add_word(c, w, &x);
		else if (t == LEX_OP && (strchr("<>&", w->text[x.start])))
			command_read_redirection(c, w, &x);
		else if (t == LEX_OP && lex_is(&x, "||"))
			return; /* What follows is for when it fails. */
		else if (t == LEX_OP && lex_is(&x, "|") && c->stage == 0)
			c->stage = 1;
		else
			c->odd = true;
	}
}

/* Take an option out of the words ("--o V" or "--o=V"), with its value. */
static bool command_take_option(struct command *c, const char *name, char out[ARG_ROOM])
{
	size_t n = strlen(name);
	unsigned i, gone;

	for (i = 1; i < c->n[0]; i++) {
		if (strncmp(c->arg[0][i], name, n) != 0)
			continue;
		if (c->arg[0][i][n] == '=')
			memmove(out, c->arg[0][i] + n + 1, strlen(c->arg[0][i] + n));
		else if (c->arg[0][i][n] == '\0' && i + 1 < c->n[0])
			memcpy(out, c->arg[0][i + 1], ARG_ROOM);
		else
			continue;
		gone = c->arg[0][i][n] == '=' ? 1 : 2;
		memmove(c->arg[0][i], c->arg[0][i + gone], (size_t)(c->n[0] - i - gone) * ARG_ROOM);
		c->n[0] -= gone;
		return true;
	}
	out[0] = '\0';
	return false;
}

/* Take a word out, if it is there. */
static bool command_take_flag(struct command *c, const char *name)
{
	unsigned i;

	for (i = 1; i < c->n[0]; i++) {
		if (!text_equals(c->arg[0][i], name))
			continue;
		memmove(c->arg[0][i], c->arg[0][i + 1], (size_t)(c->n[0] - i - 1) * ARG_ROOM);
		c->n[0]--;
		return true;
	}
	return false;
}

static bool command_words_are(const struct command *c, unsigned n, const char *second,
			      const char *third)
{
	return c->n[0] == n && (!second || text_equals(c->arg[0][1], second)) &&
	       (!third || text_equals(c->arg[0][2], third));
}

/* Does the command behind the pipe only select a line, or a field of JSON? */
static bool filter_is_harmless(struct command *c, char field[ARG_ROOM])
{
	char(*a)[ARG_ROOM] = c->arg[1];
	unsigned n = c->n[1];

	field[0] = '\0';
	if (n == 0)
		return true;
	if (text_equals(a[0], "head"))
		return (n == 2 && (text_equals(a[1], "-1") || text_equals(a[1], "-n1"))) ||
		       (n == 3 && text_equals(a[1], "-n") && text_equals(a[2], "1"));
	if (text_equals(a[0], "tr"))
		return n == 3 && text_equals(a[1], "-d") &&
		       (text_equals(a[2], "\\n") || text_equals(a[2], "\\r\\n"));
	if (text_equals(a[0], "sed"))
		return n == 3 && text_equals(a[1], "-n") && text_equals(a[2], "1p");
	if (text_equals(a[0], "jq") && n == 3 && text_equals(a[1], "-r") && a[2][0] == '.' &&
	    a[2][1]) {
		memmove(field, a[2] + 1, strlen(a[2]));
		return strpbrk(field, " |[]()\"'?*") == NULL;
	}
	return false;
}

static bool value_set_reference(struct value *v, char *out, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static bool value_set_reference(struct value *v, char *out, size_t room, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, room, fmt, ap);
	va_end(ap);
	if (n <= 0 || (size_t)n >= room || n > REF_MAX)
		return false;
	v->kind = VALUE_SOURCE;
	v->n = (size_t)n;
	return true;
}

/* A reference to the whole command: "command:WORD...", words quoted where needed. */
static bool reference_by_command(struct command *c, struct value *v, char *out, size_t room)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
	const char *p;
	size_t n = 0;
	unsigned i;

	if (room < (size_t)2 * REF_MAX || c->n[1] > 0 || !manager_words_known(c->arg[0], c->n[0]))
		return false;
	n = (size_t)snprintf(out, room, "command:");
	for (i = 0; i < c->n[0]; i++) {
		bool quote = !c->arg[0][i][0] || c->arg[0][i][strspn(c->arg[0][i], plain)];

		if (i)
			out[n++] = ' ';
		if (quote)
			out[n++] = '\'';
		for (p = c->arg[0][i]; *p && n < REF_MAX; p++) {
			if (*p == '\'')
				n += (size_t)snprintf(out + n, room - n, "'\\'");
			out[n++] = *p;
		}
		if (quote)
			out[n++] = '\'';
		if (n >= REF_MAX)
			return false;
	}
	out[n] = '\0';
	v->kind = VALUE_SOURCE;
	v->n = n;
	return true;
}

static bool reference_of_op(struct command *c, struct value *v, char *out, size_t room)
{
	static char vault[ARG_ROOM], field[ARG_ROOM];
	static struct command whole;
	const char *name;

	whole = *c;
	command_take_flag(c, "--no-newline");
	command_take_flag(c, "-n");
	if (command_words_are(c, 3, "read", NULL) && strncmp(c->arg[0][2], "op://", 5) == 0)
		return value_set_reference(v, out, room, "%s", c->arg[0][2]);
	command_take_flag(c, "--reveal");
	if (!command_take_option(c, "--fields", field))
		command_take_option(c, "--field", field);
	command_take_option(c, "--vault", vault);
	name = strncmp(field, "label=", 6) == 0 ? field + 6 : field;
	if (command_words_are(c, 4, "item", "get") && vault[0] && name[0] &&
	    !strpbrk(name, ",=/") && !strchr(c->arg[0][3], '/') && !strchr(vault, '/'))
		return value_set_reference(v, out, room, "op://%s/%s/%s", vault, c->arg[0][3],
					   name);
	/* Another account, or no vault: op itself resolves that. */
	return reference_by_command(&whole, v, out, room);
}

static bool reference_of_secret_tool(struct command *c, struct value *v, char *out, size_t room)
{
	size_t n;
	unsigned i;

	if (c->n[0] < 4 || c->n[0] % 2 || !text_equals(c->arg[0][1], "lookup") ||
	    !value_set_reference(v, out, room, "secret-service:%s=%s", c->arg[0][2], c->arg[0][3]))
		return false;
	for (i = 2; i < c->n[0]; i++)
		if (strpbrk(c->arg[0][i], "=,"))
			return reference_by_command(c, v, out, room);
	for (i = 4; i < c->n[0]; i += 2) {
		n = strlen(out);
		snprintf(out + n, room - n, ",%s=%s", c->arg[0][i], c->arg[0][i + 1]);
	}
	v->n = strlen(out);
	return v->n <= REF_MAX;
}

static bool reference_of_aws(struct command *c, const char *field, struct value *v, char *out,
			     size_t room)
{
	static char id[ARG_ROOM], skip[ARG_ROOM];
	static struct command whole;

	whole = *c;
	command_take_option(c, "--query", skip);
	if (skip[0] && !text_equals(skip, "SecretString"))
		return false;
	command_take_option(c, "--output", skip);
	if (command_take_option(c, "--secret-id", id) &&
	    command_words_are(c, 3, "secretsmanager", "get-secret-value"))
		return value_set_reference(v, out, room, "aws-sm:%s%s%s", id, field[0] ? "#" : "",
					   field);
	return reference_by_command(&whole, v, out, room);
}

static bool reference_of_gpg(struct command *c, struct value *v, char *out, size_t room)
{
	unsigned i;

	for (i = 1; i + 1 < c->n[0]; i++)
		if (!text_equals(c->arg[0][i], "-d") && !text_equals(c->arg[0][i], "-dq") &&
		    !text_equals(c->arg[0][i], "-qd") && !text_equals(c->arg[0][i], "-q") &&
		    !text_equals(c->arg[0][i], "--quiet") &&
		    !text_equals(c->arg[0][i], "--batch") &&
		    !text_equals(c->arg[0][i], "--decrypt") &&
		    !text_equals(c->arg[0][i], "--no-tty"))
			return reference_by_command(c, v, out, room);
	return c->n[0] > 2 && value_set_reference(v, out, room, "gpg:%s", c->arg[0][c->n[0] - 1]);
}

static bool reference_of_manager(struct command *c, const char *field, struct value *v, char *out,
				 size_t room)
{
	static char want[ARG_ROOM];
	const char *name = c->arg[0][0];

	if (text_equals(name, "aws"))
		return reference_of_aws(c, field, v, out, room);
	if (text_equals(name, "bw") && command_words_are(c, 4, "get", "item") &&
	    text_equals(field, "login.password"))
		return value_set_reference(v, out, room, "bw:%s", c->arg[0][3]);
	if (field[0])
		return false;
	if (text_equals(name, "op"))
		return reference_of_op(c, v, out, room);
	if (text_equals(name, "pass") && command_words_are(c, 3, "show", NULL))
		return value_set_reference(v, out, room, "pass:%s", c->arg[0][2]);
	if (text_equals(name, "pass") && c->n[0] == 2 && c->arg[0][1][0] != '-')
		return value_set_reference(v, out, room, "pass:%s", c->arg[0][1]);
	if (text_equals(name, "secret-tool"))
		return reference_of_secret_tool(c, v, out, room);
	if (text_equals(name, "gpg") || text_equals(name, "gpg2"))
		return reference_of_gpg(c, v, out, room);
	if (text_equals(name, "rbw") && command_words_are(c, 3, "get", NULL))
		return value_set_reference(v, out, room, "rbw:%s", c->arg[0][2]);
	if (text_equals(name, "bw") && command_words_are(c, 4, "get", "password"))
		return value_set_reference(v, out, room, "bw:%s", c->arg[0][3]);
	if ((text_equals(name, "vault") || text_equals(name, "bao")) &&
	    command_take_option(c, "-field", want) && command_words_are(c, 4, "kv", "get"))
		return value_set_reference(v, out, room, "vault:%s#%s", c->arg[0][3], want);
	if (text_equals(name, "rbw") || text_equals(name, "keepassxc-cli"))
		return reference_by_command(c, v, out, room);
	return false;
}

/* cat FILE, < FILE, echo WORD. */
static bool value_of_plain_command(const struct command *c, const char *field, struct value *v,
				   char *out, size_t room)
{
	const char *from = NULL;
	unsigned n = c->n[0];

	if (field[0])
		return false;
	if (n == 2 && text_equals(c->arg[0][0], "cat") && c->arg[0][1][0] != '-')
		from = c->arg[0][1];
	else if (c->input[0] && (n == 0 || (n == 1 && text_equals(c->arg[0][0], "cat"))))
		from = c->input;
	v->kind = VALUE_FILE;
	if (!from && n > 1 &&
	    (text_equals(c->arg[0][0], "echo") || text_equals(c->arg[0][0], "printf"))) {
		v->kind = VALUE_LITERAL;
		if (n == 2 || (n == 3 && (text_equals(c->arg[0][1], "-n") ||
					  text_equals(c->arg[0][1], "%s") ||
					  text_equals(c->arg[0][1], "%s\\n"))))
			from = c->arg[0][n - 1];
	}
	if (!from || !from[0] || strlen(from) >= room)
		return false;
	v->p = out;
	v->n = strlen(from);
	memcpy(out, from, v->n + 1);
	return true;
}

void manager_command_value(const struct shell_text *w, size_t at, size_t end, char *out,
			   size_t room, struct value *v)
{
	/* Static: 25 KiB, and there is one thread.  Wiped: a word of echo may be a secret. */
	static struct command c;
	char field[ARG_ROOM];
	bool known = false;

	memset(&c, 0, sizeof(c));
	command_parse(&c, w, at, end);
	v->p = out;
	v->n = 0;
	if (!c.odd && (c.n[0] > 0 || c.input[0]) && filter_is_harmless(&c, field))
		known = value_of_plain_command(&c, field, v, out, room) ||
			reference_of_manager(&c, field, v, out, room);
	if (!known) {
		v->kind = VALUE_DYNAMIC;
		v->n = 0;
	}
	explicit_bzero(&c, sizeof(c));
}
