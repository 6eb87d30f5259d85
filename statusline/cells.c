/*
 * statusline/cells.c - each part as a cell: its text and its colour.
 */
#include "statusline/cells.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "statusline/line.h"
#include "display/text.h"

#define NAME_COLUMNS 32 /* of the parts that have no width of their own */

bool parts_have(const struct statusline_conf *s, enum status_part part)
{
	unsigned i;

	for (i = 0; i < s->parts; i++)
		if (s->part[i] == part)
			return true;
	return false;
}

/* Behind the cell's text; c may be NULL. */
static void more(struct cell *c, const char *text, const char *sgr, bool spare)
{
	if (!c)
		return;
	snprintf(c->more, sizeof(c->more), "%s", text);
	snprintf(c->more_sgr, sizeof(c->more_sgr), "%s", sgr);
	c->spare = spare;
}

/* As a person reads it: 23.5 is 23, and never more than was used.  (Halves of
 * a percent come as 28.999999.) */
static unsigned whole(double percent)
{
	return percent >= 999 ? 999 : (unsigned)(percent + 1e-6);
}

static const char *graded(const struct facts *k, enum status_part part, double percent,
			  const unsigned at[2])
{
	unsigned n = whole(percent);

	return k->settings.colour[n >= at[1] ? COLOUR_HIGH : n >= at[0] ? COLOUR_WARN : (unsigned)part];
}

/* ---- the provider, and what a person should know ---- */

static void provider(const struct facts *k, struct line *l)
{
	const struct statusline_conf *s = &k->settings;
	const struct shown_provider *p = &k->provider;
	const char *sgr = p->has_colour ? p->colour : s->colour[PART_PROVIDER];
	struct cell *c = line_add(l, KEEP_PROVIDER, p->label, s->label, sgr);

	if (!c)
		c = line_add(l, KEEP_PROVIDER, "?", 1, sgr);
	if (p->broken)
		more(c, "?", s->colour[COLOUR_STALE], false);
}

static void notices(const struct facts *k, struct line *l)
{
	const struct statusline_conf *s = &k->settings;

	if (k->redirect == REDIRECT_ON)
		line_add(l, KEEP_NOTICE, "redirected", NAME_COLUMNS, s->colour[COLOUR_HIGH]);
	if (k->redirect == REDIRECT_IGNORED)
		line_add(l, KEEP_NOTICE, "redirect ignored", NAME_COLUMNS, s->colour[COLOUR_WARN]);
	line_add(l, KEEP_NOTICE, k->mistake, NAME_COLUMNS, s->colour[COLOUR_HIGH]);
}

/* ---- quota ---- */

void parts_time(int64_t s, char *out)
{
	long long n = s < 0 ? 0 : s > 999 * 86400LL ? 999 * 86400LL : s;

	if (n < 60)
		snprintf(out, PARTS_TIME, "%llds", n);
	else if (n < 3600)
		snprintf(out, PARTS_TIME, "%lldm", n / 60);
	else if (n < 86400)
		snprintf(out, PARTS_TIME, "%lldh%lldm", n / 3600, n / 60 % 60);
	else
		snprintf(out, PARTS_TIME, "%lldd%lldh", n / 86400, n / 3600 % 24);
}

/* Today's time, or another day's name. */
static void clock_time(const struct facts *k, int64_t when, char *out)
{
	time_t then = (time_t)when, now = (time_t)k->now;
	struct tm a, b;

	out[0] = '\0';
	if (!localtime_r(&then, &a) || !localtime_r(&now, &b))
		return;
	if (a.tm_yday != b.tm_yday || a.tm_year != b.tm_year)
		strftime(out, PARTS_TIME, "%a", &a);
	else if (!k->settings.twelve)
		strftime(out, PARTS_TIME, "%H:%M", &a);
	else
		snprintf(out, PARTS_TIME, "%d:%02d%s", (a.tm_hour + 11) % 12 + 1, a.tm_min,
			 a.tm_hour < 12 ? "am" : "pm");
}

static void reset_time(const struct facts *k, const struct quota_item *it, struct cell *c)
{
	char when[PARTS_TIME] = "", text[PARTS_TIME + 1];

	if (k->settings.reset == RESET_NO || it->reset <= k->now)
		return;
	if (k->settings.reset == RESET_LEFT)
		parts_time(it->reset - k->now, when);
	else
		clock_time(k, it->reset, when);
	snprintf(text, sizeof(text), " %s", when);
	if (when[0])
		more(c, text, k->settings.colour[COLOUR_STALE], true);
}

