/*
 * statusline/cells.c - the text and the colour of each part of the status line.
 */
#include "statusline/cells.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "display/text.h"

#define NAME_COLUMNS 32 /* of the parts that have no width of their own */

bool part_is_shown(const struct statusline_conf *s, enum status_part part)
{
	unsigned i;

	for (i = 0; i < s->parts; i++)
		if (s->part[i] == part)
			return true;
	return false;
}

/* c may be NULL. */
static void cell_set_suffix(struct cell *c, const char *text, const char *sgr, bool optional)
{
	if (!c)
		return;
	snprintf(c->suffix, sizeof(c->suffix), "%s", text);
	snprintf(c->suffix_sgr, sizeof(c->suffix_sgr), "%s", sgr);
	c->suffix_optional = optional;
}

/* Rounded down, never to more than was used; but 29 may come as 28.999999. */
static unsigned percent_whole(double percent)
{
	return percent >= 999 ? 999 : (unsigned)(percent + 1e-6);
}

static const char *colour_for_percent(const struct facts *k, enum status_part part, double percent,
				      const unsigned at[2])
{
	unsigned n = percent_whole(percent);

	return k->settings.colour[n >= at[1]   ? COLOUR_HIGH
				  : n >= at[0] ? COLOUR_WARN
					       : (unsigned)part];
}

/* ---- the provider, and warnings ---- */

static void add_provider(const struct facts *k, struct status_line *l)
{
	const struct statusline_conf *s = &k->settings;
	const struct session_provider *p = &k->provider;
	const char *sgr = p->has_colour ? p->colour : s->colour[PART_PROVIDER];
	struct cell *c = line_add(l, PRIORITY_PROVIDER, p->label, s->label, sgr);

	if (!c)
		c = line_add(l, PRIORITY_PROVIDER, "?", 1, sgr);
	if (p->broken)
		cell_set_suffix(c, "?", s->colour[COLOUR_STALE], false);
}

static void add_notices(const struct facts *k, struct status_line *l)
{
	const struct statusline_conf *s = &k->settings;

	if (k->redirect == REDIRECT_ON)
		line_add(l, PRIORITY_NOTICE, "redirected", NAME_COLUMNS, s->colour[COLOUR_HIGH]);
	if (k->redirect == REDIRECT_IGNORED)
		line_add(l, PRIORITY_NOTICE, "redirect ignored", NAME_COLUMNS,
			 s->colour[COLOUR_WARN]);
	line_add(l, PRIORITY_NOTICE, k->mistake, NAME_COLUMNS, s->colour[COLOUR_HIGH]);
}

/* ---- quota ---- */

void cells_duration_text(int64_t s, char out[CELLS_TIME_TEXT])
{
	long long n = s < 0 ? 0 : s > 999 * 86400LL ? 999 * 86400LL : s;

	if (n < 60)
		snprintf(out, CELLS_TIME_TEXT, "%llds", n);
	else if (n < 3600)
		snprintf(out, CELLS_TIME_TEXT, "%lldm", n / 60);
	else if (n < 86400)
		snprintf(out, CELLS_TIME_TEXT, "%lldh%lldm", n / 3600, n / 60 % 60);
	else
		snprintf(out, CELLS_TIME_TEXT, "%lldd%lldh", n / 86400, n / 3600 % 24);
}

/* The time of day, or on another day than today its name. */
static void reset_clock_text(const struct facts *k, int64_t when, char *out)
{
	time_t then = (time_t)when, now = (time_t)k->now;
	struct tm a, b;

	out[0] = '\0';
	if (!localtime_r(&then, &a) || !localtime_r(&now, &b))
		return;
	if (a.tm_yday != b.tm_yday || a.tm_year != b.tm_year)
		strftime(out, CELLS_TIME_TEXT, "%a", &a);
	else if (!k->settings.twelve)
		strftime(out, CELLS_TIME_TEXT, "%H:%M", &a);
	else
		snprintf(out, CELLS_TIME_TEXT, "%d:%02d%s", (a.tm_hour + 11) % 12 + 1, a.tm_min,
			 a.tm_hour < 12 ? "am" : "pm");
}

static void cell_set_reset(const struct facts *k, const struct quota_item *it, struct cell *c)
{
	char when[CELLS_TIME_TEXT] = "", text[CELLS_TIME_TEXT + 1];

	if (k->settings.reset == RESET_NO || it->reset <= k->now)
		return;
	if (k->settings.reset == RESET_LEFT)
		cells_duration_text(it->reset - k->now, when);
	else
		reset_clock_text(k, it->reset, when);
	snprintf(text, sizeof(text), " %s", when);
	if (when[0])
		cell_set_suffix(c, text, k->settings.colour[COLOUR_STALE], true);
}

