/*
 * tests/usage/test_usage_answers.c - ccrun-usage without a network: what a hostile
 * answer comes to, whom a key may be sent to, and the sandbox of the process
 * that reads it.
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

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "helpers/usage/answer.h"
#include "helpers/usage/fetch_sandbox.h"
#include "helpers/usage/usage_kind.h"
#include "wire/usage_place.h"
#include "helpers/usage/usage_result.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct usage_result got;

/* The error of an answer of that kind; got has the numbers. */
static int read_as(const char *kind, const char *host, const char *body)
{
	memset(&got, 0, sizeof(got));
	answer_parse(usage_kind_find(kind), host, body, strlen(body), &got);
	assert_true(usage_result_valid(&got));
	if (got.error != USAGE_DONE)
		assert_int_equal(got.count, 0);
	return (int)got.error;
}

/* ---- answers ---- */

static void test_subscription_times(void **state)
{
	static const struct {
		const char *text;
		uint64_t at; /* 0: refused */
	} times[] = {
		{ "2027-01-15T08:00:00Z", 1800000000 },
		{ "2027-01-15T08:00:00+00:00", 1800000000 },
		{ "2027-01-15T08:00:00.123456789012Z", 1800000000 },
		{ "2027-01-15T10:30:00+02:30", 1800000000 },
		{ "2027-01-14T23:00:00.5-09:00", 1800000000 },
		{ "2028-02-29T00:00:00Z", 1835395200 },
		{ "2027-01-15T08:00:60Z", 1800000060 },
		{ "2027-01-15T22:59:00+14:59", 1800000000 },
		{ "2027-01-15T08:00:61Z", 0 },
		{ "2027-01-15T08:60:00Z", 0 },
		{ "2027-01-00T08:00:00Z", 0 },
		{ "2027-01-32T08:00:00Z", 0 },
		{ "2027-00-15T08:00:00Z", 0 },
		{ "2027- 1-15T08:00:00Z", 0 },
		{ "2027-01-15T8:00:00Z", 0 },
		{ "  2027-01-15T08:00:00Z", 0 },
		{ "2027-01-15T08:00:00+15:00", 0 },
		{ "2027-01-15T08:00:00+1:00", 0 },
		{ "2027-01-15T08:00:00+01:60", 0 },
		{ "2027-01-15T08:00:00+01:00Z", 0 },
		{ "2027-01-15 08:00:00Z", 0 },
		{ "2027-01-15T08:00:00", 0 },
		{ "2027-01-15T08:00:00.Z", 0 },
		{ "2027-01-15T08:00:00.1234567890123Z", 0 },
		{ "2027-01-15T08:00:00Zx", 0 },
		{ "2027-13-15T08:00:00Z", 0 },
		{ "2027-01-15T25:00:00Z", 0 },
		{ "2027-01-15T08:00:00+99:00", 0 },
		{ "2027-01-15T08:00:00+0100", 0 },
		{ "1999-01-15T08:00:00Z", 0 },
		{ "9999-01-15T08:00:00Z", 0 },
		{ "27-01-15T08:00:00Z", 0 },
		{ "-2027-01-15T08:00:00Z", 0 },
		{ "2027-01-15T08:00:00Z\\u0000", 0 },
		{ "", 0 },
	};
	char body[256];
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(times); i++) {
		snprintf(body, sizeof(body),
			 "{\"five_hour\":{\"utilization\":1,\"resets_at\":\"%s\"}}", times[i].text);
		assert_int_equal(read_as("anthropic", "api.anthropic.com", body),
				 times[i].at ? USAGE_DONE : USAGE_ANSWER);
		assert_int_equal(got.item[0].reset, times[i].at);
	}
}

static void test_subscription(void **state)
{
	(void)state;
	assert_int_equal(read_as("anthropic", "h", "{\"five_hour\":null,\"seven_day\":null}"),
			 USAGE_DONE);
	assert_int_equal(got.count, 0);
	assert_int_equal(read_as("anthropic", "h",
				 "{\"seven_day\":{\"utilization\":101.25,\"resets_at\":null},"
				 "\"five_hour\":null}"),
			 USAGE_DONE);
	assert_int_equal(got.count, 1);
	assert_string_equal(got.item[0].label, "wk");
	assert_int_equal(got.item[0].percent, 10125);
	assert_int_equal(got.item[0].reset, 0);
	assert_int_equal(read_as("anthropic", "h", "{}"), USAGE_ANSWER);
	assert_int_equal(read_as("anthropic", "h", "{\"five_hour\":[]}"), USAGE_ANSWER);
	/* Half of it is good: half an answer is none. */
	assert_int_equal(read_as("anthropic", "h",
				 "{\"five_hour\":{\"utilization\":1},\"seven_day\":{}}"),
			 USAGE_ANSWER);
}

