/*
 * tests/fuzz/fuzz_database.c - cc-switch's database, as ccctl import reads it by SQLite.
 *
 * An input is the file (d), or (w) two bytes for the length of the file and then it and what its
 * journal has.  SQLite's magic is put right first.  What is checked besides memory: what was found
 * lies within its values, a refusal is one of those that are said, and neither the file nor its
 * directory was changed.
 *
 * Targets: import/cc_switch_db.c import/sqlite_memory.c
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "import/cc_switch_db.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/fuzz/fuzz_locked.h"

#define MAGIC "SQLite format 3"
#define INPUT_MAX 65536

static char path[96], journal[104];
static uint8_t file[INPUT_MAX], after[INPUT_MAX + 1];

static void put(const char *where, const void *p, size_t n)
{
	int fd = open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
}

static void check_unchanged(size_t n, bool with_journal)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	DIR *d = opendir(fuzz_directory);
	unsigned names = 0;

	MUST(fd >= 0 && read(fd, after, sizeof(after)) == (ssize_t)n &&
	     memcmp(file, after, n) == 0);
	close(fd);
	MUST(d);
	while (readdir(d))
		names++;
	closedir(d);
	/* Beside a journal SQLite may put an index of it; without one there is the file alone. */
	MUST(with_journal || names == 3);
}

static void read_database(size_t n, bool with_journal)
{
	struct failure f = { 0 };
	struct assignments r;
	struct stat st;
	unsigned i;
	int got = cc_switch_db_parse(path, &st, &r, &f);

	MUST(got == 1 || f.code == FAIL_CONFIG || f.code == FAIL_BUSY || f.code == FAIL_TOO_LARGE);
	fuzz_understood += got == 1;
	for (i = 0; i < r.n; i++) {
		MUST(r.assign[i].name[0] && r.assign[i].scope < r.scopes);
		if (r.assign[i].kind == VALUE_LITERAL)
			MUST(r.assign[i].p >= r.pool.p &&
			     r.assign[i].p + r.assign[i].n <= r.pool.p + r.pool.n);
	}
	assignments_free(&r);
	check_unchanged(n, with_journal);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_directory_make();
	snprintf(path, sizeof(path), "%s/cc-switch.db", fuzz_directory);
	snprintf(journal, sizeof(journal), "%s-wal", path);
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t of_file = n > 3 ? (size_t)p[1] << 8 | p[2] : 0;
	char index[104];
	bool both = n > 3 && p[0] == 'w' && of_file <= n - 3;

	if (n < 1 || n > INPUT_MAX)
		return 0;
	fuzz_inputs++;
	p += both ? 3 : 1;
	n -= both ? 3 : 1;
	of_file = both ? of_file : n;
	memcpy(file, p, of_file);
	if (of_file >= sizeof(MAGIC))
		memcpy(file, MAGIC, sizeof(MAGIC));
	put(path, file, of_file);
	if (both)
		put(journal, p + of_file, n - of_file);
	read_database(of_file, both);
	if (both) {
		unlink(journal);
		snprintf(index, sizeof(index), "%s-shm", path);
		unlink(index);
	}
	return 0;
}
