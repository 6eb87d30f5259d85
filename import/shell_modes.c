/*
 * import/shell_modes.c - which words of a wrapper choose a branch: --local in
 * a condition or a case, or a variable that such a branch has set.
 */
#include <stdio.h>
#include <string.h>

#include "import/shell.h"
#include "wire/message.h"

/* The word without quotes around it and blanks, as far as it is short. */
static size_t bare(const struct shell *s, const struct span *w, char out[128])
{
	size_t i, n = 0;

	for (i = w->at; i < w->end && n < 127; i++)
		if (s->w.text[i] != '"' && s->w.text[i] != '\'')
			out[n++] = s->w.text[i];
	out[n] = '\0';
	return n;
}

void shell_mode(const struct shell *s, const struct span *w, char mode[NAME_MAX_LEN + 1])
{
	char text[128];

	mode[0] = '\0';
	if (w->end - w->at < 4 || !memchr(s->w.text + w->at, '-', 2) || bare(s, w, text) < 4)
		return;
	text[2 + strcspn(text + 2, "=*")] = '\0';
	if (strncmp(text, "--", 2) == 0 && wire_name_ok(text + 2))
		memcpy(mode, text + 2, strlen(text + 2) + 1); /* a name has 64 at most */
	explicit_bzero(text, sizeof(text));
}

/* The flag that "$NAME" or "${NAME...}" is, or -1. */
static int flag_of(const struct shell *s, const char *text)
{
	size_t n;
	unsigned i;

	if (*text++ != '$')
		return -1;
	text += *text == '{';
	n = word_name(text, strlen(text));
	for (i = s->flags; n && i-- > 0;)
		if (strlen(s->flag[i].name) == n && memcmp(s->flag[i].name, text, n) == 0)
			return (int)i;
	return -1;
}

static bool among(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

void shell_asks(const struct shell *s, char mode[NAME_MAX_LEN + 1], bool *negative)
{
	static const char *const against[] = { "!", "!=", "-z", "-ne", NULL };
	static const char *const equal[] = { "=", "==", "-eq", "!=", "-ne", NULL };
	char text[128], word[NAME_MAX_LEN + 1], value[128] = "";
	bool compares = false;
	int flag = -1;
	unsigned i;

	mode[0] = '\0';
	*negative = false;
	for (i = 0; i < s->words; i++) {
		bare(s, &s->word[i], text);
		if (among(text, against))
			*negative = !*negative;
		if (among(text, equal)) {
			compares = true;
			continue;
		}
		shell_mode(s, &s->word[i], word);
		if (word[0] && !mode[0])
			memcpy(mode, word, sizeof(word));
		if (flag < 0 && flag_of(s, text) >= 0)
			flag = flag_of(s, text);
		else if (strcmp(text, "]") != 0 && strcmp(text, "]]") != 0)
			snprintf(value, sizeof(value), "%s", text);
	}
	if (flag >= 0) {
		memcpy(mode, s->flag[flag].mode, sizeof(s->flag[flag].mode));
		/* the opposite of what the branch has set: [ "$LOCAL" = false ] */
		if (compares && strcmp(value, s->flag[flag].value) != 0)
			*negative = !*negative;
	}
	/* a word may have been anything */
	explicit_bzero(text, sizeof(text));
	explicit_bzero(value, sizeof(value));
}

static void remember(struct shell *s, const struct assign *a, const char *mode)
{
	unsigned i;

	if (s->flags == SHELL_FLAGS || a->kind != VALUE_LITERAL || a->n >= sizeof(s->flag[0].value))
		return;
	i = s->flags++;
	memcpy(s->flag[i].name, a->name, sizeof(a->name));
	memcpy(s->flag[i].value, a->p, a->n);
	s->flag[i].value[a->n] = '\0';
	snprintf(s->flag[i].mode, sizeof(s->flag[i].mode), "%s", mode);
}

void shell_flags(struct shell *s, unsigned first)
{
	const char *mode = s->asked[0] ? s->asked : s->r->scope[s->scope].mode;

	for (; mode[0] && !s->commented && first < s->r->n; first++)
		remember(s, &s->r->assign[first], mode);
}
