/*
 * client/doctor/own_group.h - a group that is one person's alone.
 */
#ifndef CLIENT_OWN_GROUP_H
#define CLIENT_OWN_GROUP_H

#include <sys/types.h>

/*
 * The group of this process's user, if it has the user's name and nobody else is in it, as on a
 * system that gives each user one; its umask is then 002, and what people make can be written by
 * that group.  Else (gid_t)-1.
 */
gid_t own_group(void);

#endif
