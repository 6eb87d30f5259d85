/*
 * client/doctor/comfort.c - checks: what makes every day easier.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/shell_word.h"
#include "client/doctor/checks.h"
#include "client/login/login_files.h"
#include "client/login/systemctl.h"
#include "client/statusline/change.h"
#include "client/statusline/command.h"

/* ---- log-in ---- */

/* The name of a unit that is there and has failed, or NULL. */
static const char *login_failed_unit(const struct login_files *l)
{
	struct manager_unit seen[LOGIN_UNITS] = { 0 };
	const char *names[LOGIN_UNITS];
	struct failure ignored = { 0 };
	unsigned i;

	for (i = 0; i < LOGIN_UNITS; i++)
		names[i] = l->file[i].name;
	if (!manager_here() || manager_ask(names, LOGIN_UNITS, seen, &ignored) != 0)
		return NULL;
	return manager_failed(names, LOGIN_UNITS, seen);
}

/* Is a unit or the autostart entry there, does it work, and is it this installation's? */
static void login_look_at(struct checkup *d, const struct login_files *l)
{
	bool units = login_linked(l, UNIT_SOCKET);
	const char *failed = units ? login_failed_unit(l) : NULL;
	int i;

	for (i = 0; i < LOGIN_FILES; i++)
		if (l->file[i].state == FILE_STALE)
			found_advice(d, "ccctl login enable writes it anew",
				     "%s is another installation's or version's", l->file[i].path);
	if (found_any(d))
		return;
	if (failed)
		found_broken(d, "journalctl --user -e tells why; then ccctl login enable",
			     "a unit of the log-in has failed: %s", failed);
	else if (units && l->shared[0] && !l->shared_current &&
		 l->file[UNIT_SOCKET].state == FILE_MISSING)
		found_advice(d, "use its ccctl, or sudo make install this one there",
			     "the units in %s are another installation's", l->shared);
	else if (units && l->file[AUTOSTART].state == FILE_CURRENT)
		found_advice(d, "ccctl login enable removes the entry",
			     "systemd's units and an autostart entry both open the vault");
	else if (units || l->file[AUTOSTART].state == FILE_CURRENT)
		found_ok(d, units ? "systemd's user units open the vault"
				  : "an autostart entry opens the vault");
	else if (strcmp(d->broker.kind, "system") != 0)
		found_advice(d, "ccctl login enable", "nothing opens the vault when you log in");
}

void check_login(struct checkup *d)
{
	static struct login_files l; /* five files with their text: not on the stack */
	struct failure f = { 0 };

	if (login_look(&l, &f) != 0)
		found_failure(d, CHECK_ADVICE, &f, NULL);
	else
		login_look_at(d, &l);
}

/* ---- the status line ---- */

void check_statusline(struct checkup *d)
{
	struct claude_settings s;
	char program[PATH_SIZE], quoted[PATH_SIZE];
	struct failure f = { 0 };
	const char *command;
	size_t word;

	if (claude_settings_load(&s, &f) != 0) {
		/* check_settings_user says why. */
		claude_settings_free(&s);
		return;
	}
	switch (statusline_whose(&s, &command, &word)) {
	case STATUSLINE_NONE:
		found_advice(d, "ccctl statusline install", "Claude Code has none");
		break;
	case STATUSLINE_ANOTHERS:
		found_ok(d, "Claude Code has another one");
		break;
	case STATUSLINE_OURS:
		if (command_program(program, &f) == 0 &&
		    shell_word(program, quoted, sizeof(quoted)) && strlen(quoted) == word &&
		    strncmp(command, quoted, word) == 0)
			found_ok(d, "Claude Code has ours");
		else
			found_advice(d, "ccctl statusline install",
				     "Claude Code runs another installation's: %.*s", (int)word,
				     command);
		break;
	}
	claude_settings_free(&s);
}
