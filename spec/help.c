/*
 * spec/help.c - usage lines and lists of options, for a terminal of 80 columns.
 */
#include <stdbool.h>
#include <string.h>

#include "spec/spec.h"

#define COLUMNS 79
#define OPTION_COLUMN 27 /* where the words about an option begin */

/* How much of a form stays on one line: to a blank outside brackets, if that fits. */
static size_t form_part(const char *form, size_t room)
{
	size_t i, blank = 0;
	int depth = 0;

	for (i = 0; form[i]; i++) {
		depth += form[i] == '[';
		depth -= form[i] == ']';
		if (form[i] != ' ')
			continue;
		/* An option and its argument, an argument and its "...", stay together. */
		if (depth == 0 && form[i + 1] != '.')
			return i;
		if (i > room)
			return blank ? blank : i;
		blank = i;
	}
	return i <= room || !blank ? i : blank;
}

static void form_print(FILE *out, const char *form, unsigned indent)
{
	unsigned at = indent;
	size_t n;

	while (*form) {
		n = form_part(form, COLUMNS - indent - 1);
		if (at + 1 + n > COLUMNS && at > indent) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		}
		fprintf(out, " %.*s", (int)n, form);
		at += 1 + (unsigned)n;
		form += n;
		form += *form == ' ';
	}
	putc('\n', out);
}

void spec_print_forms(FILE *out, const char *program, const char *verb, const char *const *forms)
{
	unsigned indent = (unsigned)(7 + strlen(program) + (verb ? 1 + strlen(verb) : 0));
	unsigned i;

	for (i = 0; i < SPEC_FORMS && forms[i]; i++) {
		fprintf(out, "%-7s%s%s%s", i == 0 ? "usage:" : "", program, verb ? " " : "",
			verb ? verb : "");
		form_print(out, forms[i], indent);
	}
}

void spec_print_wrapped(FILE *out, const char *text, unsigned at, unsigned indent)
{
	bool first = true;
	size_t n;

	for (; *text; text += text[n] ? n + 1 : n, first = false) {
		n = strcspn(text, " ");
		if (!first && at + 1 + n > COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			putc(' ', out);
			at++;
		}
		fwrite(text, 1, n, out);
		at += (unsigned)n;
	}
	putc('\n', out);
}

void spec_print_options(FILE *out, const struct option_spec *options)
{
	const struct option_spec *o;
	char name[64], letter[3] = "-";
	unsigned at;

	for (o = options; o->name || o->letter; o++) {
		if (!o->what)
			continue;
		letter[1] = o->letter;
		snprintf(name, sizeof(name), "%s%s%s%s%s%s", o->letter ? letter : "",
			 o->letter && o->name ? ", " : "", o->name ? "--" : "",
			 o->name ? o->name : "", o->argument ? " " : "",
			 o->argument ? o->argument : "");
		at = (unsigned)fprintf(out, "  %-*s", OPTION_COLUMN - 2, name);
		if (at > OPTION_COLUMN) {
			fprintf(out, "\n%*s", OPTION_COLUMN, "");
			at = OPTION_COLUMN;
		}
		spec_print_wrapped(out, o->what, at, OPTION_COLUMN);
	}
}
