/*
 * tests/fuzz/fuzz_import.c - damaged shell and settings files through the
 * readers of ccctl import.
 *
 *   fuzz_import SECONDS [FIRST]
 *
 * Starts from files as people have them, damages them in ways that come from a
 * fixed sequence (file number N is the same in every run; FIRST begins there),
 * and reads the result.  Built with the sanitizers; what it checks itself
 * aborts with the file's number.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "import/import.h"

#define ROOM 8192

static const char *const shells[] = {
	("#!/bin/bash\nset -eu\nL=false\nfor a in \"$@\"; do case \"$a\" in --local) L=true;; *) x+=(\"$a\");; esac; done\n"
	"if [[ \"$L\" == true ]]; then\n  export ANTHROPIC_BASE_URL=\"http://localhost:11434\"\n"
	"  exec claude \"${x[@]}\"\nfi\nexport ANTHROPIC_AUTH_TOKEN=\"$(op item get \"z.ai\" --reveal --field credential)\"\n"),
	"export A=b C='d e' F=\"g${H:-i}$J\" # k\nalias x='A=b claude'\nf() { A=$(cat ~/k | head -1) claude; }\n",
	"cat <<EOF <<-'X'\n$(a \"b\nEOF\n\tX\nA=`pass a/b`; B=$'\\x41\\n'\n(( a << 2 )) && [[ b =~ (c|d) ]] || { E=f; }\n",
	"# export ANTHROPIC_API_KEY=sk-ant-0123456789\n: \"${A:=b}\"\nexport A=$(secret-tool lookup a b c d) \\\n  B=c\n",
	("if status is-interactive\n set -gx A (op read \"op://a/b/c\")\nelse if test $x = --local\n set B 'c\\'d'\nend\n"
	"switch $argv[1]\ncase --local\n A=b claude\nend\n"),
};

static const char *const settings[] = {
	("{\n  \"permissions\": {\"allow\": [\"Bash\"]},\n  \"env\": {\n    \"ANTHROPIC_AUTH_TOKEN\": \"a\\u0041\\\"}\",\n"
	"    \"B\": [1, {\"env\": 2}],\n    \"API_TIMEOUT_MS\": \"3000\"\n  }\n}\n"),
	"{\"env\":{\"A\":\"b\",\"C\":null,\"D\":{\"E\":\"\\\\\"}}}",
};

static uint64_t number;
static uint64_t readable;
static uint64_t rnd_state;

static uint64_t rnd(void)
{
	uint64_t z = rnd_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return n ? (size_t)(rnd() % n) : 0;
}

#define MUST(c)                                                                                       \
	do {                                                                                          \
		if (!(c)) {                                                                           \
			fprintf(stderr, "fuzz_import: file %llu: %s\n", (unsigned long long)number,   \
				#c);                                                                  \
			abort();                                                                      \
		}                                                                                     \
	} while (0)

static void insert(char *p, size_t *n, size_t at, const char *from, size_t len)
{
	if (*n + len > ROOM)
		return;
	memmove(p + at + len, p + at, *n - at);
	memcpy(p + at, from, len);
	*n += len;
}

static void damage(char *p, size_t *n, const char *other)
{
	static const char telling[] = "'\"`$(){}[]\\#;&|<>=\n\t ~!*-:,";
	static const char *const words[] = { "if ", "then ", "else ", "fi\n", "case x in ", "esac ", ";; ", "do ",
					     "done ", "{ ", "} ", "() ", "<<E\n", "$(", "${", "$'", "A=", "export ",
					     "--local", "end\n", "switch ", "function f ", "[[ ", "]] ", "&& ", "${A:-" };
	size_t at = below(*n + 1), len = below(*n - at), from;
	char copy[128];

	switch (below(7)) {
	case 0:
		if (at < *n)
			p[at] = telling[below(sizeof(telling) - 1)];
		break;
	case 1:
		insert(p, n, at, telling + below(sizeof(telling) - 1), 1);
		break;
	case 2: /* cut */
		*n = at;
		break;
	case 3: /* take out */
		memmove(p + at, p + at + len, *n - at - len);
		*n -= len;
		break;
	case 4: /* double a piece */
		len = len > sizeof(copy) ? sizeof(copy) : len;
		memcpy(copy, p + at, len);
		insert(p, n, at, copy, len);
		break;
	case 5:
		from = below(strlen(other));
		insert(p, n, at, other + from, below(strlen(other) - from));
		break;
	default:
		from = below(sizeof(words) / sizeof(words[0]));
		insert(p, n, at, words[from], strlen(words[from]));
	}
}