static void test_currency_by_host(void **state)
{
	static const char body[] = "{\"data\":{\"available_balance\":1,\"totalBalance\":\"1\"}}";

	(void)state;
	assert_int_equal(read_as("moonshot", "api.moonshot.cn", body), USAGE_DONE);
	assert_string_equal(got.item[0].currency, "CNY");
	assert_int_equal(read_as("moonshot", "api.moonshot.ai", body), USAGE_DONE);
	assert_string_equal(got.item[0].currency, "USD");
	assert_int_equal(read_as("siliconflow", "API.SILICONFLOW.CN", body), USAGE_DONE);
	assert_string_equal(got.item[0].currency, "CNY");
	assert_int_equal(read_as("siliconflow", "cn", body), USAGE_DONE);
	assert_string_equal(got.item[0].currency, "USD");
}

static void test_amounts(void **state)
{
	static const char *const amounts[][2] = {
		{ "0", "0.00" },
		{ "-0.0", "0.00" },
		{ "-0.004", "0.00" },
		{ "-0.006", "-0.01" },
		{ "1e2", "100.00" },
		{ "\"12\"", "12.00" },
		{ "\"0012.345\"", "12.35" },
		{ "999999999", "999999999.00" },
		{ "\"-999999999.5\"", "-999999999.50" },
		{ "1000000000", NULL },
		{ "999999999.999", "1000000000.00" },
		{ "\"1e2\"", NULL },
		{ "\"--1\"", NULL },
		{ "1e999", NULL },
		{ "99999999999999999999", NULL },
	};
	char body[256];
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(amounts); i++) {
		snprintf(body, sizeof(body), "{\"data\":{\"totalBalance\":%s}}", amounts[i][0]);
		assert_int_equal(read_as("siliconflow", "h", body),
				 amounts[i][1] ? USAGE_DONE : USAGE_ANSWER);
		assert_string_equal(got.item[0].amount, amounts[i][1] ? amounts[i][1] : "");
	}
}

/* ---- what comes through the pipe ---- */

static void test_numbers_are_checked(void **state)
{
	struct usage_result good = { .count = 1,
				     .item = { { .label = "5h",
						 .has_percent = 1,
						 .percent = 1 } } },
			    n;
	struct usage_item *at = &n.item[0];

	(void)state;
	assert_true(usage_result_valid(&good));
#define REFUSED(change)                               \
	do {                                          \
		n = good;                             \
		change;                               \
		assert_false(usage_result_valid(&n)); \
	} while (0)
	REFUSED(n.error = USAGE_ERRORS);
	REFUSED(n.retry = RETRY_MAX + 1);
	REFUSED(n.count = ITEMS_MAX + 1);
	REFUSED(n.count = 2);
	REFUSED(n.asked = 2);
	REFUSED(at->has_percent = 2);
	REFUSED(at->percent = PERCENT_MAX + 1);
	REFUSED(at->reset = UINT64_MAX);
	REFUSED(memset(at->label, 'a', sizeof(at->label)));
	REFUSED(memset(at->amount, '1', sizeof(at->amount)));
	REFUSED(memset(at->currency, 'A', sizeof(at->currency)));
	REFUSED(memcpy(at->label, "\x1b[2J", 5));
	REFUSED(memcpy(at->amount, "1 000", 6));
	REFUSED(memcpy(at->currency, "usd", 4));
	assert_null(usage_error_name(USAGE_DONE));
	assert_null(usage_error_name(USAGE_ERRORS));
	assert_string_equal(usage_error_name(USAGE_TOO_LARGE), "too-large");
}

static void test_there_is_an_end_of_room(void **state)
{
	struct usage_result n = { .count = 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < ITEMS_MAX; i++)
		assert_non_null(usage_result_add(&n, "x"));
	assert_null(usage_result_add(&n, "x"));
	assert_true(usage_result_valid(&n));
}

/* ---- whom a key may be sent to ---- */

