/*
 * tests/import/test_import.c - the readers of ccctl import: which assignments,
 * with which values, in which branch; and members out of settings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "import/found.h"
#include "import/settings_env.h"
#include "import/shell.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct assignments r;

static int read_text(const char *text, bool fish)
{
	struct locked_text t = { (char *)(uintptr_t)text, strlen(text), strlen(text) };
	struct failure f = { 0 };
	int ret = shell_parse(&t, fish, "/home/me", &r, &f);

	assert_true(ret == 0 || f.code == FAIL_CONFIG);
	return ret;
}

static const struct assignment *find(const char *name)
{
	unsigned i;

	for (i = 0; i < r.n; i++)
		if (strcmp(r.assign[i].name, name) == 0)
			return &r.assign[i];
	return NULL;
}

/* kind: l literal, n name, s source, f file, d dynamic, - no such assignment */
static const struct {
	const char *text;
	bool fish;
	char kind;
	const char *value; /* of A */
} values[] = {
	{ "A=b", 0, 'l', "b" },
	{ "export A=b C=d", 0, 'l', "b" },
	{ "A='b c'\"d e\"f\\ g", 0, 'l', "b cd ef g" },
	{ "A=\"x\\\"y\\$z\\q\"", 0, 'l', "x\"y$z\\q" },
	{ "A=$'x\\ty\\x41\\101\\n'", 0, 'l', "x\tyAA\n" },
	{ "A=b\\\nc", 0, 'l', "bc" },
	{ "A=", 0, 'l', "" },
	{ "A=~/x", 0, 'l', "/home/me/x" },
	{ "A=\"~/x\"", 0, 'l', "~/x" },
	{ "A=$HOME/x", 0, 'l', "/home/me/x" },
	{ "B=one; A=\"${B}/two\"", 0, 'l', "one/two" },
	{ "B=1; C=2; A=$B$C", 0, 'l', "12" },
	{ "A=$B", 0, 'n', "B" },
	{ "A=\"${B}\"", 0, 'n', "B" },
	{ "A=\"${B:-}\"", 0, 'n', "B" },
	{ "A=\"${B:-dflt}\"", 0, 'l', "dflt" },
	{ "A=\"${B:-${C:-deep}}\"", 0, 'l', "deep" },
	{ "A=x$B", 0, 'd', NULL },
	{ "A=${B#x}", 0, 'd', NULL },
	{ "A=$1", 0, 'd', NULL },
	{ "A=(b c)", 0, 'd', NULL },
	{ "A=$(foo)$(bar)", 0, 'd', NULL },
	{ "A=$(op read op://a/b/c)", 0, 's', "op://a/b/c" },
	{ "A=\"$(op read 'op://a/b c/d' --no-newline)\"", 0, 's', "op://a/b c/d" },
	{ "A=$(op read op://a/b/c --account x)", 0, 's', "command:op read op://a/b/c --account x" },
	{ "A=$(op item get I --vault V --fields credential)", 0, 's', "op://V/I/credential" },
	{ "I='a b'; A=$(op item get \"$I\" --reveal --field c)", 0, 's',
	  "command:op item get 'a b' --reveal --field c" },
	{ "A=$(op item get \"$1\" --field c)", 0, 'd', NULL },
	{ "A=`pass a/b`", 0, 's', "pass:a/b" },
	{ "A=$(pass show a/b | sed -n 1p)", 0, 's', "pass:a/b" },
	{ "A=$(pass show a/b | grep x)", 0, 'd', NULL },
	{ "A=$(pass -c a/b)", 0, 'd', NULL },
	{ "A=$(secret-tool lookup a b c d)", 0, 's', "secret-service:a=b,c=d" },
	{ "A=$(secret-tool lookup a)", 0, 'd', NULL },
	{ "A=$(gpg --quiet --batch -d ~/k.gpg 2>/dev/null)", 0, 's', "gpg:/home/me/k.gpg" },
	/* what has the manager run, read or write something is not known */
	{ "A=$(gpg --batch --passphrase-file ~/p -d ~/k.gpg)", 0, 's',
	  "command:gpg --batch --passphrase-file /home/me/p -d /home/me/k.gpg" },
	{ "A=$(gpg --agent-program ./a -d k.gpg)", 0, 'd', NULL },
	{ "A=$(gpg --homedir=tools -d k.gpg)", 0, 'd', NULL },
	{ "A=$(gpg --passphrase-file --homedir -d k.gpg)", 0, 'd', NULL },
	{ "A=$(op read op://a/b/c --out-file x)", 0, 'd', NULL },
	{ "A=$(op --config x read op://a/b/c)", 0, 'd', NULL },
	{ "A=$(op plugin read item get)", 0, 'd', NULL },
	{ "A=$(aws ssm get-parameter --name k --with-decryption)", 0, 's',
	  "command:aws ssm get-parameter --name k --with-decryption" },
	{ "A=$(aws s3 cp s3://b/x x)", 0, 'd', NULL },
	{ "A=$(aws ssm get-parameter --name k --endpoint-url http://e)", 0, 'd', NULL },
	{ "A=$(rbw get --folder f x)", 0, 's', "command:rbw get --folder f x" },
	{ "A=$(rbw config set pinentry ./a)", 0, 'd', NULL },
	{ "A=$(keepassxc-cli show -s -a Password k.kdbx e)", 0, 's',
	  "command:keepassxc-cli show -s -a Password k.kdbx e" },
	{ "A=$(keepassxc-cli export k.kdbx)", 0, 'd', NULL },
	{ "A=$(secret-tool lookup a=b --c)", 0, 'd', NULL },
	{ "A=$(bw get item x | jq -r .login.password)", 0, 's', "bw:x" },
	{ "A=$(vault kv get -field f p/q)", 0, 's', "vault:p/q#f" },
	{ "A=$(cat ~/k)", 0, 'f', "/home/me/k" },
	{ "A=\"$(< $HOME/k)\"", 0, 'f', "/home/me/k" },
	{ "A=$(echo -n abc)", 0, 'l', "abc" },
	{ "A=$(rm -rf /; cat ~/k)", 0, 'd', NULL },
	{ "A=$(cat ~/k && rm x)", 0, 'd', NULL },
	{ "x=( a # it's\n b )\nA=$(cat ~/k # that's it\n)", 0, 'f', "/home/me/k" },
	{ "x=$(( $# + ${#y} )); y=$(( [#16] ##z ))\nA=b", 0, 'l', "b" },
	{ "A=b claude", 0, 'l', "b" },
	{ "env -u X A=b claude", 0, 'l', "b" },
	{ "exec env A=b claude", 0, 'l', "b" },
	{ "echo A=b", 0, '-', NULL },
	{ "echo 'A=b'", 0, '-', NULL },
	{ "cat <<X\nA=b\nX", 0, '-', NULL },
	{ "cat <<'X' <<-\tY\nA=b\nX\n\tY\nA=c", 0, 'l', "c" },
	{ "cat <<< x; A=b", 0, 'l', "b" },
	{ "x() ( A=b )", 0, 'l', "b" },
	{ "function x() { A=b; }", 0, 'l', "b" },
	{ "(( a << 2 ))\nA=b", 0, 'l', "b" },
	{ "if [[ x =~ (a|b) ]]; then A=b; fi", 0, 'l', "b" },
	{ "case x in (a) A=b;; esac", 0, 'l', "b" },
	{ "for i in 1 2; do A=b; done", 0, 'l', "b" },
	{ "alias x='A=b claude'", 0, 'l', "b" },
	{ "# export A=b # a_KEY long enough", 0, 'l', "b" },
	{ "set -gx A b", 1, 'l', "b" },
	{ "set -gx A 'b\\'c'", 1, 'l', "b'c" },
	{ "set -gx A b c", 1, '-', NULL },
	{ "set -gx A (op read op://a/b/c)", 1, 's', "op://a/b/c" },
	{ "set -gx A (cat ~/k | head -n1)", 1, 'f', "/home/me/k" },
	{ "if true; set A b; end", 1, 'l', "b" },
	{ "function f; A=b claude; end", 1, 'l', "b" },
};