static void check(const struct reading *r, size_t n)
{
	unsigned i;

	for (i = 0; i < r->n; i++) {
		const struct assign *a = &r->assign[i];

		MUST(a->at <= a->end && a->end <= n && a->from <= a->to && a->to <= n);
		MUST(a->to == 0 || (a->from <= a->at && a->end <= a->to));
		MUST(a->line >= 1 && a->scope < r->scopes && a->name[0]);
		MUST(a->kind != VALUE_COMMAND);
		if (a->kind == VALUE_LITERAL)
			MUST(a->p >= r->pool.p && a->p + a->n <= r->pool.p + r->pool.n);
		else if (a->kind == VALUE_SOURCE || a->kind == VALUE_FILE)
			MUST(a->ref && a->ref[0] && !strchr(a->ref, '\n'));
		MUST(scope_within(r, a->scope, 0));
	}
}

static void read_shell(const struct text *t, bool fish)
{
	struct failure f = { 0 };
	struct reading r;

	if (shell_read(t, fish, "/home/me", &r, &f) == 0) {
		readable++;
		check(&r, t->n);
	} else {
		MUST(f.code == FAIL_CONFIG || f.code == FAIL_TOO_LARGE);
	}
	reading_free(&r);
}

static void read_settings(const struct text *t)
{
	struct failure f = { 0 };
	struct reading r;
	struct text cut;
	const char *name;

	if (env_read(t, &r, &f) == 0) {
		readable++;
		check(&r, t->n);
		MUST(text_new(&cut, t->n, &f) == 0);
		if (r.n > 0) {
			memcpy(cut.p, t->p, t->n);
			cut.n = t->n;
			name = r.assign[below(r.n)].name;
			MUST(env_splice(&cut, name));
			MUST(env_proof(t, &cut, &cut, &name, 1));
		}
		text_free(&cut);
	} else {
		MUST(f.code == FAIL_CONFIG || f.code == FAIL_TOO_LARGE);
	}
	reading_free(&r);
}

static void one(void)
{
	static char work[ROOM];
	const size_t shell_count = sizeof(shells) / sizeof(shells[0]), count = shell_count + 2;
	struct text exact;
	const char *seed;
	size_t n, i, times, which;

	rnd_state = number * 0xd1342543de82ef95u;
	which = number < count ? (size_t)number : below(count);
	seed = which < shell_count ? shells[which] : settings[which - shell_count];
	n = strlen(seed);
	memcpy(work, seed, n);
	times = number < count ? 0 : 1 + below(6);
	for (i = 0; i < times; i++)
		damage(work, &n, which < shell_count ? shells[below(shell_count)] : settings[below(2)]);
	/* A block of exactly its size: a byte read too many is seen. */
	exact.p = malloc(n + 1);
	MUST(exact.p != NULL);
	memcpy(exact.p, work, n);
	exact.p[n] = '\0';
	exact.n = exact.room = n;
	if (which < shell_count)
		read_shell(&exact, which == shell_count - 1 || below(8) == 0);
	else
		read_settings(&exact);
	free(exact.p);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0;
	int64_t end = io_now_ms() + (int64_t)(seconds * 1000);
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (seconds <= 0) {
		fputs("usage: fuzz_import SECONDS [FIRST]\n", stderr);
		return EXIT_USAGE;
	}
	for (number = first; number < first + 1000 || io_now_ms() < end; number++)
		one();
	printf("fuzz_import: %llu files, %llu of them readable\n", (unsigned long long)(number - first),
	       (unsigned long long)readable);
	return EXIT_DONE;
}
