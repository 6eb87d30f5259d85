/*
 * client/doctor/broker.c - checks: the broker that runs, and what the kernel says of it.
 */
#include <string.h>

#include "client/doctor/checks.h"

static bool broker_is_system(const struct checkup *d)
{
	return strcmp(d->broker.kind, "system") == 0;
}

/* How it is started anew; the vault is locked then. */
static void hint_restart(struct checkup *d)
{
	if (broker_is_system(d))
		found_hint(d, "as root: systemctl restart ccbroker");
	else
		found_hint(d, "kill %llu; ccctl unlock (sessions by relay end with it)",
			   (unsigned long long)d->broker.pid);
}

void check_broker(struct checkup *d)
{
	const struct broker_facts *b = &d->broker;

	if (d->broker_why.code)
		found_failure(d, CHECK_BROKEN, &d->broker_why, NULL);
	else if (b->running)
		found_ok(d, "the %s broker runs, process %llu at %s",
			 broker_is_system(d) ? "system" : "user's", (unsigned long long)b->pid,
			 b->socket);
	else if (b->system_down)
		found_broken(d, "as root: systemctl start ccbroker.socket ccbroker",
			     "the system broker is set up, and does not run");
	else
		found_ok(d, "none runs; a launch or ccctl unlock starts one");
}

void check_broker_version(struct checkup *d)
{
	if (!d->broker.running)
		return;
	if (strcmp(d->broker.version, CCRUN_VERSION) == 0) {
		found_ok(d, "%s, as ccctl", d->broker.version);
		return;
	}
	found_advice(d, NULL, "the broker that runs is version %s, and ccctl is " CCRUN_VERSION,
		     d->broker.version);
	hint_restart(d);
}

void check_broker_hardening(struct checkup *d)
{
	const struct broker_facts *b = &d->broker;

	if (!b->running)
		return;
	if (b->undumpable && b->untraced) {
		found_ok(d, "no other process of yours can read the broker's memory");
		return;
	}
	found_broken(d, NULL,
		     b->undumpable ? "a debugger is attached to the broker: it can read "
				     "every key"
				   : "the broker's memory can be read by other processes");
	hint_restart(d);
}

void check_broker_memory(struct checkup *d)
{
	const struct broker_facts *b = &d->broker;

	if (!b->running)
		return;
	if (b->memory_locked) {
		found_ok(d, "%llu KiB, locked; %llu in use",
			 (unsigned long long)b->memory_size / 1024,
			 (unsigned long long)b->memory_used / 1024);
		return;
	}
	found_broken(d, NULL,
		     "the kernel does not say that the broker's memory is locked: keys could "
		     "be written to a swap");
	hint_restart(d);
}

void check_broker_sandbox(struct checkup *d)
{
	const struct broker_facts *b = &d->broker;

	if (!b->running)
		return;
	if (b->caged && (!b->has_landlock || b->landlock))
		found_ok(d, "seccomp, Landlock %llu", (unsigned long long)b->landlock);
	else if (b->caged)
		found_advice(d, "a kernel with Landlock (Linux 5.13), and landlock in lsm=",
			     "the broker's sandbox is seccomp alone: it could open files");
	else {
		found_broken(d, NULL, "the broker has no sandbox");
		hint_restart(d);
	}
}

void check_broker_watcher(struct checkup *d)
{
	const struct broker_facts *b = &d->broker;

	if (!b->running)
		return;
	if (b->watched && b->delays)
		found_ok(d, "suspend, screen lock and log-out lock the vault");
	else if (b->watched)
		found_advice(d, "polkit decides that: does it run? (Debian: apt install polkitd)",
			     "suspend does not wait until the vault is locked");
	else
		found_advice(d,
			     broker_is_system(d)
				     ? "as root: systemctl enable --now ccrun-logind"
				     : "ccctl unlock starts a watcher where logind runs; "
				       "ccctl settings longest=8h locks without one",
			     "suspend, screen lock and log-out do not lock the vault");
}

void check_relay(struct checkup *d)
{
	const struct broker_facts *b = &d->broker;

	if (!b->running || !b->relay[0])
		return;
	if (strcmp(b->relay, "own-uid") == 0)
		found_ok(d, "relays have a uid of their own");
	else if (strcmp(b->relay, "user") == 0)
		found_ok(d, "relays run as you");
	else if (strcmp(b->relay, "ended") == 0) {
		found_broken(d, NULL, "the process that starts relays has ended");
		hint_restart(d);
	} else
		found_broken(d,
			     broker_is_system(d)
				     ? "as root: systemctl start ccrun-relay.socket"
				     : "make install puts ccrun-relay in place; then ccctl "
				       "lock, and end the broker",
			     "the broker cannot start relays");
}

void check_record(struct checkup *d)
{
	if (!d->broker.running)
		return;
	if (d->broker.record[0])
		found_advice(d, "ccctl log shows when; ccctl log --verify what is whole",
			     "the audit log: %s", d->broker.record);
	else
		found_ok(d, "the audit log is written");
}
