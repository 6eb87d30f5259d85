/*
 * helpers/logind/login1_bus.h - logind's names on the bus, and what a failed call is called.
 */
#ifndef HELPERS_LOGIND_LOGIN1_BUS_H
#define HELPERS_LOGIND_LOGIN1_BUS_H

#include <systemd/sd-bus.h>

struct failure;

#define LOGIN1 "org.freedesktop.login1"
#define MANAGER_PATH "/org/freedesktop/login1"
#define MANAGER LOGIN1 ".Manager"
#define SESSION LOGIN1 ".Session"

/*
 * Set f from sd-bus's return value r and error e (NULL for none), which is freed; what: what was
 * tried.  Returns -1.
 */
int login1_bus_failure(struct failure *f, int r, sd_bus_error *e, const char *what);

#endif