static void test_values(void **state)
{
	static const char kinds[] = { 'l', 'n', 'c', 'f', 's', 'd' };
	const struct assignment *a;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(values); i++) {
		print_message("%s\n", values[i].text);
		assert_int_equal(read_text(values[i].text, values[i].fish), 0);
		a = find("A");
		/* cat <<X ... Y: the later one */
		if (values[i].kind == '-') {
			assert_null(a);
		} else {
			assert_non_null(a);
			assert_int_equal(kinds[a->kind], values[i].kind);
			if (a->kind == VALUE_LITERAL) {
				assert_int_equal(a->n, strlen(values[i].value));
				assert_memory_equal(a->p, values[i].value, a->n);
			} else if (a->kind == VALUE_NAME) {
				assert_string_equal(a->link, values[i].value);
			} else if (values[i].value) {
				assert_string_equal(a->ref, values[i].value);
			}
		}
		assignments_free(&r);
	}
}

/* In which branch A stands. */
static const struct {
	const char *text;
	bool fish;
	const char *mode;
} modes[] = {
	{ "A=1", 0, "" },
	{ "if [ \"$1\" = --local ]; then A=1; fi", 0, "local" },
	{ "if [ \"$1\" = --local ]; then :; else A=1; fi", 0, "" },
	{ "if [ \"$1\" != --local ]; then :; else A=1; fi", 0, "local" },
	{ "if [[ $1 == \"--local\" ]]; then A=1; fi", 0, "local" },
	{ "if ! [ \"$1\" = --local ]; then :; else A=1; fi", 0, "local" },
	{ "case $1 in -l|--local) A=1;; esac", 0, "local" },
	{ "case $1 in --local) :;; *) A=1;; esac", 0, "" },
	{ "case $1 in --local) L=1;; esac; if [ -n \"$L\" ]; then A=1; fi", 0, "local" },
	{ "case $1 in --local) L=1;; esac; if [ -z \"$L\" ]; then :; else A=1; fi", 0, "local" },
	{ "case $1 in --local) L=true;; esac; if $L; then A=1; fi", 0, "local" },
	{ "case $1 in --local) L=true;; esac; if [ \"$L\" = false ]; then :; else A=1; fi", 0,
	  "local" },
	{ "case $1 in --local) L=1;; esac; if [ x ]; then :; elif [ $L = 1 ]; then A=1; fi", 0,
	  "local" },
	{ "case $1 in --local) L=1;; esac; A=1", 0, "" },
	{ "[ \"$1\" = --local ] && L=1; if [ \"$L\" ]; then A=1; fi", 0, "local" },
	{ "[ \"$1\" = --local ] && { A=1; }", 0, "local" },
	{ "if [ \"$1\" = --local ]; then :; fi; A=1", 0, "" },
	{ "if [ \"$1\" = '--a b' ]; then A=1; fi", 0, "" },
	{ "if [ \"$1\" = --local ]; then if true; then A=1; fi; fi", 0, "local" },
	{ "if test \"$argv[1]\" = --local; set A 1; end", 1, "local" },
	{ "if test x\nset B 1\nelse if contains -- --local $argv\nset A 1\nend", 1, "local" },
	{ "switch $argv[1]\ncase --local\nset A 1\ncase '*'\nset B 1\nend", 1, "local" },
	{ "switch $argv[1]\ncase --local\nset B 1\ncase '*'\nset A 1\nend", 1, "" },
};

