/*
 * client/doctor/own_group.c - a group that is one person's alone.
 *
 * By hand: ccctl is static, and the C library's own readers of these files are not.  Who is in
 * another database (LDAP) has no group of their own here.
 */
#include "client/doctor/own_group.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/facts/machine_file.h"

#define NO_GROUP ((gid_t)-1)

struct account {
	char name[256];
	unsigned long uid, gid;
};

/* The fields of a line of /etc/passwd that are looked at.  false: it is none. */
static bool account_parse(const char *line, struct account *out)
{
	return sscanf(line, "%255[^:]:%*[^:]:%lu:%lu:", out->name, &out->uid, &out->gid) == 3;
}

/* This process's user, or false; shared: somebody else has the same group there. */
static bool account_find_own(FILE *f, struct account *out, bool *shared)
{
	struct account a;
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, f) > 0)
		if (account_parse(line, &a) && a.uid == geteuid() && !found) {
			*out = a;
			found = true;
		}
	rewind(f);
	*shared = false;
	while (found && getline(&line, &size, f) > 0)
		if (account_parse(line, &a) && a.gid == out->gid && a.uid != out->uid)
			*shared = true;
	free(line);
	return found;
}

/* Does a line of /etc/group say that the account's group has its name, and it alone as a member? */
static bool group_is_own(const char *line, const struct account *own)
{
	char name[256], members[512] = "";
	unsigned long gid;

	return sscanf(line, "%255[^:]:%*[^:]:%lu:%511[^\n]", name, &gid, members) >= 2 &&
	       gid == own->gid && strcmp(name, own->name) == 0 &&
	       (!members[0] || strcmp(members, own->name) == 0);
}

static FILE *database_open(const char *path)
{
	char at[MACHINE_PATH];

	return fopen(machine_file_path(path, at), "re");
}

gid_t own_group(void)
{
	FILE *users = database_open("/etc/passwd"), *groups = database_open("/etc/group");
	bool shared = true, own = false;
	struct account me = { 0 };
	char *line = NULL;
	size_t size = 0;

	if (users && groups && account_find_own(users, &me, &shared) && !shared)
		while (!own && getline(&line, &size, groups) > 0)
			own = group_is_own(line, &me);
	free(line);
	if (users)
		fclose(users);
	if (groups)
		fclose(groups);
	return own ? (gid_t)me.gid : NO_GROUP;
}