static void percent(const struct facts *k, const struct quota_item *it, struct line *l)
{
	const struct statusline_conf *s = &k->settings;
	const char *sgr = k->quota.state == QUOTA_FRESH
				  ? graded(k, PART_QUOTA, it->percent, s->quota_at)
				  : s->colour[COLOUR_STALE];
	char text[64];

	snprintf(text, sizeof(text), "%s:%u%%", it->label, whole(it->percent));
	reset_time(k, it, line_add(l, KEEP_QUOTA, text, NAME_COLUMNS, sgr));
}

/* "12.345", "USD" -> "$12.34": cents at most, and never more than there is. */
static void amount_text(const struct quota_item *it, char *out, size_t size)
{
	static const char *const signs[][2] = {
		{ "USD", "$" }, { "CNY", "\xc2\xa5" }, { "EUR", "\xe2\x82\xac" }, { "GBP", "\xc2\xa3" }
	};
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

/* Something that is left, unless there is a share of it that is used. */
static void money(const struct facts *k, const struct quota_item *it, struct line *l)
{
	const struct statusline_conf *s = &k->settings;
	bool left = it->amount[0] != '-' && strpbrk(it->amount, "123456789");
	const char *sgr = s->colour[left ? (unsigned)PART_QUOTA : COLOUR_HIGH];
	char text[64];

	if (left && it->is_percent)
		sgr = graded(k, PART_QUOTA, it->percent, s->quota_at);
	if (k->quota.state != QUOTA_FRESH)
		sgr = s->colour[COLOUR_STALE];
	amount_text(it, text, sizeof(text));
	line_add(l, KEEP_QUOTA, text, NAME_COLUMNS, sgr);
}

static void window(const struct facts *k, const char *which, struct line *l)
{
	const struct quota_item *it;
	bool all = strcmp(which, "all") == 0, moneys = strcmp(which, "money") == 0;
	unsigned i;

	for (i = 0; i < k->quota.items; i++) {
		it = &k->quota.item[i];
		if (it->is_percent && (all || (!moneys && strcmp(it->label, which) == 0)))
			percent(k, it, l);
		else if (it->amount[0] && (all || moneys))
			money(k, it, l);
	}
}

static void quota(const struct facts *k, struct line *l)
{
	const struct statusline_conf *s = &k->settings;
	unsigned i;

	if (k->quota.state == QUOTA_WAITING)
		line_add(l, KEEP_QUOTA, "\xe2\x80\xa6", 1, s->colour[COLOUR_STALE]);
	if (k->quota.state == QUOTA_ERROR)
		line_add(l, KEEP_QUOTA, "?", 1, s->colour[COLOUR_STALE]);
	for (i = 0; i < s->windows; i++)
		window(k, s->window[i], l);
}

/* ---- the rest ---- */

static void context(const struct facts *k, struct line *l)
{
	char text[32];

	if (!k->input.has_context)
		return;
	snprintf(text, sizeof(text), "%u%% ctx", whole(k->input.context));
	line_add(l, KEEP_CONTEXT, text, NAME_COLUMNS,
		 graded(k, PART_CONTEXT, k->input.context, k->settings.context_at));
}

static void branch(const struct facts *k, struct line *l)
{
	const struct statusline_conf *s = &k->settings;
	bool own = k->git.found && k->git.branch[0];
	struct cell *c = line_add(l, KEEP_BRANCH, own ? k->git.branch : k->input.worktree_branch, s->branch,
				  s->colour[PART_BRANCH]);

	if (!own || !s->dirty)
		return;
	if (k->git.dirty == GIT_DIRTY)
		more(c, "*", s->colour[COLOUR_WARN], false);
	if (k->git.dirty == GIT_UNKNOWN)
		more(c, "?", s->colour[COLOUR_STALE], false);
}

/* Letters, digits and what else a name in an address has, but no way up. */
static bool fit_for_url(const char *s, const char *also)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= '0' && s[i] <= '9') && !strchr(also, s[i]))
			return false;
	return i > 0 && !strstr(s, "..") && s[0] != '/' && s[0] != '.';
}