static void test_modes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(modes); i++) {
		print_message("%s\n", modes[i].text);
		assert_int_equal(read_text(modes[i].text, modes[i].fish), 0);
		assert_non_null(find("A"));
		assert_string_equal(r.scope[find("A")->scope].mode, modes[i].mode);
		assignments_free(&r);
	}
}

static void test_broken(void **state)
{
	static const char *const texts[] = { "A='x\n", "A=\"x", "a\nA=$(x", "A=`x",
					     "A=${x",  "A=(x",	"cat <(x" };
	char deep[4096] = "A=";
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(read_text(texts[i], false), -1);
		assert_int_equal(r.bad_line, texts[i][0] == 'a' ? 2 : 1);
		assignments_free(&r);
	}
	for (i = 0; i < 200; i++)
		strcat(deep, "$(");
	assert_int_equal(read_text(deep, false), -1);
	assignments_free(&r);
	/* blocks that do not fit are passed over */
	assert_int_equal(read_text("fi; done; }; esac; ;; ) end\nA=b\n", false), 0);
	assert_non_null(find("A"));
	assignments_free(&r);
}

static void test_places(void **state)
{
	static const char text[] = "a=1\n  export A='b' # c\nif x; then\n B=2; C=3\nfi\n";
	const struct assignment *a;

	(void)state;
	assert_int_equal(read_text(text, false), 0);
	a = find("A");
	assert_int_equal(a->line, 2);
	assert_memory_equal(text + a->at, "'b'", a->end - a->at);
	assert_memory_equal(text + a->from, "  export A='b' # c", a->to - a->from);
	assert_false(a->nested);
	a = find("B");
	assert_true(a->nested);
	assert_int_equal(a->to, 0);
	assignments_free(&r);
}

static const struct {
	const char *before, *after; /* without env.A */
} splices[] = {
	{ "{\"env\":{\"A\":\"1\"}}", "{\"env\":{}}" },
	{ "{\"env\":{\"A\":\"1\",\"B\":2}}", "{\"env\":{\"B\":2}}" },
	{ "{\"env\":{\"B\":[\"A\",{}],\"A\":\"1\"},\"A\":\"3\"}",
	  "{\"env\":{\"B\":[\"A\",{}]},\"A\":\"3\"}" },
	{ "{\"x\":{\"env\":{\"A\":\"0\"}}, \"env\" : { \"B\\\"\" : \"}\" , \"A\" : \"1\" } }",
	  "{\"x\":{\"env\":{\"A\":\"0\"}}, \"env\" : { \"B\\\"\" : \"}\"  } }" },
	{ "{\"env\":{\n \"A\": \"\\\\\\\"\",\n \"B\": null\n}}", "{\"env\":{\n \"B\": null\n}}" },
};

static void test_splices(void **state)
{
	static const char *const names[] = { "A" };
	struct locked_text t, was;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(splices); i++) {
		print_message("%s\n", splices[i].before);
		was = (struct locked_text){ (char *)(uintptr_t)splices[i].before,
					    strlen(splices[i].before), 0 };
		assert_int_equal(locked_text_new(&t, was.n, NULL), 0);
		memcpy(t.p, was.p, was.n);
		t.n = was.n;
		assert_true(settings_env_remove(&t, "A"));
		t.p[t.n] = '\0';
		assert_string_equal(t.p, splices[i].after);
		assert_true(settings_env_only_removed(&was, &t, &t, names, 1));
		/* and it is no proof of something else */
		assert_false(settings_env_only_removed(&was, &was, &was, names, 1));
		assert_false(settings_env_remove(&t, "A"));
		locked_text_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	cmocka_unit_test(test_modes),
		cmocka_unit_test(test_broken),	cmocka_unit_test(test_places),
		cmocka_unit_test(test_splices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
