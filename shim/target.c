/*
 * shim/target.c - finding the program, following "#!", reading ELF headers.
 */
#include "shim/target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/roots.h"
#include "base/utf8.h"
#include "shim/program_search.h"
#include "wire/names.h"

#define INTERPRETERS_MAX 5 /* Linux follows four (BINPRM_MAX_RECURSION) */
#define CLIENT_PACKAGE "@anthropic-ai/claude-code"
#define INSTALL_HINT "npm install -g --prefix ~/.local " CLIENT_PACKAGE
#define STUB_HINT "npm install -g --prefix ~/.local --ignore-scripts=false " CLIENT_PACKAGE
/* What npm leaves where it was not allowed to run the package's install script. */
#define NPM_STUB "is npm's placeholder for Claude Code: the install script was not run"
#define NO_FILE "is no regular file: it can be no interpreter"
#define PROGRAM_HEADERS_MAX 64 /* a program has about a dozen; PT_INTERP is among the first */

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#else
#error "which ELF machine is this?"
#endif

/*
 * Open a file that is executed, or -1 with errno: EACCES, as execve has it, where it is no regular
 * one.  To open a device may do something already.
 */
static int file_open(const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) != 0)
		return -1;
	fd = S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	if (S_ISREG(st.st_mode) && (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))))
		return fd;
	if (fd >= 0)
		close(fd);
	errno = EACCES;
	return -1;
}

/* Is it there, and of a kind that file_open refuses? */
static bool file_is_other(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static void target_set_why_not(struct target *t, const char *path, const char *why)
{
	t->preloadable = false;
	snprintf(t->why_not, sizeof(t->why_not), "%.150s %s", path, why);
}

/* Does the dynamic loader run in secure mode for it (and ignore LD_PRELOAD)? */
static bool file_is_privileged(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || (st.st_mode & (S_ISUID | S_ISGID)))
		return true;
	return fgetxattr(fd, "security.capability", NULL, 0) >= 0;
}

static void target_check_elf(struct target *t, const char *path, int fd, const unsigned char *head)
{
	Elf64_Phdr ph[PROGRAM_HEADERS_MAX];
	Elf64_Ehdr eh;
	char interp[256] = "";
	ssize_t n;
	unsigned i;

	memcpy(&eh, head, sizeof(eh));
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != OUR_MACHINE) {
		target_set_why_not(t, path, "is for another machine");
		return;
	}
	n = io_read_at(fd, ph, sizeof(ph), (off_t)eh.e_phoff);
	for (i = 0; n > 0 && i < eh.e_phnum && (i + 1) * sizeof(ph[0]) <= (size_t)n; i++)
		if (ph[i].p_type == PT_INTERP && ph[i].p_filesz < sizeof(interp) &&
		    io_read_at(fd, interp, ph[i].p_filesz, (off_t)ph[i].p_offset) !=
			    (ssize_t)ph[i].p_filesz)
			interp[0] = '\0';
	if (interp[0] && access(interp, F_OK) != 0)
		snprintf(t->broken, sizeof(t->broken),
			 "needs the loader %.100s, which is not here%s", interp,
			 strstr(interp, "/ld-musl") ? ": it is built for musl" : "");
	if (!interp[0])
		target_set_why_not(t, path, "is statically linked");
	else if (!strstr(interp, "/ld-linux"))
		target_set_why_not(t, path, "is linked to another C library than glibc");
	else if (file_is_privileged(fd))
		target_set_why_not(t, path, "is set-id or has file capabilities");
}

/* "#! interpreter argument": its path into path (PATH_SIZE bytes); false: there is none. */
static bool interpreter_parse(char *line, char *path)
{
	char *save = NULL, *word, *arg;
	bool seen = false;

	line[strcspn(line, "\n")] = '\0';
	word = strtok_r(line + 2, " \t", &save);
	if (!word)
		return false;
	arg = strtok_r(NULL, " \t", &save);
	if (arg && strcmp(arg, "-S") == 0)
		arg = strtok_r(NULL, " \t", &save);
	/* #!/usr/bin/env node: env executes node, which is what gets the library. */
	if (arg && strcmp(strrchr(word, '/') ? strrchr(word, '/') + 1 : word, "env") == 0)
		return program_search(arg, path, &seen);
	return snprintf(path, PATH_SIZE, "%s", word) < PATH_SIZE;
}

/* out = path as it can be sent and shown: cut, and with "?" for what no terminal should get. */
static void path_set(char out[IMAGE_PATH_MAX + 1], const char *path)
{
	snprintf(out, IMAGE_PATH_MAX + 1, "%s", path);
	fail_sanitize(out);
	if (utf8_valid(out, strlen(out)))
		return;
	for (; *out; out++)
		if (*out & 0x80)
			*out = '?';
}

