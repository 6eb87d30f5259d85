/*
 * client/doctor.c - ccctl doctor: what somebody who knows ccrun would say of this machine.  It
 * changes nothing, starts no broker, and asks for no passphrase.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/proc.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/doctor/checks.h"
#include "client/verbs.h"
#include "json/output.h"

#define INDENT 30 /* columns before a text */
#define REPORT_TEXT (sizeof(((struct failure *)0)->hint) + sizeof("hint: "))

static const char *const state_names[] = {
	[CHECK_OK] = "ok",
	[CHECK_ADVICE] = "advice",
	[CHECK_BROKEN] = "broken",
};

/* On a terminal, what is looked at: some takes seconds.  NULL: no more. */
static void doctor_say(const char *name)
{
	const char *term = getenv("TERM");

	if (!isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0)
		return;
	fputs("\r\033[K", stderr);
	if (name)
		fprintf(stderr, "ccctl: looking at %s", name);
	fflush(stderr);
}

static void doctor_begin(struct checkup *d, struct client *c)
{
	d->c = c;
	d->marked = proc_self_marked();
	kernel_facts_read(&d->kernel);
	if (broker_facts_read(c, &d->broker, &d->broker_why) == 0)
		d->broker_why.code = FAIL_NONE;
	else
		memset(&d->broker, 0, sizeof(d->broker));
}

/* The worst first; of one kind in the order of the table. */
static int finding_compare(const void *x, const void *y)
{
	const struct finding *a = x, *b = y;

	if (a->state != b->state)
		return a->state > b->state ? -1 : 1;
	if (a->check != b->check)
		return a->check < b->check ? -1 : 1;
	return a < b ? -1 : 1;
}

/* Where there is no room to break lines in, they stay whole. */
static int report_width(void)
{
	int width = terminal_width();

	return width > 2 * INDENT ? width : 0;
}

/* The bytes up to the next blank that stands in no quotes of a shell's (base/shell_word.h). */
static size_t word_span(const char *text)
{
	const char *p, *end;

	for (p = text; *p && *p != ' '; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '\'' && (p == text || !isalnum((unsigned char)p[-1])) &&
			 (end = strchr(p + 1, '\'')) != NULL)
			p = end;
	}
	return (size_t)(p - text);
}

/*
 * What no line break may come into: a word, and in a hint the paths behind it.  Where a command is pasted
 * as it stands in two lines, its path would be the next command.
 */
static size_t unbroken_span(const char *text, bool hint)
{
	size_t n;

	if (!hint)
		return strcspn(text, " ");
	n = word_span(text);
	while (text[n] == ' ' && text[n + 1] && strchr("/'~.", text[n + 1]))
		n += 1 + word_span(text + n + 1);
	return n;
}

/* From column INDENT on, broken between words where it is wider than that. */
static void put_words(const char *text, bool hint, int width)
{
	char word[REPORT_TEXT];
	int at = INDENT, cells;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		snprintf(word, sizeof(word), "%.*s", (int)unbroken_span(text, hint), text);
		text += strlen(word);
		cells = cell_width(word, 0);
		if (at > INDENT && width && at + 1 + cells > width) {
			printf("\n%*s", INDENT, "");
			at = INDENT;
		} else if (at > INDENT) {
			putchar(' ');
			at++;
		}
		put_foreign(word);
		at += cells;
	}
	putchar('\n');
}

/* Of those that are well, how many a terminal has no room for: what is wrong stands first, and would
 * have left the screen by the time that all is well is said for the fortieth time. */
static unsigned doctor_count_hidden(const struct checkup *d)
{
	int rows = terminal_rows();
	unsigned wrong = 0;

	while (wrong < d->n && d->finding[wrong].state != CHECK_OK)
		wrong++;
	return rows > 0 && wrong > 0 && d->n + wrong + 2 > (unsigned)rows ? d->n - wrong : 0;
}

static void doctor_say_sum(const struct checkup *d, unsigned hidden)
{
	unsigned count[CHECK_BROKEN + 1] = { 0 }, i;

	for (i = 0; i < d->n; i++)
		count[d->finding[i].state]++;
	fflush(stdout);
	if (d->n == count[CHECK_OK])
		say("nothing is wrong");
	else if (hidden)
		say("%u broken, %u with advice; %u more are ok: ccctl doctor | less",
		    count[CHECK_BROKEN], count[CHECK_ADVICE], hidden);
	else
		say("%u broken, %u with advice: they stand first, above", count[CHECK_BROKEN],
		    count[CHECK_ADVICE]);
}

static void doctor_print_text(const struct checkup *d)
{
	static const char *const words[] = { "ok", "advice", "BROKEN" };
	char hint[REPORT_TEXT];
	unsigned i, hidden = doctor_count_hidden(d);
	int width = report_width();
	const struct finding *at;

	if (d->marked)
		say("inside a session: what only a person may ask is left out");
	for (i = 0; i < d->n - hidden; i++) {
		at = &d->finding[i];
		printf("%-8s%-*s", words[at->state], INDENT - 8, at->check->name);
		put_words(at->said.what, false, width);
		if (!at->said.hint[0] || at->state == CHECK_OK)
			continue;
		printf("%-*s", INDENT, "");
		snprintf(hint, sizeof(hint), "hint: %s", at->said.hint);
		put_words(hint, true, width);
	}
	if (terminal_width() > 0)
		doctor_say_sum(d, hidden);
}

static int doctor_print_json(const struct checkup *d, struct failure *f)
{
	struct json_t *a = js_array(), *o;
	unsigned i;

	for (i = 0; i < d->n; i++) {
		o = js_object();
		js_text(o, "check", d->finding[i].check->name);
		js_text(o, "state", state_names[d->finding[i].state]);
		js_text(o, "what", d->finding[i].said.what);
		js_text(o, "hint", d->finding[i].said.hint[0] ? d->finding[i].said.hint : NULL);
		js_append(a, o);
	}
	return js_print(a, f);
}

int verb_doctor(struct client *c, int argc, char **argv, struct failure *f)
{
	static struct checkup d; /* a page for each finding: not on the stack */
	bool json;
	unsigned i;

	if (json_option(argc, argv, &json, f) != 0 || require_words(argc, argv, 0, f) != 0)
		return -1;
	doctor_begin(&d, c);
	for (i = 0; i < checks_count; i++) {
		d.at = &checks[i];
		doctor_say(checks[i].name);
		checks[i].run(&d);
	}
	doctor_say(NULL);
	qsort(d.finding, d.n, sizeof(d.finding[0]), finding_compare);
	if (json && doctor_print_json(&d, f) != 0)
		return -1;
	if (!json)
		doctor_print_text(&d);
	/* As the states are numbered: nothing to do, advice, broken. */
	return d.n ? (int)d.finding[0].state : EXIT_DONE;
}
