/*
 * import/shell_modes.c - which branch of a wrapper script a word like --local takes:
 * by a condition or case with that word, or with a variable that was set for it.
 */
#include "import/shell_modes.h"

#include <stdio.h>
#include <string.h>

#include "wire/names.h"

/* The word without its quotes, its first 127 bytes. */
static size_t word_unquote(const struct shell *s, const struct span *w, char out[128])
{
	size_t i, n = 0;

	for (i = w->at; i < w->end && n < 127; i++)
		if (s->w.text[i] != '"' && s->w.text[i] != '\'')
			out[n++] = s->w.text[i];
	out[n] = '\0';
	return n;
}

void shell_mode_of_word(const struct shell *s, const struct span *w, char mode[NAME_MAX_LEN + 1])
{
	char text[128];

	mode[0] = '\0';
	if (w->end - w->at < 4 || !memchr(s->w.text + w->at, '-', 2) ||
	    word_unquote(s, w, text) < 4)
		return;
	text[2 + strcspn(text + 2, "=*")] = '\0';
	if (strncmp(text, "--", 2) == 0 && wire_name_ok(text + 2))
		memcpy(mode, text + 2,
		       strlen(text + 2) + 1); /* wire_name_ok: NAME_MAX_LEN at most */
	explicit_bzero(text, sizeof(text));
}

/* The flag that "$NAME" or "${NAME...}" is, or -1. */
static int flag_find(const struct shell *s, const char *text)
{
	size_t n;
	unsigned i;

	if (*text++ != '$')
		return -1;
	text += *text == '{';
	n = variable_name_length(text, strlen(text));
	for (i = s->flags; n && i-- > 0;)
		if (strlen(s->flag[i].name) == n && memcmp(s->flag[i].name, text, n) == 0)
			return (int)i;
	return -1;
}

static bool text_is_in(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

void shell_modes_of_condition(const struct shell *s, char mode[NAME_MAX_LEN + 1], bool *negative)
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
		word_unquote(s, &s->word[i], text);
		if (text_is_in(text, against))
			*negative = !*negative;
		if (text_is_in(text, equal)) {
			compares = true;
			continue;
		}
		shell_mode_of_word(s, &s->word[i], word);
		if (word[0] && !mode[0])
			memcpy(mode, word, sizeof(word));
		if (flag < 0 && flag_find(s, text) >= 0)
			flag = flag_find(s, text);
		else if (strcmp(text, "]") != 0 && strcmp(text, "]]") != 0)
			snprintf(value, sizeof(value), "%s", text);
	}
	if (flag >= 0) {
		memcpy(mode, s->flag[flag].mode, sizeof(s->flag[flag].mode));
		/* Another value than the branch has set, as [ "$LOCAL" = false ]: the opposite. */
		if (compares && strcmp(value, s->flag[flag].value) != 0)
			*negative = !*negative;
	}
	/* A word of a condition may be a key. */
	explicit_bzero(text, sizeof(text));
	explicit_bzero(value, sizeof(value));
}

static void flag_remember(struct shell *s, const struct assignment *a, const char *mode)
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

void shell_modes_remember(struct shell *s, unsigned first)
{
	const char *mode = s->asked[0] ? s->asked : s->r->scope[s->scope].mode;

	for (; mode[0] && !s->commented && first < s->r->n; first++)
		flag_remember(s, &s->r->assign[first], mode);
}