static void test_targets(void **state)
{
	static const struct {
		const char *kind, *origin, *url; /* url NULL: refused */
		bool loopback;
	} targets[] = {
		{ "openrouter", "bearer https://openrouter.ai/api",
		  "https://openrouter.ai/api/v1/key", false },
		{ "openrouter", "bearer https://OpenRouter.AI", "https://OpenRouter.AI/api/v1/key",
		  false },
		{ "openrouter", "api-key https://openrouter.ai:8443/x/y",
		  "https://openrouter.ai:8443/api/v1/key", false },
		{ "zai", "bearer https://open.bigmodel.cn/api/anthropic",
		  "https://open.bigmodel.cn/api/monitor/usage/quota/limit", false },
		{ "deepseek", "bearer http://127.0.0.1:8080/x",
		  "http://127.0.0.1:8080/user/balance", true },
		{ "deepseek", "bearer http://127.8.9.1", "http://127.8.9.1/user/balance", true },
		{ "deepseek", "bearer https://[::1]:1", "https://[::1]:1/user/balance", true },
		{ "deepseek", "bearer http://LocalHost", "http://LocalHost/user/balance", true },
		{ "deepseek", "bearer http://gw.localhost:1", "http://gw.localhost:1/user/balance",
		  true },
		{ "anthropic", NULL, "https://api.anthropic.com/api/oauth/usage", false },
		{ "openrouter", "bearer http://openrouter.ai/api", NULL, false },
		{ "openrouter", "bearer https://api.deepseek.com", NULL, false },
		{ "openrouter", "bearer https://openrouter.ai.", NULL, false },
		{ "openrouter", "bearer https://evil.openrouter.ai", NULL, false },
		{ "openrouter", "bearer https://openrouter.ai@evil.test", NULL, false },
		{ "openrouter", "bearer https://openrouter.ai?x", NULL, false },
		{ "deepseek", "bearer http://localhost.evil.test", NULL, false },
		{ "deepseek", "bearer http://127.0.0.999", NULL, false },
		{ "deepseek", "bearer http://127.0.0.1.1", NULL, false },
		{ "deepseek", "bearer http://[::2]", NULL, false },
		{ "deepseek", "bearer ftp://127.0.0.1", NULL, false },
		{ "deepseek", "bearer", NULL, false },
		{ "deepseek", "", NULL, false },
	};
	struct usage_target t;
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(targets); i++) {
		struct failure f = { .code = FAIL_NONE };
		int r = usage_place_target(usage_place_find(targets[i].kind), targets[i].origin, &t,
					   &f);

		assert_int_equal(r, targets[i].url ? 0 : -1);
		if (r != 0) {
			assert_int_equal(f.code, FAIL_ORIGIN);
			continue;
		}
		assert_string_equal(t.url, targets[i].url);
		assert_int_equal(t.loopback, targets[i].loopback);
	}
	assert_null(usage_kind_find("nonsense"));
}

/* ---- the sandbox ---- */

static char mine[] = "/tmp/ccrun-usage-XXXXXX";

static bool refused(int r)
{
	return r < 0 && (errno == EACCES || errno == EPERM);
}

/* The number of what is not as it should be; 0 when all is. */
static int inside(pid_t outside)
{
	static char *const argv[] = { (char *)(uintptr_t) "true", NULL };

	if (fetch_sandbox_enter() != 0)
		return 1;
	if (!refused(open(mine, O_RDONLY)) || !refused(open(mine, O_WRONLY)))
		return 2;
	if (!refused(open("/tmp/ccrun-usage-new", O_CREAT | O_EXCL | O_WRONLY, 0600)))
		return 3;
	if (!refused(execv("/bin/true", argv)))
		return 4;
	if (open("/etc/hosts", O_RDONLY) < 0 || open("/etc/ssl/openssl.cnf", O_RDONLY) < 0)
		return 5;
	if (!refused(kill(outside, 0)) && syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 6)
		return 6;
	return 0;
}

static void test_sandbox(void **state)
{
	pid_t outside, pid;
	int status, fd;

	(void)state;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 1)
		skip();
	fd = mkstemp(mine);
	assert_true(fd >= 0);
	close(fd);
	outside = fork();
	if (outside == 0) {
		pause();
		_exit(0);
	}
	pid = fork();
	if (pid == 0)
		_exit(inside(outside));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	kill(outside, SIGKILL);
	waitpid(outside, NULL, 0);
	unlink(mine);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subscription_times),
		cmocka_unit_test(test_subscription),
		cmocka_unit_test(test_currency_by_host),
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_numbers_are_checked),
		cmocka_unit_test(test_there_is_an_end_of_room),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_sandbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
