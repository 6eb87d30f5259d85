/*
 * spec/print/main.c - the table as text, for tools/docs: a row a line, its cells between tabs.
 */
#include "spec/spec.h"

static const char *text(const char *s)
{
	return s ? s : "";
}

static void print_options(const char *program, const char *verb, const struct option_spec *o)
{
	for (; o->name || o->letter; o++)
		printf("option\t%s\t%s\t%s%s\t%.1s\t%s\t%s\n", program, verb, o->name ? "--" : "",
		       text(o->name), o->letter ? &o->letter : "", text(o->argument),
		       text(o->what));
}

static void print_forms(const char *program, const char *verb, const char *const *forms)
{
	unsigned i;

	for (i = 0; i < SPEC_FORMS && forms[i]; i++)
		printf("form\t%s\t%s\t%s\n", program, verb, forms[i]);
}

static void print_program(const struct program_spec *p)
{
	print_forms(p->name, "", p->forms);
	print_options(p->name, "", p->options);
}

int main(void)
{
	const struct placeholder_spec *p;
	const struct verb_spec *v;
	const struct exit_spec *e;

	for (v = spec_verbs; v->name; v++) {
		printf("verb\tccctl\t%s\t%s\t%s\n", v->name,
		       v->flags & VERB_ANYWHERE ? "anywhere" : "", text(v->what));
		print_forms("ccctl", v->name, v->forms);
		print_options("ccctl", v->name, v->options);
	}
	print_program(&spec_ccctl);
	print_program(&spec_ccrun);
	print_program(&spec_broker);
	print_program(&spec_statusline);
	for (p = spec_placeholders; p->name; p++)
		printf("placeholder\t%s\t%s\n", p->name, p->what);
	for (e = spec_exits; e->program; e++)
		printf("exit\t%s\t%d\t%s\n", e->program, e->code, e->what);
	return ferror(stdout) || fflush(stdout) != 0;
}
