/* tests/import/test_import_cage.c - what ccrun-import can write in its cage, and what it runs. */
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
#include <ftw.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "import/import_cage.h"
#include "sandbox/landlock.h"

static char root[] = "/tmp/ccrun-import-XXXXXX";
static char home[64], elsewhere[64], named[80];

/* Which of the places can a file be made in: home, configuration, elsewhere, beside `named`. */
enum { HOME = 1, CONFIG = 2, ELSEWHERE = 4, NAMED = 8, RUNS = 16, CONNECTS = 32, SIGNALS = 64 };

static bool can_make(const char *dir)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/new", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return false;
	close(fd);
	return unlink(path) == 0;
}

static int what_goes(bool yes, bool scrub, bool names)
{
	static struct import im;
	char config[96], dir[64], *word[] = { named };
	char *const argv[] = { dir, NULL };
	int can = 0;

	snprintf(im.home, sizeof(im.home), "%s", home);
	snprintf(config, sizeof(config), "%s/.config/ccrun", home);
	snprintf(dir, sizeof(dir), "%s/dotfiles", root);
	im.yes = yes;
	im.scrub = scrub;
	setenv("HOME", home, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("HISTFILE");
	if (chdir(home) != 0 || import_cage_enter(&im, word, names ? 1 : 0, NULL) != 0)
		return 255;
	can |= can_make(home) ? HOME : 0;
	can |= can_make(config) ? CONFIG : 0;
	can |= can_make(elsewhere) ? ELSEWHERE : 0;
	can |= can_make(dir) ? NAMED : 0;
	/* It reads every file. */
	if (open(named, O_RDONLY) < 0 || open("/etc/hosts", O_RDONLY) < 0)
		return 254;
	can |= socket(AF_INET, SOCK_STREAM, 0) >= 0 ? CONNECTS : 0;
	can |= kill(getppid(), 0) == 0 ? SIGNALS : 0;
	execv("/bin/true", argv);
	can |= errno != EPERM ? RUNS : 0;
	return can;
}

static int in_child(bool yes, bool scrub, bool names)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(what_goes(yes, scrub, names));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_looking(void **state)
{
	(void)state;
	assert_int_equal(in_child(false, false, true), 0);
	assert_int_equal(in_child(false, true, true), 0);
}

static void test_storing(void **state)
{
	(void)state;
	assert_int_equal(in_child(true, false, true), CONFIG);
}

static void test_scrubbing(void **state)
{
	(void)state;
	assert_int_equal(in_child(true, true, false), HOME | CONFIG);
	assert_int_equal(in_child(true, true, true), HOME | CONFIG | NAMED);
}

/* The home directory's dotfiles may be links into another one. */
static void test_links(void **state)
{
	char link[96];

	(void)state;
	snprintf(link, sizeof(link), "%s/.bashrc", home);
	assert_int_equal(symlink(named, link), 0);
	assert_int_equal(in_child(true, true, false), HOME | CONFIG | NAMED);
	assert_int_equal(unlink(link), 0);
}

static int set_up(void **state)
{
	char dir[64];
	int fd;

	(void)state;
	if (!mkdtemp(root))
		return -1;
	snprintf(home, sizeof(home), "%s/home", root);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", root);
	snprintf(dir, sizeof(dir), "%s/dotfiles", root);
	snprintf(named, sizeof(named), "%s/bashrc", dir);
	if (mkdir(home, 0700) != 0 || mkdir(elsewhere, 0700) != 0 || mkdir(dir, 0700) != 0)
		return -1;
	fd = open(named, O_WRONLY | O_CREAT, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looking),
		cmocka_unit_test(test_storing),
		cmocka_unit_test(test_scrubbing),
		cmocka_unit_test(test_links),
	};

	/* Without Landlock only the system calls are closed, which tests/sandbox tries. */
	if (landlock_abi() < 1)
		return 0;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
