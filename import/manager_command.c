/*
 * import/manager_command.c - $(...): which manager it asks, and for what.  Only
 * forms that we know to the last word become references; whatever else there
 * is stays unknown, and is named.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "import/shell_lex.h"
#include "import/assignments.h"

#define ARGS_MAX 24
#define ARG_ROOM 512
#define REF_MAX 512

/* A pipeline of at most two commands, each word a text. */
struct command {
	char arg[2][ARGS_MAX][ARG_ROOM];
	unsigned n[2], stage;
	char input[ARG_ROOM]; /* < FILE */
	bool ended;	      /* by a ; */
	bool odd;	      /* something that we do not know */
};

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void take(struct command *c, const struct wording *w, const struct lex *x)
{
	char *to = c->input;
	struct value v;

	if (c->n[c->stage] == ARGS_MAX) {
		c->odd = true;
		return;
	}
	to = c->arg[c->stage][c->n[c->stage]++];
	word_value(w, x->start, x->stop, to, ARG_ROOM - 1, &v);
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

/* `<` FILE is the input; 2>/dev/null is nothing to us. */
static void redirect(struct command *c, const struct wording *w, struct lex *x)
{
	bool in = lex_is(x, "<");
	unsigned n = c->n[c->stage];

	if (!in && !lex_is(x, ">") && !lex_is(x, ">&") && !lex_is(x, "&>"))
		c->odd = true;
	/* the descriptor before it was taken for a word */
	if (!in && n > 0 && x->start > 0 && is(c->arg[c->stage][n - 1], "2") && x->text[x->start - 1] == '2')
		n--;
	if (lex_next(x) != TOKEN_WORD) {
		c->odd = true;
		return;
	}
	take(c, w, x);
	if (in && c->n[c->stage] > n)
		memcpy(c->input, c->arg[c->stage][n], ARG_ROOM);
	c->n[c->stage] = n;
}

static void parse(struct command *c, const struct wording *w, size_t at, size_t end)
{
	struct lex x;
	enum token t;

	lex_begin(&x, w->text, at, end, w->fish);
	while (!c->odd && (t = lex_next(&x)) != TOKEN_END) {
		if (t == TOKEN_COMMENT)
			continue;
		if (t == TOKEN_NEWLINE || lex_is(&x, ";"))
			c->ended = c->n[0] > 0;
		else if (c->ended)
			c->odd = true;
		else if (t == TOKEN_WORD)
			take(c, w, &x);
		else if (t == TOKEN_OP && (strchr("<>&", w->text[x.start])))
			redirect(c, w, &x);
		else if (t == TOKEN_OP && lex_is(&x, "||"))
			return; /* what is to happen when it fails */
		else if (t == TOKEN_OP && lex_is(&x, "|") && c->stage == 0)
			c->stage = 1;
		else
			c->odd = true;
	}
}

/* The value of an option, given as "--o V" or "--o=V", and taken out. */
static bool option(struct command *c, const char *name, char out[ARG_ROOM])
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
		memmove(c->arg[0][i], c->arg[0][i + gone], (c->n[0] - i - gone) * ARG_ROOM);
		c->n[0] -= gone;
		return true;
	}
	out[0] = '\0';
	return false;
}

/* A word of its own, taken out. */
static bool flag(struct command *c, const char *name)
{
	unsigned i;

	for (i = 1; i < c->n[0]; i++) {
		if (!is(c->arg[0][i], name))
			continue;
		memmove(c->arg[0][i], c->arg[0][i + 1], (c->n[0] - i - 1) * ARG_ROOM);
		c->n[0]--;
		return true;
	}
	return false;
}

static bool words_are(const struct command *c, unsigned n, const char *second, const char *third)
{
	return c->n[0] == n && (!second || is(c->arg[0][1], second)) && (!third || is(c->arg[0][2], third));
}