/* Note the next file of what is executed: the program, then each interpreter. */
static void target_add_file(struct target *t, const char *path)
{
	struct image *i = &t->image;
	size_t n = strlen(i->identity);
	struct image_file *to = n ? &i->interpreter : &i->program;
	struct failure f = { 0 };
	char file[PATH_SIZE];
	struct stat st;

	if (!t->not_roots[0] && path_check_roots(path, &f) != 0)
		snprintf(t->not_roots, sizeof(t->not_roots), "%.250s", f.what);
	if (stat(path, &st) != 0)
		return;
	path_set(to->path, path);
	path_set(to->file, realpath(path, file) ? file : path);
	to->owner = st.st_uid;
	if (n)
		snprintf(t->interpreter, sizeof(t->interpreter), "%s", path);
	snprintf(i->identity + n, sizeof(i->identity) - n, "%s%llu:%llu:%lld:%lld.%09ld",
		 n ? "+" : "", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		 (long long)st.st_size, (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

static bool text_only(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] < '\t')
			return false;
	return true;
}

/* A text without a "#!" line, which only a shell would run. */
static void target_note_text(struct target *t, const char *head, ssize_t n)
{
	static const char echo[] = "echo \"Error: claude native binary not installed";

	if (n >= (ssize_t)sizeof(echo) && memcmp(head, echo, sizeof(echo) - 1) == 0)
		snprintf(t->broken, sizeof(t->broken), "%s", NPM_STUB);
	else if (n == 0)
		snprintf(t->broken, sizeof(t->broken), "is empty");
	else if (n < 0)
		return;
	else if (n > 1 && memcmp(head, "#!", 2) == 0)
		snprintf(t->broken, sizeof(t->broken),
			 "is a script for a program that is not in PATH");
	else if (text_only(head, (size_t)n))
		snprintf(t->broken, sizeof(t->broken),
			 "is a text without a #! line, which no kernel runs");
}

static void target_check_program(struct target *t)
{
	unsigned char head[512];
	char path[PATH_SIZE];
	ssize_t n;
	int fd, depth;

	memcpy(path, t->path, sizeof(path));
	t->preloadable = true;
	for (depth = 0; depth < INTERPRETERS_MAX; depth++) {
		fd = file_open(path);
		n = fd < 0 ? -1 : io_read_at(fd, head, sizeof(head) - 1, 0);
		target_add_file(t, path);
		if (n < (ssize_t)sizeof(Elf64_Ehdr) && !(n > 2 && memcmp(head, "#!", 2) == 0)) {
			target_note_text(t, (const char *)head, n);
			target_set_why_not(t, path,
					   fd >= 0 ? "is in no format that ccrun knows"
					   : file_is_other(path) ? NO_FILE
								 : "cannot be read");
			if (fd >= 0)
				close(fd);
			return;
		}
		if (memcmp(head, ELFMAG, SELFMAG) == 0) {
			target_check_elf(t, path, fd, head);
			close(fd);
			return;
		}
		close(fd);
		head[n] = '\0';
		if (memcmp(head, "#!", 2) != 0 || !interpreter_parse((char *)head, path)) {
			target_note_text(t, (const char *)head, n);
			target_set_why_not(t, path, "is in no format that ccrun knows");
			return;
		}
		if (access(path, F_OK) != 0)
			snprintf(t->broken, sizeof(t->broken),
				 "is a script for %.150s, which is not here", path);
	}
	target_set_why_not(t, path, "has too many interpreters");
}

static void target_find_library(struct target *t)
{
	struct failure f = { 0 };

	if (library_find(&t->library, &f) == 0)
		return;
	t->preloadable = false;
	snprintf(t->why_not, sizeof(t->why_not), "%.250s", f.what);
}

/* seen: path is one that cannot be executed. */
static int target_fail_search(const char *program, const char *path, bool seen, struct failure *f)
{
	char other[PATH_SIZE], link[256];
	ssize_t n = seen ? readlink(path, link, sizeof(link) - 1) : -1;

	if (n > 0 && access(path, F_OK) != 0) {
		link[n] = '\0';
		fail_set(f, FAIL_NO_ENTRY, NULL, "%s: %.200s is a link to %s, which is not there",
			 program, path, link);
	} else if (seen) {
		fail_set(f, FAIL_NO_ENTRY, NULL, "%s: %.200s, in PATH, cannot be executed", program,
			 path);
	} else {
		fail_set(f, FAIL_NO_ENTRY, NULL, "%s: not found in PATH", program);
	}
	if (strcmp(program, "claude") != 0)
		return -1;
	if (program_elsewhere(other))
		fail_hint(f,
			  "there is %s: a new log-in may put its directory into PATH (a shell's "
			  "alias or function does not); or ccrun --exec %s",
			  other, other);
	else
		fail_hint(f, "install Claude Code: " INSTALL_HINT);
	return -1;
}

/* What the kernel would only call a wrong format, or a file that is not there. */
static int target_check_runs(const struct target *t, struct failure *f)
{
	if (!t->broken[0])
		return 0;
	/* Not "node .../install.cjs": that is a file beside it, which whoever put it there chose. */
	return fail_set(f, FAIL_CONFIG,
			strcmp(t->broken, NPM_STUB) == 0
				? "install Claude Code anew, with its script: " STUB_HINT
				: "install it anew, or ccrun --exec PATH starts another one",
			"%.150s %s", t->path, t->broken);
}

int target_find(struct target *t, const char *program, int *code, struct failure *f)
{
	bool seen = false;

	memset(t, 0, sizeof(*t));
	t->library.fd = -1;
	*code = EXIT_NOT_FOUND;
	if (strchr(program, '/')) {
		if (snprintf(t->path, sizeof(t->path), "%s", program) >= (int)sizeof(t->path))
			return fail_set(f, FAIL_USAGE, NULL, "path too long: %.100s...", program);
		seen = access(t->path, F_OK) == 0;
		if (!program_runs(t->path)) {
			*code = seen ? EXIT_CANNOT_EXEC : EXIT_NOT_FOUND;
			return fail_set(f, FAIL_NO_ENTRY, NULL, "%s: %s", program,
					seen ? "cannot be executed" : "no such program");
		}
	} else if (!program_search(program, t->path, &seen)) {
		*code = seen ? EXIT_CANNOT_EXEC : EXIT_NOT_FOUND;
		return target_fail_search(program, t->path, seen, f);
	}
	t->claude = program_is_claude(t->path);
	/* A path says itself which program it is. */
	if (wire_name_ok(program))
		snprintf(t->image.name, sizeof(t->image.name), "%s", program);
	target_check_program(t);
	if (target_check_runs(t, f) != 0) {
		*code = EXIT_CANNOT_EXEC;
		return -1;
	}
	if (t->preloadable)
		target_find_library(t);
	if (t->preloadable && t->library.note[0] && !t->not_roots[0])
		snprintf(t->not_roots, sizeof(t->not_roots), "%.250s", t->library.note);
	return 0;
}

int target_find_asking(struct target *t, const char *what, int *code, struct failure *f)
{
	char path[PATH_SIZE];

	*code = EXIT_CCRUN;
	if (path_installed("libexec/ccrun/ccrun-ask", path, f) != 0 ||
	    target_find(t, path, code, f) != 0)
		return -1;
	t->asks = what;
	return 0;
}

int target_check_same(const struct target *t, struct failure *f)
{
	static struct target now;

	memset(&now, 0, sizeof(now));
	memcpy(now.path, t->path, sizeof(now.path));
	target_check_program(&now);
	if (strcmp(now.image.identity, t->image.identity) == 0)
		return 0;
	return fail_set(f, FAIL_CHANGED, "start it again", "%.250s was changed meanwhile", t->path);
}

/* Open one of its files, to read all of it. */
static int target_open_file(const char *path, struct failure *f)
{
	struct stat st;
	int fd = file_open(path);

	if (fd < 0 && file_is_other(path))
		return fail_set(f, FAIL_BAD_VALUE,
				"correct the program's #! line, or install it anew",
				"%.200s " NO_FILE, path);
	if (fd < 0)
		return fail_errno(f, NULL, "%.250s", path);
	if (fstat(fd, &st) == 0 && st.st_size <= IMAGE_BYTES_MAX)
		return fd;
	close(fd);
	fail_set(f, FAIL_TOO_LARGE, NULL, "%.200s is larger than %lld MiB: it gets no key", path,
		 IMAGE_BYTES_MAX >> 20);
	fail_hint(f, "is that the client? ccrun --exec PATH starts another one");
	return -1;
}

int target_open(const struct target *t, int out[2], struct failure *f)
{
	int n = t->interpreter[0] ? 2 : 1, i;

	for (i = 0; i < n; i++) {
		out[i] = target_open_file(i ? t->interpreter : t->path, f);
		if (out[i] >= 0)
			continue;
		while (i-- > 0)
			close(out[i]);
		return -1;
	}
	return n;
}