static void add_percent(const struct facts *k, const struct quota_item *it, struct status_line *l)
{
	const struct statusline_conf *s = &k->settings;
	const char *sgr = k->quota.state == QUOTA_FRESH
				  ? colour_for_percent(k, PART_QUOTA, it->percent, s->quota_at)
				  : s->colour[COLOUR_STALE];
	char text[64];

	snprintf(text, sizeof(text), "%s:%u%%", it->label, percent_whole(it->percent));
	cell_set_reset(k, it, line_add(l, PRIORITY_QUOTA, text, NAME_COLUMNS, sgr));
}

/* "12.345", "USD" -> "$12.34": rounded down to cents. */
static void amount_text(const struct quota_item *it, char *out, size_t size)
{
	static const char *const signs[][2] = { { "USD", "$" },
						{ "CNY", "\xc2\xa5" },
						{ "EUR", "\xe2\x82\xac" },
						{ "GBP", "\xc2\xa3" } };
	const char *n = it->amount, *minus = "", *point;
	int keep;
	size_t i;

	if (*n == '-') {
		minus = "-";
		n++;
	}
	point = strchr(n, '.');
	keep = point && strlen(point) > 3 ? (int)(point - n) + 3 : (int)strlen(n);
	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strcmp(it->currency, signs[i][0]) == 0) {
			snprintf(out, size, "%s%s%.*s", minus, signs[i][1], keep, n);
			return;
		}
	snprintf(out, size, "%s%.*s%s%s", minus, keep, n, it->currency[0] ? " " : "", it->currency);
}

/* The colour tells whether anything is left or, where that is known, how much is used. */
static void add_amount(const struct facts *k, const struct quota_item *it, struct status_line *l)
{
	const struct statusline_conf *s = &k->settings;
	bool left = it->amount[0] != '-' && strpbrk(it->amount, "123456789");
	const char *sgr = s->colour[left ? (unsigned)PART_QUOTA : COLOUR_HIGH];
	char text[64];

	if (left && it->is_percent)
		sgr = colour_for_percent(k, PART_QUOTA, it->percent, s->quota_at);
	if (k->quota.state != QUOTA_FRESH)
		sgr = s->colour[COLOUR_STALE];
	amount_text(it, text, sizeof(text));
	line_add(l, PRIORITY_QUOTA, text, NAME_COLUMNS, sgr);
}

static void add_quota_window(const struct facts *k, const char *which, struct status_line *l)
{
	const struct quota_item *it;
	bool all = strcmp(which, "all") == 0, amounts = strcmp(which, "money") == 0;
	unsigned i;

	for (i = 0; i < k->quota.items; i++) {
		it = &k->quota.item[i];
		if (it->is_percent && (all || (!amounts && strcmp(it->label, which) == 0)))
			add_percent(k, it, l);
		else if (it->amount[0] && (all || amounts))
			add_amount(k, it, l);
	}
}

static void add_quota(const struct facts *k, struct status_line *l)
{
	const struct statusline_conf *s = &k->settings;
	unsigned i;

	if (k->quota.state == QUOTA_WAITING)
		line_add(l, PRIORITY_QUOTA, "\xe2\x80\xa6", 1, s->colour[COLOUR_STALE]);
	if (k->quota.state == QUOTA_ERROR)
		line_add(l, PRIORITY_QUOTA, "?", 1, s->colour[COLOUR_STALE]);
	for (i = 0; i < s->windows; i++)
		add_quota_window(k, s->window[i], l);
}

/* ---- context, repository, session ---- */

static void add_context(const struct facts *k, struct status_line *l)
{
	char text[32];

	if (!k->input.has_context)
		return;
	snprintf(text, sizeof(text), "%u%% ctx", percent_whole(k->input.context));
	line_add(l, PRIORITY_CONTEXT, text, NAME_COLUMNS,
		 colour_for_percent(k, PART_CONTEXT, k->input.context, k->settings.context_at));
}

static void add_branch(const struct facts *k, struct status_line *l)
{
	const struct statusline_conf *s = &k->settings;
	bool from_git = k->git.found && k->git.branch[0];
	struct cell *c =
		line_add(l, PRIORITY_BRANCH, from_git ? k->git.branch : k->input.worktree_branch,
			 s->branch, s->colour[PART_BRANCH]);

	if (!from_git || !s->dirty)
		return;
	if (k->git.dirty == GIT_DIRTY)
		cell_set_suffix(c, "*", s->colour[COLOUR_WARN], false);
	if (k->git.dirty == GIT_UNKNOWN)
		cell_set_suffix(c, "?", s->colour[COLOUR_STALE], false);
}

/* Only letters, digits and the characters in `also`; no "..", no "." or "/" at the beginning. */
static bool is_url_part(const char *s, const char *also)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= '0' && s[i] <= '9') && !strchr(also, s[i]))
			return false;
	return i > 0 && !strstr(s, "..") && s[0] != '/' && s[0] != '.';
}

void cells_page_url(const char *host, const char *owner, const char *name, char out[CELL_URL])
{
	out[0] = '\0';
	if (is_url_part(host, ".-:") && is_url_part(owner, "._~/-") && is_url_part(name, "._~-") &&
	    snprintf(out, CELL_URL, "https://%s/%s/%s", host, owner, name) >= CELL_URL)
		out[0] = '\0';
}