/* What follows the pipe takes nothing but a line, or a field of JSON. */
static bool tail(struct command *c, char field[ARG_ROOM])
{
	char(*a)[ARG_ROOM] = c->arg[1];
	unsigned n = c->n[1];

	field[0] = '\0';
	if (n == 0)
		return true;
	if (is(a[0], "head"))
		return (n == 2 && (is(a[1], "-1") || is(a[1], "-n1"))) || (n == 3 && is(a[1], "-n") && is(a[2], "1"));
	if (is(a[0], "tr"))
		return n == 3 && is(a[1], "-d") && (is(a[2], "\\n") || is(a[2], "\\r\\n"));
	if (is(a[0], "sed"))
		return n == 3 && is(a[1], "-n") && is(a[2], "1p");
	if (is(a[0], "jq") && n == 3 && is(a[1], "-r") && a[2][0] == '.' && a[2][1]) {
		memmove(field, a[2] + 1, strlen(a[2]));
		return strpbrk(field, " |[]()\"'?*") == NULL;
	}
	return false;
}

static bool source(struct value *v, char *out, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static bool source(struct value *v, char *out, size_t room, const char *fmt, ...)
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

/* As command: takes it: words with what is special in quotes. */
static bool by_command(const struct command *c, struct value *v, char *out, size_t room)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
	const char *p;
	size_t n = 0;
	unsigned i;

	if (room < 2 * REF_MAX || c->n[1] > 0)
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

static bool one_password(struct command *c, struct value *v, char *out, size_t room)
{
	static char vault[ARG_ROOM], field[ARG_ROOM];
	static struct command whole;
	const char *name;

	whole = *c;
	flag(c, "--no-newline");
	flag(c, "-n");
	if (words_are(c, 3, "read", NULL) && strncmp(c->arg[0][2], "op://", 5) == 0)
		return source(v, out, room, "%s", c->arg[0][2]);
	flag(c, "--reveal");
	if (!option(c, "--fields", field))
		option(c, "--field", field);
	option(c, "--vault", vault);
	name = strncmp(field, "label=", 6) == 0 ? field + 6 : field;
	if (words_are(c, 4, "item", "get") && vault[0] && name[0] && !strpbrk(name, ",=/") &&
	    !strchr(c->arg[0][3], '/') && !strchr(vault, '/'))
		return source(v, out, room, "op://%s/%s/%s", vault, c->arg[0][3], name);
	/* another account, no vault: op itself knows what that means */
	return (is(whole.arg[0][1], "item") || is(whole.arg[0][1], "read")) && by_command(&whole, v, out, room);
}

static bool secret_service(const struct command *c, struct value *v, char *out, size_t room)
{
	size_t n;
	unsigned i;

	if (c->n[0] < 4 || c->n[0] % 2 || !is(c->arg[0][1], "lookup") ||
	    !source(v, out, room, "secret-service:%s=%s", c->arg[0][2], c->arg[0][3]))
		return false;
	for (i = 2; i < c->n[0]; i++)
		if (strpbrk(c->arg[0][i], "=,"))
			return by_command(c, v, out, room);
	for (i = 4; i < c->n[0]; i += 2) {
		n = strlen(out);
		snprintf(out + n, room - n, ",%s=%s", c->arg[0][i], c->arg[0][i + 1]);
	}
	v->n = strlen(out);
	return v->n <= REF_MAX;
}

static bool aws(struct command *c, const char *field, struct value *v, char *out, size_t room)
{
	static char id[ARG_ROOM], skip[ARG_ROOM];
	static struct command whole;

	whole = *c;
	option(c, "--query", skip);
	if (skip[0] && !is(skip, "SecretString"))
		return false;
	option(c, "--output", skip);
	if (option(c, "--secret-id", id) && words_are(c, 3, "secretsmanager", "get-secret-value"))
		return source(v, out, room, "aws-sm:%s%s%s", id, field[0] ? "#" : "", field);
	return by_command(&whole, v, out, room);
}

static bool gpg(struct command *c, struct value *v, char *out, size_t room)
{
	unsigned i;

	for (i = 1; i + 1 < c->n[0]; i++)
		if (!is(c->arg[0][i], "-d") && !is(c->arg[0][i], "-dq") && !is(c->arg[0][i], "-qd") &&
		    !is(c->arg[0][i], "-q") && !is(c->arg[0][i], "--quiet") && !is(c->arg[0][i], "--batch") &&
		    !is(c->arg[0][i], "--decrypt") && !is(c->arg[0][i], "--no-tty"))
			return by_command(c, v, out, room);
	return c->n[0] > 2 && source(v, out, room, "gpg:%s", c->arg[0][c->n[0] - 1]);
}

static bool manager(struct command *c, const char *field, struct value *v, char *out, size_t room)
{
	static char want[ARG_ROOM];
	const char *name = c->arg[0][0];

	if (is(name, "aws"))
		return aws(c, field, v, out, room);
	if (is(name, "bw") && words_are(c, 4, "get", "item") && is(field, "login.password"))
		return source(v, out, room, "bw:%s", c->arg[0][3]);
	if (field[0])
		return false;
	if (is(name, "op"))
		return one_password(c, v, out, room);
	if (is(name, "pass") && words_are(c, 3, "show", NULL))
		return source(v, out, room, "pass:%s", c->arg[0][2]);
	if (is(name, "pass") && c->n[0] == 2 && c->arg[0][1][0] != '-')
		return source(v, out, room, "pass:%s", c->arg[0][1]);
	if (is(name, "secret-tool"))
		return secret_service(c, v, out, room);
	if (is(name, "gpg") || is(name, "gpg2"))
		return gpg(c, v, out, room);
	if (is(name, "rbw") && words_are(c, 3, "get", NULL))
		return source(v, out, room, "rbw:%s", c->arg[0][2]);
	if (is(name, "bw") && words_are(c, 4, "get", "password"))
		return source(v, out, room, "bw:%s", c->arg[0][3]);
	if ((is(name, "vault") || is(name, "bao")) && option(c, "-field", want) &&
	    words_are(c, 4, "kv", "get"))
		return source(v, out, room, "vault:%s#%s", c->arg[0][3], want);
	if (is(name, "rbw") || is(name, "keepassxc-cli"))
		return by_command(c, v, out, room);
	return false;
}

/* cat FILE, < FILE, echo WORD. */
static bool plain(const struct command *c, const char *field, struct value *v, char *out, size_t room)
{
	const char *from = NULL;
	unsigned n = c->n[0];

	if (field[0])
		return false;
	if (n == 2 && is(c->arg[0][0], "cat") && c->arg[0][1][0] != '-')
		from = c->arg[0][1];
	else if (c->input[0] && (n == 0 || (n == 1 && is(c->arg[0][0], "cat"))))
		from = c->input;
	v->kind = VALUE_FILE;
	if (!from && n > 1 && (is(c->arg[0][0], "echo") || is(c->arg[0][0], "printf"))) {
		v->kind = VALUE_LITERAL;
		if (n == 2 || (n == 3 && (is(c->arg[0][1], "-n") || is(c->arg[0][1], "%s") || is(c->arg[0][1], "%s\\n"))))
			from = c->arg[0][n - 1];
	}
	if (!from || !from[0] || strlen(from) >= room)
		return false;
	v->p = out;
	v->n = strlen(from);
	memcpy(out, from, v->n + 1);
	return true;
}

void substitution_value(const struct wording *w, size_t at, size_t end, char *out, size_t room,
		   struct value *v)
{
	/* ccctl has one thread; echo's word may be a secret, so it is wiped. */
	static struct command c;
	char field[ARG_ROOM];
	bool known = false;

	memset(&c, 0, sizeof(c));
	parse(&c, w, at, end);
	v->p = out;
	v->n = 0;
	if (!c.odd && (c.n[0] > 0 || c.input[0]) && tail(&c, field))
		known = plain(&c, field, v, out, room) || manager(&c, field, v, out, room);
	if (!known) {
		v->kind = VALUE_DYNAMIC;
		v->n = 0;
	}
	explicit_bzero(&c, sizeof(c));
}
