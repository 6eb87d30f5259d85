/*
 * import/rewrite.c - replacing a file, with a backup that has no secrets.
 *
 * MUST: nothing that is written here, not a temporary file, not a backup,
 * holds a secret; at every instant the file is the old one or the new one.
 */
#include "import/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"

#define WRITE_MS 30000
#define INDEX_MAX (64L * 1024 * 1024)

/* ---- other copies ---- */

/* Is the path in git's index?  Versions 2 and 3 have it whole; version 4 compresses
 * names, so that one of it may be missed. */
static bool git_index_has(const char *git, const char *name)
{
	char path[PATH_SIZE];
	struct stat st;
	void *p = MAP_FAILED;
	bool found = false;
	int fd;

	if (snprintf(path, sizeof(path), "%s/index", git) >= (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 12 &&
	    st.st_size < INDEX_MAX)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p != MAP_FAILED) {
		found = memmem(p, (size_t)st.st_size, name, strlen(name) + 1) != NULL;
		munmap(p, (size_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
	return found;
}

enum git_state { GIT_NONE, GIT_INSIDE, GIT_TRACKED };

static enum git_state git_state_of(const char *real)
{
	char dir[PATH_MAX], git[PATH_MAX];
	struct stat st;
	char *slash;

	snprintf(dir, sizeof(dir), "%s", real);
	while ((slash = strrchr(dir, '/'))) {
		*slash = '\0';
		if (snprintf(git, sizeof(git), "%s/.git", dir) >= (int)sizeof(git) ||
		    stat(git, &st) != 0)
			continue;
		return S_ISDIR(st.st_mode) && git_index_has(git, real + (slash - dir) + 1)
			       ? GIT_TRACKED
			       : GIT_INSIDE;
	}
	return GIT_NONE;
}

void rewrite_warning(const struct import_file *file, char out[FILE_NOTE_MAX])
{
	char real[PATH_MAX];
	enum git_state git = realpath(file->path, real) ? git_state_of(real) : GIT_NONE;

	out[0] = '\0';
	if (file->st.st_nlink > 1)
		snprintf(out, FILE_NOTE_MAX, "it has %lu other names, and they keep the key",
			 (unsigned long)file->st.st_nlink - 1);
	else if (git == GIT_TRACKED)
		snprintf(
			out, FILE_NOTE_MAX,
			"git tracks it, and its history keeps the key: make a new one (rotate it)");
	else if (git == GIT_INSIDE)
		snprintf(out, FILE_NOTE_MAX,
			 "it is inside of a git repository: if it ever was committed, the history "
			 "keeps the key: rotate it");
}

/* ---- the copy without secrets ---- */

static int rewrite_backup(const struct import_file *file, const struct locked_text *backup,
			  char kept[PATH_SIZE], struct failure *f)
{
	char dir[PATH_SIZE], leaf[200], when[32];
	time_t now = time(NULL);
	const char *name = file->path;
	struct tm tm;
	size_t i;
	int fd, n;

	if (path_of(PATH_STATE, "import", dir, f) != 0)
		return -1;
	fd = path_private_dir(dir, f);
	if (fd < 0)
		return -1;
	close(fd);
	/* Of a long path the end tells most. */
	if (strlen(name) > 120)
		name += strlen(name) - 120;
	snprintf(leaf, sizeof(leaf), "%.120s", name);
	for (i = 0; leaf[i]; i++)
		leaf[i] = leaf[i] == '/' ? '%' : (unsigned char)leaf[i] < ' ' ? '_' : leaf[i];
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	for (n = 0; n < 100; n++) {
		if (snprintf(kept, PATH_SIZE, "%s/%s.%s-%d", dir, leaf, when, n) >= PATH_SIZE)
			break;
		if (access(kept, F_OK) != 0)
			return io_create_file(kept, backup->p, backup->n, NULL, f);
	}
	return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: no room for a backup", dir);
}

/* ---- the new file ---- */

/* Is the file still what was parsed, and can it be replaced? */
static int file_check_unchanged(const struct import_file *file, const char *real, struct failure *f)
{
	struct locked_text now;
	struct stat st;
	bool same;

	if (locked_text_read(real, false, &now, &st, f) != LOCKED_TEXT_READ)
		return -1;
	same = now.n == file->text.n && memcmp(now.p, file->text.p, now.n) == 0 &&
	       st.st_ino == file->st.st_ino;
	locked_text_free(&now);
	if (!same)
		return fail_set(f, FAIL_CHANGED, "the same command again",
				"it was changed meanwhile");
	if (st.st_uid != geteuid())
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "it belongs to somebody else");
	if (getxattr(real, "system.posix_acl_access", NULL, 0) > 0)
		return fail_set(f, FAIL_UNSAFE_PATH, "edit it by hand", "it has an access list");
	return 0;
}

static int file_fill(int fd, const struct import_file *file, const struct locked_text *fresh)
{
	struct stat st;

	if (io_write_all(fd, fresh->p, fresh->n, clock_now_ms() + WRITE_MS) != 0 ||
	    fstat(fd, &st) != 0)
		return -1;
	if (st.st_gid != file->st.st_gid && fchown(fd, (uid_t)-1, file->st.st_gid) != 0)
		return -1;
	return fchmod(fd, file->st.st_mode & 07777) != 0 || fsync(fd) != 0 ? -1 : 0;
}

static int rewrite_in_place(const struct import_file *file, const char *real,
			    const struct locked_text *fresh, struct failure *f)
{
	char tmp[PATH_MAX];
	int fd, r;

	fd = io_temp_open(real, tmp, sizeof(tmp));
	if (fd < 0)
		return fail_errno(f, NULL, "cannot make the new file in its directory");
	r = file_fill(fd, file, fresh);
	if (r != 0)
		fail_errno(f, "is the disk full?", "cannot write the new file");
	if (r == 0 && file_check_unchanged(file, real, f) != 0)
		r = -1;
	if (r == 0 && rename(tmp, real) != 0)
		r = fail_errno(f, NULL, "cannot put the new file in its place");
	close(fd);
	if (r != 0)
		unlink(tmp);
	else if (io_sync_parent(real) != 0)
		r = fail_errno(f, NULL, "replaced, but the directory cannot be synced to the disk");
	return r;
}

int rewrite_file(struct import_file *file, const struct locked_text *fresh,
		 const struct locked_text *backup, char kept[PATH_SIZE], struct failure *f)
{
	char real[PATH_MAX];

	if (!realpath(file->path, real))
		return fail_errno(f, NULL, "cannot be found any more");
	if (file_check_unchanged(file, real, f) != 0 || rewrite_backup(file, backup, kept, f) != 0)
		return -1;
	if (rewrite_in_place(file, real, fresh, f) != 0) {
		unlink(kept);
		return -1;
	}
	return 0;
}
