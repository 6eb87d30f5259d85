/*
 * statusline/main.c - ccrun-statusline, Claude Code's status line command: reads
 * the client's JSON on standard input and prints one line.
 *
 * It runs inside the session and is marked (base/proc.h) like every process there:
 * the broker gives it numbers, never a secret.  It prints a line and exits with 0
 * whatever fails, since the client shows nothing otherwise.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/number.h"
#include "spec/spec.h"
#include "statusline/line.h"
#include "statusline/cells.h"
#include "config/ini/ini_file.h"
#include "config/settings/ccrun_conf.h"

#define INPUT_MS 1000 /* the client writes at once and closes the pipe */
#define BROKER_MS 150 /* it answers within 1 ms, if it does not hang */
#define OUTPUT_MS 1000
#define COLUMNS_MOST 1000 /* a larger COLUMNS is taken for none */

/* Static, not on the heap: no line fails for want of memory. */
static struct facts facts;
static struct status_line line;
static char bytes[LINE_BYTES], input[INPUT_MAX];
static char mistake[32];

/* mistake = "ccrun.conf:3?" for a failure "/home/u/.config/ccrun/ccrun.conf:3: ...". */
static void set_mistake(const struct failure *f)
{
	static const char name[] = "ccrun.conf";
	const char *at = strstr(f->what, name);
	int line_number;

	if (at && sscanf(at + strlen(name), ":%9d:", &line_number) == 1 && line_number > 0)
		snprintf(mistake, sizeof(mistake), "%s:%d?", name, line_number);
	else
		snprintf(mistake, sizeof(mistake), "%s?", name);
}

static void facts_read_settings(struct statusline_conf *s)
{
	struct failure f = { 0 };
	struct ini_file *file;
	int r;

	statusline_conf_default(s);
	r = ccrun_conf_read(&file, &f);
	if (r == INI_FAILED || (r == INI_READ && statusline_conf_read(file, s, &f) != 0))
		set_mistake(&f);
	ini_file_free(file);
}

static void facts_read_git(struct facts *k)
{
	struct git_query look = {
		.dir = k->input.dir,
		.want_dirty = k->settings.dirty,
		.budget_ms = (int)k->settings.dirty_ms,
	};
	char here[INPUT_PATH];

	if (!part_is_shown(&k->settings, PART_BRANCH) && !part_is_shown(&k->settings, PART_REPO))
		return;
	if (!look.dir[0])
		look.dir = getcwd(here, sizeof(here));
	if (look.dir && look.dir[0] == '/')
		git_status_read(&look, &k->git);
}

static unsigned line_columns(const struct statusline_conf *s)
{
	const char *v = getenv("COLUMNS");
	unsigned long n;

	if (s->width)
		return s->width;
	return v && number_parse(v, 0, COLUMNS_MOST, &n) ? (unsigned)n : 0;
}

static bool output_is_plain(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (no && no[0]) || (term && strcmp(term, "dumb") == 0);
}

static void facts_collect(struct facts *k)
{
	const char *pinned = getenv("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST");
	size_t n = 0;

	facts_read_settings(&k->settings);
	k->mistake = mistake;
	/* Tried out on a terminal, it gets no input. */
	if (!isatty(STDIN_FILENO))
		n = client_input_read(STDIN_FILENO, input, clock_now_ms() + INPUT_MS);
	client_input_parse(input, n, &k->input);
	session_provider_find(&k->provider);
	k->redirect = redirect_detect(k->input.project, pinned && pinned[0]);
	if (part_is_shown(&k->settings, PART_QUOTA))
		quota_read(&k->input, &k->provider, BROKER_MS, &k->quota);
	if (part_is_shown(&k->settings, PART_SPENT))
		session_spending_read(&k->provider, BROKER_MS, &k->spending);
	facts_read_git(k);
	k->now = (int64_t)time(NULL);
}

static int print_usage(const char *word)
{
	const struct option_spec *o = option_spec_find(spec_statusline.options, word);

	if (o && o->id == OPTION_VERSION) {
		puts("ccrun-statusline " CCRUN_VERSION);
		return 0;
	}
	spec_print_forms(o ? stdout : stderr, "ccrun-statusline", NULL, spec_statusline.forms);
	fputs("Claude Code's status line: set it with ccctl statusline install.\n",
	      o ? stdout : stderr);
	return o ? 0 : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
	size_t n;

	signal(SIGPIPE, SIG_IGN);
	io_open_standard_streams();
	if (argc > 1)
		return print_usage(argv[1]);
	/* Without a seed jansson calls getrandom(2); AT_RANDOM saves that. */
	if (random)
		json_object_seed((size_t)random[0] << 16 | (size_t)random[1] << 8 | random[2] |
				 1 << 24);
	facts_collect(&facts);
	cells_make(&facts, &line);
	line_fit(&line, line_columns(&facts.settings));
	n = line_format(&line, output_is_plain(), bytes);
	io_write_all(STDOUT_FILENO, bytes, n, clock_now_ms() + OUTPUT_MS);
	return 0;
}
