/*
 * broker/vault_store.c - the vault's directory: lock, read, atomic replacement.
 */
#include "broker/vault_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file_lock.h"
#include "base/io.h"
#include "base/proc.h"
#include "vault/limits.h"

#define VAULT STORE_VAULT
#define VAULT_NEW "vault.new"
#define VAULT_PREV "vault.prev"
#define VAULT_PREV_NEW "vault.prev.new"
#define WRITE_DEADLINE_MS 30000

/* The name under which a file is written before it takes its place. */
static const char *fresh_name(char out[STORE_LEAF_SIZE], const char *leaf)
{
	snprintf(out, STORE_LEAF_SIZE, "%.24s.new", leaf);
	return out;
}

enum store_presence store_presence(const struct vault_store *s)
{
	struct stat st;

	if (fstatat(s->dir, VAULT, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return STORE_PRESENT;
	return errno == ENOENT ? STORE_ABSENT : STORE_UNKNOWN;
}

/* What a broker that was killed had begun.  Who has the lock knows that nobody writes it now. */
static void remove_unfinished_files(const struct vault_store *s)
{
	static const char *const written[] = {
		VAULT,	      VAULT_PREV,	STORE_KEYFILE,	       STORE_KEYFILE_NEXT,
		STORE_LOCKED, STORE_CHECKPOINT, STORE_CHECKPOINT_NEXT, STORE_SPENDING
	};
	char fresh[STORE_LEAF_SIZE];
	size_t i;

	for (i = 0; i < sizeof(written) / sizeof(written[0]); i++)
		if (unlinkat(s->dir, fresh_name(fresh, written[i]), 0) != 0 && errno != ENOENT)
			return; /* a directory that nobody can write to: what is there is no harm */
	if (store_presence(s) == STORE_ABSENT)
		unlinkat(s->dir, STORE_CHECKPOINT_NEXT, 0);
}

/* FAIL_BUSY only where a broker has it: our programs take that for success, and look for it. */
static int take_lock(struct vault_store *s, struct failure *f)
{
	char path[PATH_SIZE + 8], pid[32];
	struct proc_stat st;
	pid_t holder;
	ssize_t n;

	snprintf(path, sizeof(path), "%s.lock", s->path);
	if (file_lock(s->lock, 0, path, f) == 0)
		return 0;
	if (f && f->code != FAIL_BUSY)
		return -1;
	holder = file_lock_holder(s->lock);
	if (holder && (proc_stat(holder, &st) != 0 || strcmp(st.comm, "ccbroker") != 0)) {
		if (f)
			f->code = FAIL_SYSTEM;
		return -1;
	}
	n = pread(s->lock, pid, sizeof(pid) - 1, 0);
	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return fail_set(f, FAIL_BUSY, NULL, "another broker (process %.20s) serves %s", pid,
			s->path);
}

int store_open(struct vault_store *s, const char *dir, struct failure *f)
{
	s->lock = -1;
	s->dir = path_private_dir(dir, f);
	if (s->dir < 0)
		return -1;
	if (snprintf(s->path, sizeof(s->path), "%s/" VAULT, dir) >= (int)sizeof(s->path)) {
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", dir);
		goto bad;
	}
	s->lock = openat(s->dir, "vault.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0) {
		fail_errno(f, NULL, "cannot open %s.lock", s->path);
		goto bad;
	}
	if (take_lock(s, f) != 0)
		goto bad;
	if (store_say_socket(s, "", f) != 0)
		goto bad;
	remove_unfinished_files(s);
	return 0;
bad:
	store_close(s);
	return -1;
}

int store_say_socket(struct vault_store *s, const char *path, struct failure *f)
{
	char text[PATH_SIZE + 32];
	int n = snprintf(text, sizeof(text), "%d\n%s%s", (int)getpid(), path, path[0] ? "\n" : "");

	/* A serving broker may not call pwrite. */
	if (ftruncate(s->lock, 0) != 0 || lseek(s->lock, 0, SEEK_SET) != 0 ||
	    write(s->lock, text, (size_t)n) != n)
		return fail_errno(f, "is the disk full?", "cannot write %s.lock", s->path);
	return 0;
}

bool store_lock_is_there(const struct vault_store *s)
{
	char path[PATH_SIZE + 8];
	struct stat held, there;

	snprintf(path, sizeof(path), "%s.lock", s->path);
	return fstat(s->lock, &held) == 0 && lstat(path, &there) == 0 &&
	       there.st_ino == held.st_ino && there.st_dev == held.st_dev;
}

void store_close(struct vault_store *s)
{
	if (s->lock >= 0)
		close(s->lock);
	if (s->dir >= 0)
		close(s->dir);
	s->lock = s->dir = -1;
}

static int check_vault_file(const struct vault_store *s, int fd, size_t *size, struct failure *f)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail_errno(f, NULL, "cannot read %s", s->path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
		fail_set(f, FAIL_UNSAFE_PATH, NULL,
			 "%s is not a private file of yours (uid %u, mode %04o)", s->path,
			 (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
		if (st.st_uid != geteuid())
			path_hint_owner(s->path, f);
		else if (S_ISREG(st.st_mode))
			fail_hint(f, "chmod 600 %s", s->path);
		else
			fail_hint(f, "move it away");
		return -1;
	}
	if (st.st_size > VAULT_FILE_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "%s has %lld bytes, the limit is %d",
				s->path, (long long)st.st_size, VAULT_FILE_MAX);
	*size = (size_t)st.st_size;
	return 0;
}

static int read_vault_file(const struct vault_store *s, uint8_t **out, size_t *n, struct stat *st,
			   struct failure *f)
{
	uint8_t *buf = NULL;
	size_t size = 0;
	ssize_t r;
	int fd;

	fd = openat(s->dir, VAULT, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ELOOP)
			return fail_set(f, FAIL_UNSAFE_PATH, "put the vault itself there",
					"%s is a symbolic link", s->path);
		if (errno != ENOENT)
			return fail_errno(f, NULL, "cannot read %s", s->path);
		fail_set(f, FAIL_NO_VAULT, "ccctl init makes one", "there is no vault yet");
		if (faccessat(s->dir, VAULT_PREV, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			fail_hint(f, "%s.prev is the last generation: copy it back", s->path);
		return -1;
	}
	if (check_vault_file(s, fd, &size, f) != 0 || fstat(fd, st) != 0)
		goto bad;
	buf = malloc(size + 1);
	if (!buf) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for %s", s->path);
		goto bad;
	}
	r = io_read_all(fd, buf, size + 1, clock_now_ms() + WRITE_DEADLINE_MS);
	if (r < 0) {
		fail_errno(f, NULL, "cannot read %s", s->path);
		goto bad;
	}
	close(fd);
	*out = buf;
	*n = (size_t)r;
	return 0;
bad:
	free(buf);
	close(fd);
	return -1;
}

int store_read(struct vault_store *s, uint8_t **out, size_t *n, struct failure *f)
{
	return read_vault_file(s, out, n, &s->last_read, f);
}

void store_accept(struct vault_store *s)
{
	s->current = s->last_read;
}

/* Is the file still the one whose contents the broker holds?  A file that was
 * removed counts as unchanged: writing it again brings back what was in it. */
static int check_unchanged(const struct vault_store *s, struct failure *f)
{
	struct stat now;

	if (s->current.st_ino == 0 || fstatat(s->dir, VAULT, &now, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	if (now.st_ino == s->current.st_ino && now.st_dev == s->current.st_dev &&
	    now.st_size == s->current.st_size && now.st_mtim.tv_sec == s->current.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == s->current.st_mtim.tv_nsec)
		return 0;
	return fail_set(f, FAIL_CHANGED,
			"ccctl lock, then ccctl unlock: that reads the file as it is now",
			"%s was changed by something else, so it is not overwritten", s->path);
}

/* Write a new file beside the vault and fsync it. */
static int write_new_file(const struct vault_store *s, const char *leaf, const uint8_t *p, size_t n,
			  struct failure *f)
{
	int fd;

	/* A crash may have left one. */
	unlinkat(s->dir, leaf, 0);
	fd = openat(s->dir, leaf, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_errno(f,
				  errno == EEXIST ? "a directory has that name: move it away"
						  : "may this user create files in that directory?",
				  "cannot create %s beside %s", leaf, s->path);
	if (io_write_all(fd, p, n, clock_now_ms() + WRITE_DEADLINE_MS) != 0 || fsync(fd) != 0) {
		fail_errno(f, "make room on the disk; the vault is as it was",
			   "cannot write %s beside %s", leaf, s->path);
		close(fd);
		unlinkat(s->dir, leaf, 0);
		return -1;
	}
	if (close(fd) != 0) {
		fail_errno(f, NULL, "cannot write %s beside %s", leaf, s->path);
		unlinkat(s->dir, leaf, 0);
		return -1;
	}
	return 0;
}

enum previous {
	PREVIOUS_FAILED = -1,
	PREVIOUS_NONE, /* there was no vault before */
	PREVIOUS_KEPT
};

/* Make the present file vault.prev, atomically: by a link, or by a copy on a file
 * system without links. */
static enum previous keep_previous_generation(const struct vault_store *s, struct failure *f)
{
	uint8_t *old = NULL;
	struct stat st;
	size_t n;
	int r;

	unlinkat(s->dir, VAULT_PREV_NEW, 0);
	if (linkat(s->dir, VAULT, s->dir, VAULT_PREV_NEW, 0) != 0) {
		if (errno == ENOENT)
			return PREVIOUS_NONE;
		if (read_vault_file(s, &old, &n, &st, f) != 0)
			return PREVIOUS_FAILED;
		r = write_new_file(s, VAULT_PREV_NEW, old, n, f);
		free(old);
		if (r != 0)
			return PREVIOUS_FAILED;
	}
	if (renameat(s->dir, VAULT_PREV_NEW, s->dir, VAULT_PREV) != 0) {
		fail_errno(f, NULL, "cannot keep the present vault as %s.prev", s->path);
		return PREVIOUS_FAILED;
	}
	return PREVIOUS_KEPT;
}

int store_write(struct vault_store *s, const uint8_t *p, size_t n, struct failure *f)
{
	enum previous previous;

	if (check_unchanged(s, f) != 0)
		return -1;
	if (write_new_file(s, VAULT_NEW, p, n, f) != 0)
		return -1;
	previous = keep_previous_generation(s, f);
	if (previous == PREVIOUS_FAILED)
		goto bad;
	if (renameat(s->dir, VAULT_NEW, s->dir, VAULT) != 0) {
		fail_errno(f, NULL, "cannot replace %s", s->path);
		goto bad;
	}
	if (fsync(s->dir) != 0) {
		/* The change is reported as failed, so the file must not have it. */
		fail_errno(f, NULL, "cannot sync the directory of %s", s->path);
		if (previous == PREVIOUS_KEPT)
			renameat(s->dir, VAULT_PREV, s->dir, VAULT);
		else
			unlinkat(s->dir, VAULT, 0);
		s->current.st_ino = 0;
		return -1;
	}
	if (fstatat(s->dir, VAULT, &s->current, AT_SYMLINK_NOFOLLOW) != 0)
		s->current.st_ino = 0;
	return 0;
bad:
	unlinkat(s->dir, VAULT_NEW, 0);
	return -1;
}

/* ---- beside the vault ---- */

enum store_read_result store_read_beside(const struct vault_store *s, const char *leaf, void *out,
					 size_t room, size_t *n, struct failure *f)
{
	struct stat st;
	ssize_t r;
	int fd;

	fd = openat(s->dir, leaf, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return STORE_READ_ABSENT;
	if (fd < 0) {
		fail_errno(f, NULL, "cannot read %s beside %s", leaf, s->path);
		return STORE_READ_FAILED;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077)) {
		close(fd);
		fail_set(f, FAIL_UNSAFE_PATH, "chmod 600 it",
			 "%s beside %s is no private file of uid %u", leaf, s->path,
			 (unsigned)geteuid());
		return STORE_READ_FAILED;
	}
	r = io_read_all(fd, out, room, clock_now_ms() + WRITE_DEADLINE_MS);
	close(fd);
	if (r < 0) {
		fail_errno(f, NULL, "cannot read %s beside %s", leaf, s->path);
		return STORE_READ_FAILED;
	}
	*n = (size_t)r;
	return STORE_READ_DONE;
}

int store_write_beside(const struct vault_store *s, const char *leaf, const void *p, size_t n,
		       struct failure *f)
{
	char fresh[STORE_LEAF_SIZE];

	fresh_name(fresh, leaf);
	if (write_new_file(s, fresh, p, n, f) != 0)
		return -1;
	if (renameat(s->dir, fresh, s->dir, leaf) != 0 || fsync(s->dir) != 0) {
		fail_errno(f, NULL, "cannot replace %s beside %s", leaf, s->path);
		unlinkat(s->dir, fresh, 0);
		return -1;
	}
	return 0;
}

int store_remove_beside(const struct vault_store *s, const char *leaf, struct failure *f)
{
	if ((unlinkat(s->dir, leaf, 0) != 0 && errno != ENOENT) || fsync(s->dir) != 0)
		return fail_errno(f, NULL, "cannot remove %s beside %s", leaf, s->path);
	return 0;
}

int store_rename_beside(const struct vault_store *s, const char *from, const char *to,
			struct failure *f)
{
	if (renameat(s->dir, from, s->dir, to) != 0 || fsync(s->dir) != 0)
		return fail_errno(f, NULL, "cannot replace %s beside %s", to, s->path);
	return 0;
}

/* Link `from` to STORE_REPLACED, or that and the first free number. */
static int link_aside(const struct vault_store *s, const char *from, char leaf[STORE_LEAF_SIZE],
		      struct failure *f)
{
	int i;

	snprintf(leaf, STORE_LEAF_SIZE, STORE_REPLACED);
	for (i = 1; linkat(s->dir, from, s->dir, leaf, 0) != 0; i++) {
		if (errno == ENOENT) {
			leaf[0] = '\0';
			return 0;
		}
		if (errno != EEXIST || i > 99)
			return fail_errno(f, "move the older ones away",
					  "cannot keep a copy as %s beside %s", leaf, s->path);
		snprintf(leaf, STORE_LEAF_SIZE, STORE_REPLACED ".%d", i);
	}
	return 0;
}

int store_set_aside(struct vault_store *s, char leaf[STORE_LEAF_SIZE], struct failure *f)
{
	return link_aside(s, VAULT, leaf, f);
}

int store_set_aside_previous(struct vault_store *s, struct failure *f)
{
	char leaf[STORE_LEAF_SIZE];

	return link_aside(s, VAULT_PREV, leaf, f);
}

int store_remove(struct vault_store *s, struct failure *f)
{
	if (store_remove_beside(s, VAULT_PREV, f) != 0)
		return -1;
	if (unlinkat(s->dir, VAULT, 0) != 0 && errno != ENOENT)
		return fail_errno(f, NULL, "cannot remove %s", s->path);
	/* It is gone, and a failure would say that it is there. */
	(void)fsync(s->dir);
	store_forget(s);
	return 0;
}

void store_forget(struct vault_store *s)
{
	s->current.st_ino = 0;
}

void store_explain_failure(const struct vault_store *s, struct failure *f)
{
	char what[sizeof(f->what)];
	bool prev = faccessat(s->dir, VAULT_PREV, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	switch (f ? f->code : FAIL_NONE) {
	case FAIL_DAMAGED:
	case FAIL_TRUNCATED:
	case FAIL_NEWER:
	case FAIL_KDF_BOUNDS:
		break;
	default:
		return;
	}
	memcpy(what, f->what, sizeof(what));
	snprintf(f->what, sizeof(f->what), "%.150s: %.160s", s->path, what);
	/* The mend of a newer one is a newer program, not an older vault. */
	if (prev && f->code != FAIL_NEWER)
		fail_hint(f, "nothing was written; the generation before it is %s.prev", s->path);
	else if (!f->hint[0])
		fail_hint(f, "nothing was written; there is no previous generation beside it");
}
