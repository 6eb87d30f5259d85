/*
 * import/json_scan.c - the offsets of the members of one object in a JSON text.
 */
#include "import/json_scan.h"

#include <string.h>

static void json_skip_blanks(struct json_scan *s)
{
	while (s->at < s->n && strchr(" \t\r\n", s->text[s->at]) && s->text[s->at])
		s->at++;
}

/* Behind the string whose quote is at s->at. */
static void json_skip_string(struct json_scan *s)
{
	for (s->at++; s->at < s->n && s->text[s->at] != '"'; s->at++)
		if (s->text[s->at] == '\\')
			s->at++;
	if (s->at < s->n)
		s->at++;
	if (s->at > s->n)
		s->at = s->n;
}

/* Behind the value at s->at: brackets are only counted, jansson has matched them. */
static void json_skip_value(struct json_scan *s)
{
	unsigned deep = 0;

	while (s->at < s->n) {
		char c = s->text[s->at];

		if (c == '"') {
			json_skip_string(s);
		} else if (c == '{' || c == '[') {
			deep++;
			s->at++;
		} else if (c == '}' || c == ']') {
			if (deep == 0)
				return;
			deep--;
			s->at++;
		} else if (deep == 0 && c == ',') {
			return;
		} else {
			s->at++;
			if (deep > 0 || !strchr(" \t\r\n", c))
				continue;
		}
		if (deep == 0 && (c == '"' || c == '}' || c == ']' || strchr(" \t\r\n", c)))
			return;
	}
}

static void json_member_trim(const struct json_scan *s, struct json_member *m)
{
	while (m->end > m->value && strchr(" \t\r\n", s->text[m->end - 1]))
		m->end--;
	m->value_end = m->end;
}

bool json_scan_next(struct json_scan *s, struct json_member *m)
{
	json_skip_blanks(s);
	if (s->at < s->n && s->text[s->at] == ',')
		s->at++;
	json_skip_blanks(s);
	if (s->at >= s->n || s->text[s->at] != '"')
		return false;
	for (; s->counted < s->at; s->counted++)
		s->line += s->text[s->counted] == '\n';
	m->line = s->line;
	m->at = s->at;
	m->key = s->text + s->at + 1;
	json_skip_string(s);
	m->key_n = s->at - m->at - 2;
	json_skip_blanks(s);
	if (s->at < s->n && s->text[s->at] == ':')
		s->at++;
	json_skip_blanks(s);
	m->value = s->at;
	json_skip_value(s);
	m->end = s->at;
	json_member_trim(s, m);
	return true;
}

static bool json_enter_object(struct json_scan *s)
{
	json_skip_blanks(s);
	if (s->at >= s->n || s->text[s->at] != '{')
		return false;
	s->at++;
	return true;
}

bool json_scan_begin(struct json_scan *s, const char *text, size_t n, size_t at)
{
	*s = (struct json_scan){ text, at, n, 1, 0 };
	json_skip_blanks(s);
	if (s->at >= n || (text[s->at] != '{' && text[s->at] != '['))
		return false;
	s->at++;
	return true;
}

bool json_scan_element(struct json_scan *s, struct json_member *m)
{
	memset(m, 0, sizeof(*m));
	json_skip_blanks(s);
	if (s->at < s->n && s->text[s->at] == ',')
		s->at++;
	json_skip_blanks(s);
	if (s->at >= s->n || s->text[s->at] == ']')
		return false;
	m->at = m->value = s->at;
	json_skip_value(s);
	m->end = s->at;
	json_member_trim(s, m);
	return true;
}

void json_blank_comments(char *p, size_t n)
{
	size_t i, end, comma = n;

	for (i = 0; i < n; i = end) {
		end = i + 1;
		if (p[i] == '"') {
			while (end < n && p[end] != '"')
				end += p[end] == '\\' ? 2 : 1;
			end = end < n ? end + 1 : n;
		} else if (p[i] == '/' && end < n && (p[end] == '/' || p[end] == '*')) {
			bool line = p[end] == '/';

			for (end++;
			     end < n && (line ? p[end] != '\n'
					      : p[end - 1] != '*' || p[end] != '/' || end < i + 3);
			     end++)
				;
			end = line || end == n ? end : end + 1;
			for (; i < end; i++)
				p[i] = p[i] == '\n' ? '\n' : ' ';
			continue;
		}
		if (comma < n && (p[i] == '}' || p[i] == ']'))
			p[comma] = ' ';
		if (p[i] == ',')
			comma = i;
		else if (!strchr(" \t\r\n", p[i]))
			comma = n;
	}
}

bool json_scan_open(struct json_scan *s, const char *text, size_t n, const char *key)
{
	struct json_member m;

	*s = (struct json_scan){ text, 0, n, 1, 0 };
	if (!json_enter_object(s))
		return false;
	while (json_scan_next(s, &m)) {
		if (m.key_n != strlen(key) || memcmp(m.key, key, m.key_n) != 0)
			continue;
		s->at = m.value;
		return json_enter_object(s);
	}
	return false;
}
