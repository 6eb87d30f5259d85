/*
 * import/cc_switch_db.c - the variables in cc-switch's database (its version 3.8 and
 * later): the table providers has a JSON text of settings in each row.
 *
 * SQLite keeps all that it reads in one locked region (sqlite_memory), which is wiped
 * when the database is closed.
 */
#include "import/cc_switch_db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "import/json_env.h"
#include "import/sqlite_memory.h"

#define VALUES_ROOM (64 * 1024)	 /* bytes of all values that are kept */
#define SETTINGS_MAX (64 * 1024) /* bytes of one provider's settings */
/* What it sorts it keeps here too: else rows that are many go to a file below $TMPDIR. */
#define PAGES "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-512"

static const char providers[] =
	"SELECT name, settings_config FROM providers WHERE app_type = 'claude' "
	"ORDER BY name, id";

/* Is there a file beside it, of that ending, with something in it? */
static bool beside(const char *path, const char *ending)
{
	char name[PATH_SIZE];
	struct stat st;

	return snprintf(name, sizeof(name), "%s%s", path, ending) < (int)sizeof(name) &&
	       stat(name, &st) == 0 && st.st_size > 0;
}

/* The name of a file as a URI: what is no plain character is written by its number. */
static int uri_of(const char *path, bool whole, char *uri, size_t room)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789/._-";
	size_t n = (size_t)snprintf(uri, room, "file:");

	for (; *path && n + 4 < room; path++)
		n += (size_t)snprintf(uri + n, room - n, strchr(plain, *path) ? "%c" : "%%%02X",
				      (unsigned char)*path);
	n += (size_t)snprintf(uri + n, room - n, "?mode=ro%s", whole ? "&immutable=1" : "");
	return *path || n >= room ? -1 : 0;
}

static int database_failed(int code, struct failure *f)
{
	if (code == SQLITE_CANTOPEN || code == SQLITE_BUSY || (code & 0xff) == SQLITE_READONLY ||
	    code == SQLITE_LOCKED)
		return fail_set(f, FAIL_BUSY, "start cc-switch once and quit it, then again",
				"cc-switch has not written all of it yet");
	if (code == SQLITE_NOMEM)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "too large to be read in locked memory");
	/* SQLite's own text may quote what it read. */
	return fail_set(f, FAIL_CONFIG, NULL, "this is no database of cc-switch");
}

static int row_read(sqlite3_stmt *row, struct assignments *r, struct failure *f)
{
	const char *of = (const char *)sqlite3_column_text(row, 0);
	const char *text = (const char *)sqlite3_column_text(row, 1);
	int n = sqlite3_column_bytes(row, 1);
	unsigned before = r->n;
	struct failure why = { 0 };
	char name[SCOPE_OF_MAX];

	if (!text || n == 0)
		return 0;
	if (n > SETTINGS_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
				"the settings of one provider are too long");
	snprintf(name, sizeof(name), "%s", of ? of : "");
	if (json_env_add(text, (size_t)n, JSON_ENV_SETTINGS, name, r, &why) == 0) {
		/* A row has no line. */
		for (; before < r->n; before++)
			r->assign[before].line = 0;
		return 0;
	}
	/* One provider that is no JSON costs the others nothing. */
	r->bad_line = 0;
	if (why.code == FAIL_CONFIG)
		return 0;
	*f = why;
	return -1;
}

static int database_read(sqlite3 *db, struct assignments *r, struct failure *f)
{
	sqlite3_stmt *row = NULL;
	int code, ret = 0;

	code = sqlite3_exec(db, PAGES, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db, providers, -1, &row, NULL);
	if (code != SQLITE_OK)
		return database_failed(code, f);
	while (ret == 0 && (code = sqlite3_step(row)) == SQLITE_ROW)
		ret = row_read(row, r, f);
	if (ret == 0 && code != SQLITE_DONE)
		ret = database_failed(code, f);
	sqlite3_finalize(row);
	return ret;
}

/* Of its machine's steps: thousands are needed. */
#define STEPS_AT_ONCE 10000
#define STEPS_MAX (1000 * STEPS_AT_ONCE)

/* A file whose schema is a view without an end must not be read without an end. */
static int step_too_many(void *steps)
{
	unsigned *n = steps;

	*n += STEPS_AT_ONCE;
	return *n > STEPS_MAX;
}

static int database_open(const char *path, struct assignments *r, struct failure *f)
{
	/* Without a journal the file is whole, and SQLite needs to lock or write nothing. */
	bool whole = !beside(path, "-wal") && !beside(path, "-journal");
	char uri[3 * PATH_SIZE + 32];
	sqlite3 *db = NULL;
	unsigned steps = 0;
	int code, ret;

	if (uri_of(path, whole, uri, sizeof(uri)) != 0)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "path too long");
	code = sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	if (code == SQLITE_OK) {
		/* Whoever made the file wrote its schema: it defines no functions for us. */
		sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_progress_handler(db, STEPS_AT_ONCE, step_too_many, &steps);
	}
	ret = code == SQLITE_OK ? database_read(db, r, f) : database_failed(code, f);
	sqlite3_close(db);
	return ret;
}

int cc_switch_db_parse(const char *path, struct stat *st, struct assignments *r, struct failure *f)
{
	int ret;

	if (assignments_begin(r, VALUES_ROOM, f) != 0)
		return -1;
	if (stat(path, st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail_errno(f, NULL, "%s", path);
	if (!S_ISREG(st->st_mode))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "no regular file");
	if (access(path, R_OK) != 0)
		return fail_errno(f, NULL, "%s", path);
	if (sqlite_memory_begin(f) != 0)
		return -1;
	ret = database_open(path, r, f);
	sqlite_memory_end();
	return ret == 0 ? 1 : -1;
}
