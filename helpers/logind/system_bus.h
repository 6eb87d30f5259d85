/*
 * helpers/logind/system_bus.h - the bus on which logind speaks.
 */
#ifndef HELPERS_LOGIND_SYSTEM_BUS_H
#define HELPERS_LOGIND_SYSTEM_BUS_H

#include <systemd/sd-bus.h>

/* Connect; the caller frees *bus.  0 or more, or a negative errno. */
int system_bus_open(sd_bus **bus);

#endif