void parts_url(const char *host, const char *owner, const char *name, char *out)
{
	out[0] = '\0';
	if (fit_for_url(host, ".-:") && fit_for_url(owner, "._~/-") && fit_for_url(name, "._~-") &&
	    snprintf(out, PARTS_URL, "https://%s/%s/%s", host, owner, name) >= PARTS_URL)
		out[0] = '\0';
}

/* An address that git's files name. */
static bool found_url(const char *url)
{
	size_t skip = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;

	return skip && fit_for_url(url + skip, "._~/:-");
}

static void repo(const struct facts *k, struct line *l)
{
	const struct statusline_conf *s = &k->settings;
	const struct input *in = &k->input;
	struct cell *c = line_add(l, KEEP_REPO, in->repo_name[0] ? in->repo_name : k->git.repo, s->repo,
				  s->colour[PART_REPO]);

	if (!c || !s->link)
		return;
	parts_url(in->repo_host, in->repo_owner, in->repo_name, c->url);
	if (!c->url[0] && k->git.found && found_url(k->git.url))
		snprintf(c->url, sizeof(c->url), "%s", k->git.url);
}

static void dir(const struct facts *k, struct line *l)
{
	const char *path = k->input.dir, *slash = strrchr(path, '/');

	line_add(l, KEEP_DIR, slash && slash[1] ? slash + 1 : path, NAME_COLUMNS,
		 k->settings.colour[PART_DIR]);
}

static void numbers(const struct facts *k, enum status_part part, struct line *l)
{
	const struct input *in = &k->input;
	char text[64] = "";
	enum keep keep = KEEP_COST;

	if (part == PART_COST && in->has_cost) {
		snprintf(text, sizeof(text), "$%.2f", in->cost < 1e6 ? in->cost : 1e6);
	} else if (part == PART_DURATION && in->has_duration) {
		keep = KEEP_DURATION;
		parts_time(in->duration < 1e12 ? (int64_t)(in->duration / 1000) : INT64_MAX, text);
	} else if (part == PART_LINES && in->has_lines) {
		keep = KEEP_LINES;
		snprintf(text, sizeof(text), "+%.0f -%.0f", in->added < 1e9 ? in->added : 1e9,
			 in->removed < 1e9 ? in->removed : 1e9);
	}
	line_add(l, keep, text, NAME_COLUMNS, k->settings.colour[part]);
}

static void separator(const struct facts *k, struct line *l)
{
	const char *s = k->settings.separator;
	size_t n = strlen(s), first = strspn(s, " "), last = n, used;

	/* display_clean takes blanks at the ends away, which here are meant */
	while (last > first && s[last - 1] == ' ')
		last--;
	memset(l->separator, ' ', first);
	used = first + display_clean(s + first, last - first, l->separator + first, sizeof(l->separator) - n);
	memset(l->separator + used, ' ', n - last);
	l->separator[used + n - last] = '\0';
	snprintf(l->separator_sgr, sizeof(l->separator_sgr), "%s", k->settings.colour[COLOUR_SEPARATOR]);
}

static void part(const struct facts *k, enum status_part which, struct line *l)
{
	const char *sgr = k->settings.colour[which];

	switch (which) {
	case PART_PROVIDER:
		provider(k, l);
		notices(k, l);
		return;
	case PART_QUOTA:
		quota(k, l);
		return;
	case PART_CONTEXT:
		context(k, l);
		return;
	case PART_BRANCH:
		branch(k, l);
		return;
	case PART_REPO:
		repo(k, l);
		return;
	case PART_DIR:
		dir(k, l);
		return;
	case PART_MODEL:
		line_add(l, KEEP_MODEL, k->input.model, NAME_COLUMNS, sgr);
		return;
	case PART_EFFORT:
		line_add(l, KEEP_EFFORT, k->input.effort, NAME_COLUMNS, sgr);
		return;
	case PART_SESSION:
		line_add(l, KEEP_SESSION, k->input.session, NAME_COLUMNS, sgr);
		return;
	default:
		numbers(k, which, l);
	}
}

void parts_line(const struct facts *k, struct line *l)
{
	unsigned i;

	l->cells = 0;
	separator(k, l);
	/* Whoever leaves the provider out is told nevertheless. */
	if (!parts_have(&k->settings, PART_PROVIDER))
		notices(k, l);
	for (i = 0; i < k->settings.parts; i++)
		part(k, k->settings.part[i], l);
	/* An empty line would be no line at all. */
	if (!l->cells)
		provider(k, l);
}