/* May this URL from git's files be linked to? */
static bool is_page_url(const char *url)
{
	size_t skip = strncmp(url, "https://", 8) == 0	? 8
		      : strncmp(url, "http://", 7) == 0 ? 7
							: 0;

	return skip && is_url_part(url + skip, "._~/:-");
}

static void add_repo(const struct facts *k, struct status_line *l)
{
	const struct statusline_conf *s = &k->settings;
	const struct client_input *in = &k->input;
	struct cell *c = line_add(l, PRIORITY_REPO, in->repo_name[0] ? in->repo_name : k->git.repo,
				  s->repo, s->colour[PART_REPO]);

	if (!c || !s->link)
		return;
	cells_page_url(in->repo_host, in->repo_owner, in->repo_name, c->url);
	if (!c->url[0] && k->git.found && is_page_url(k->git.url))
		snprintf(c->url, sizeof(c->url), "%s", k->git.url);
}

static void add_dir(const struct facts *k, struct status_line *l)
{
	const char *path = k->input.dir, *slash = strrchr(path, '/');

	line_add(l, PRIORITY_DIR, slash && slash[1] ? slash + 1 : path, NAME_COLUMNS,
		 k->settings.colour[PART_DIR]);
}

static void add_session_number(const struct facts *k, enum status_part part, struct status_line *l)
{
	const struct client_input *in = &k->input;
	char text[64] = "";
	enum cell_priority priority = PRIORITY_COST;

	if (part == PART_COST && in->has_cost) {
		snprintf(text, sizeof(text), "$%.2f", in->cost < 1e6 ? in->cost : 1e6);
	} else if (part == PART_DURATION && in->has_duration) {
		priority = PRIORITY_DURATION;
		cells_duration_text(in->duration < 1e12 ? (int64_t)(in->duration / 1000)
							: INT64_MAX,
				    text);
	} else if (part == PART_LINES && in->has_lines) {
		priority = PRIORITY_LINES;
		snprintf(text, sizeof(text), "+%.0f -%.0f", in->added < 1e9 ? in->added : 1e9,
			 in->removed < 1e9 ? in->removed : 1e9);
	}
	line_add(l, priority, text, NAME_COLUMNS, k->settings.colour[part]);
}

static void set_separator(const struct facts *k, struct status_line *l)
{
	const char *s = k->settings.separator;
	size_t n = strlen(s), first = strspn(s, " "), last = n, used;

	/* display_clean drops blanks at the ends; here they belong to the separator. */
	while (last > first && s[last - 1] == ' ')
		last--;
	memset(l->separator, ' ', first);
	used = first + display_clean(s + first, last - first, l->separator + first,
				     sizeof(l->separator) - n);
	memset(l->separator + used, ' ', n - last);
	l->separator[used + n - last] = '\0';
	snprintf(l->separator_sgr, sizeof(l->separator_sgr), "%s",
		 k->settings.colour[COLOUR_SEPARATOR]);
}

static void add_part(const struct facts *k, enum status_part which, struct status_line *l)
{
	const char *sgr = k->settings.colour[which];

	switch (which) {
	case PART_PROVIDER:
		add_provider(k, l);
		add_notices(k, l);
		return;
	case PART_QUOTA:
		add_quota(k, l);
		return;
	case PART_SPENT:
		line_add(l, PRIORITY_QUOTA, k->spending.text, SESSION_SPENDING_TEXT,
			 colour_for_percent(k, PART_SPENT,
					    k->spending.limited ? k->spending.percent : 0,
					    k->settings.quota_at));
		return;
	case PART_CONTEXT:
		add_context(k, l);
		return;
	case PART_BRANCH:
		add_branch(k, l);
		return;
	case PART_REPO:
		add_repo(k, l);
		return;
	case PART_DIR:
		add_dir(k, l);
		return;
	case PART_MODEL:
		line_add(l, PRIORITY_MODEL, k->input.model, NAME_COLUMNS, sgr);
		return;
	case PART_EFFORT:
		line_add(l, PRIORITY_EFFORT, k->input.effort, NAME_COLUMNS, sgr);
		return;
	case PART_SESSION:
		line_add(l, PRIORITY_SESSION, k->input.session, NAME_COLUMNS, sgr);
		return;
	default:
		add_session_number(k, which, l);
	}
}

void cells_make(const struct facts *k, struct status_line *l)
{
	unsigned i;

	l->cells = 0;
	set_separator(k, l);
	/* The warnings come with the provider, and also without it. */
	if (!part_is_shown(&k->settings, PART_PROVIDER))
		add_notices(k, l);
	for (i = 0; i < k->settings.parts; i++)
		add_part(k, k->settings.part[i], l);
	/* The client shows nothing for an empty line. */
	if (!l->cells)
		add_provider(k, l);
}
