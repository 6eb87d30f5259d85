/*
 * helpers/keyring/service.c - connect to the Secret Service, wait for its answers
 * until a deadline, and turn its errors into failures.
 */
#include "helpers/keyring/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/locked.h"
#include "base/sock.h"

#define ANSWER_DEADLINE_MS 5000	  /* without a person; a service that takes longer hangs */
#define PROMPT_DEADLINE_MS 120000 /* a person types a password into the dialog */
#define LIBRARY_LOCKED 32768	  /* bytes; libsecret locks blocks of 16 KiB */
#define ADDRESS_SIZE 1024

#define HINT_OTHER_SLOT "unlock the vault through another slot (ccctl unlock)"
#define HINT_START_SERVICE \
	"start gnome-keyring, KWallet or KeePassXC's Secret Service, or " HINT_OTHER_SLOT

static GLogWriterOutput log_discard(GLogLevelFlags level, const GLogField *fields, gsize n,
				    gpointer p)
{
	(void)level;
	(void)fields;
	(void)n;
	(void)p;
	return G_LOG_WRITER_HANDLED;
}

/* An address may be a list.  Only unix sockets are allowed: the key must not leave the machine. */
static bool address_is_unix(const char *address)
{
	while (address) {
		if (strncmp(address, "unix:", 5) != 0)
			return false;
		address = strchr(address, ';');
		address = address && address[1] ? address + 1 : NULL;
	}
	return true;
}

/*
 * The session bus's address into out (ADDRESS_SIZE bytes).  GLib is always given an
 * address: without one it would run dbus-launch to start a bus.
 */
static int address_of_session_bus(char *out, struct failure *f)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[256];
	char *escaped;
	struct stat st;
	int n;

	if (address && *address) {
		if (!address_is_unix(address))
			return fail_set(
				f, FAIL_SYSTEM, "set DBUS_SESSION_BUS_ADDRESS to unix:path=SOCKET",
				"cannot use the session bus: its address is no unix socket");
		n = snprintf(out, ADDRESS_SIZE, "%s", address);
		return n < ADDRESS_SIZE
			       ? 0
			       : fail_set(f, FAIL_SYSTEM, "shorten DBUS_SESSION_BUS_ADDRESS",
					  "cannot use the session bus: its address is too long");
	}
	n = snprintf(path, sizeof(path), "%s/bus", runtime ? runtime : "");
	if (!runtime || runtime[0] != '/' || (size_t)n >= sizeof(path) || stat(path, &st) != 0 ||
	    !S_ISSOCK(st.st_mode))
		return fail_set(f, FAIL_SYSTEM,
				"log in to a desktop (or set DBUS_SESSION_BUS_ADDRESS), "
				"or " HINT_OTHER_SLOT,
				"no session bus: DBUS_SESSION_BUS_ADDRESS is unset and there is no "
				"$XDG_RUNTIME_DIR/bus");
	escaped = g_dbus_address_escape_value(path);
	n = snprintf(out, ADDRESS_SIZE, "unix:path=%s", escaped);
	g_free(escaped);
	return n < ADDRESS_SIZE ? 0
				: fail_set(f, FAIL_SYSTEM, NULL,
					   "cannot use the session bus: its path is too long");
}

/*
 * Replace the environment.  The inherited one could make GLib and libsecret load
 * modules, print their traffic, talk to another bus name, or use a file in place of
 * the service.
 */
static int service_set_environment(const char *address)
{
	if (clearenv() != 0 || setenv("DBUS_SESSION_BUS_ADDRESS", address, 1) != 0 ||
	    setenv("GIO_MODULE_DIR", "/nonexistent", 1) != 0 ||
	    setenv("GIO_USE_VFS", "local", 1) != 0 || setenv("GSETTINGS_BACKEND", "memory", 1) != 0)
		return -1;
	g_log_set_writer_func(log_discard, NULL, NULL);
	return 0;
}

/* libsecret falls back to ordinary memory silently if it cannot lock any: check first. */
static int service_check_locked_memory(struct failure *f)
{
	void *p = locked_map(LIBRARY_LOCKED, NULL);

	locked_unmap(p, LIBRARY_LOCKED);
	if (!p)
		return fail_set(f, FAIL_NOT_LOCKED_MEM, "raise RLIMIT_MEMLOCK (ulimit -l 1024)",
				"libsecret cannot keep a key in locked memory");
	return 0;
}

void service_ready(GObject *source, GAsyncResult *result, gpointer p)
{
	struct keyring *k = p;

	(void)source;
	g_set_object(&k->result, result);
	k->done = true;
}

/* libsecret does not always report that the service has ended while it shows a dialog. */
static void on_owner_changed(GObject *service, GParamSpec *spec, gpointer p)
{
	struct keyring *k = p;

	(void)service;
	(void)spec;
	k->gone = true;
}

static int service_fail_ended(const char *doing, struct failure *f)
{
	return fail_set(f, FAIL_SYSTEM,
			"start the keyring program again, then try again, or " HINT_OTHER_SLOT,
			"%s: the Secret Service ended before it answered", doing);
}

static int service_fail_bus_ended(const char *doing, struct failure *f)
{
	return fail_set(f, FAIL_SYSTEM, "log in again, or " HINT_OTHER_SLOT,
			"%s: the session bus has ended", doing);
}

static gboolean on_deadline(gpointer late)
{
	*(bool *)late = true;
	return G_SOURCE_REMOVE;
}

int service_wait(struct keyring *k, const char *doing, struct failure *f)
{
	int64_t left = k->deadline - clock_now_ms();
	bool late = false;
	guint timer = g_timeout_add(left > 0 ? (guint)left : 0, on_deadline, &late);

	/* No GCancellable: some of these calls end only when the service answers. */
	while (!k->done && !late && !k->gone && !(k->bus && g_dbus_connection_is_closed(k->bus)))
		g_main_context_iteration(NULL, TRUE);
	if (!late)
		g_source_remove(timer);
	if (k->done) {
		k->done = false;
		return 0;
	}
	if (k->gone)
		return service_fail_ended(doing, f);
	if (!late)
		return service_fail_bus_ended(doing, f);
	return fail_set(
		f, FAIL_TIMEOUT,
		"see whether the keyring program hangs or waits in a dialog, or " HINT_OTHER_SLOT,
		"%s: no answer within the deadline", doing);
}

int service_error(GError *e, const char *doing, struct failure *f)
{
	char *name = NULL;

	if (g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
	    g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
		fail_set(f, FAIL_SYSTEM, HINT_START_SERVICE,
			 "%s: no Secret Service on the session bus", doing);
	else if (g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY))
		service_fail_ended(doing, f);
	else if (g_error_matches(e, G_IO_ERROR, G_IO_ERROR_CLOSED))
		service_fail_bus_ended(doing, f);
	else if (g_error_matches(e, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
		 g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT) ||
		 g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT))
		fail_set(f, FAIL_TIMEOUT,
			 "end the keyring program and start it again, or " HINT_OTHER_SLOT,
			 "%s: no answer from the Secret Service", doing);
	else if (g_error_matches(e, SECRET_ERROR, SECRET_ERROR_IS_LOCKED))
		fail_set(f, FAIL_LOCKED, "unlock the keyring, or " HINT_OTHER_SLOT,
			 "%s: the keyring is locked", doing);
	else if (g_error_matches(e, SECRET_ERROR, SECRET_ERROR_NO_SUCH_OBJECT) ||
		 g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
		fail_set(f, FAIL_NO_ENTRY, HINT_OTHER_SLOT, "%s: the keyring has it no longer",
			 doing);
	else {
		/* Only a remote error's name: its text could hold anything. */
		name = g_dbus_error_get_remote_error(e);
		fail_set(f, FAIL_SYSTEM, "see what the keyring program logs, or " HINT_OTHER_SLOT,
			 "%s: %s", doing, name ? name : e->message);
	}
	g_free(name);
	g_error_free(e);
	return -1;
}

/*
 * The bus must run as this user or as root: once a bus has ended, any user can bind the
 * name of its abstract socket.
 */
static int bus_check_owner(GDBusConnection *bus, struct failure *f)
{
	GIOStream *stream = g_dbus_connection_get_stream(bus);
	pid_t pid;
	uid_t uid = (uid_t)-1;

	if (!G_IS_SOCKET_CONNECTION(stream) ||
	    sock_peer(g_socket_get_fd(g_socket_connection_get_socket(G_SOCKET_CONNECTION(stream))),
		      &pid, &uid) != 0 ||
	    (uid != geteuid() && uid != 0))
		return fail_set(f, FAIL_PEER,
				"see who listens at DBUS_SESSION_BUS_ADDRESS, or unset it",
				"cannot use the session bus: it is another user's");
	return 0;
}

static int bus_connect(struct keyring *k, struct failure *f)
{
	GError *e = NULL;

	g_bus_get(G_BUS_TYPE_SESSION, NULL, service_ready, k);
	if (service_wait(k, "cannot reach the session bus", f) != 0)
		return -1;
	k->bus = g_bus_get_finish(k->result, &e);
	if (!k->bus) {
		fail_set(f, FAIL_SYSTEM,
			 "log in again, see whether DBUS_SESSION_BUS_ADDRESS is right, "
			 "or " HINT_OTHER_SLOT,
			 "cannot reach the session bus: %s", e->message);
		g_error_free(e);
		return -1;
	}
	/* By default GLib ends the process when the bus closes, before we can report it. */
	g_dbus_connection_set_exit_on_close(k->bus, FALSE);
	return bus_check_owner(k->bus, f);
}

static int bus_call(struct keyring *k, const char *method, GVariant *args, const char *type,
		    GVariant **out, struct failure *f)
{
	GError *e = NULL;
	GVariantType *reply = g_variant_type_new(type);

	g_dbus_connection_call(k->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", method, args, reply, G_DBUS_CALL_FLAGS_NONE,
			       -1, NULL, service_ready, k);
	g_variant_type_free(reply);
	if (service_wait(k, "cannot reach the Secret Service", f) != 0)
		return -1;
	*out = g_dbus_connection_call_finish(k->bus, k->result, &e);
	return *out ? 0 : service_error(e, "cannot use a keyring", f);
}

/*
 * Have the bus start the service if it does not run.  A method call would start it
 * too, but with a less precise error.
 */
static int service_start(struct keyring *k, struct failure *f)
{
	const char *name = "org.freedesktop.secrets";
	GVariant *v;
	gboolean there;

	if (bus_call(k, "NameHasOwner", g_variant_new("(s)", name), "(b)", &v, f) != 0)
		return -1;
	g_variant_get(v, "(b)", &there);
	g_variant_unref(v);
	if (there)
		return 0;
	if (bus_call(k, "StartServiceByName", g_variant_new("(su)", name, 0), "(u)", &v, f) != 0)
		return -1;
	g_variant_unref(v);
	return 0;
}

int service_open(struct keyring *k, bool prompt, struct failure *f)
{
	char address[ADDRESS_SIZE];
	GError *e = NULL;

	memset(k, 0, sizeof(*k));
	/* Connecting shows no dialog, so the short deadline applies. */
	k->deadline = clock_now_ms() + ANSWER_DEADLINE_MS;
	k->prompt = prompt;
	if (service_check_locked_memory(f) != 0 || address_of_session_bus(address, f) != 0)
		return -1;
	if (service_set_environment(address) != 0)
		return fail_errno(f, NULL, "set the environment");
	if (bus_connect(k, f) != 0 || service_start(k, f) != 0)
		return -1;
	secret_service_get(SECRET_SERVICE_NONE, NULL, service_ready, k);
	if (service_wait(k, "cannot reach the Secret Service", f) != 0)
		return -1;
	k->service = secret_service_get_finish(k->result, &e);
	if (!k->service)
		return service_error(e, "cannot reach the Secret Service", f);
	g_signal_connect(k->service, "notify::g-name-owner", G_CALLBACK(on_owner_changed), k);
	if (prompt)
		k->deadline = clock_now_ms() + PROMPT_DEADLINE_MS;
	return 0;
}

void service_close(struct keyring *k)
{
	g_clear_object(&k->result);
	if (k->service)
		g_signal_handlers_disconnect_by_data(k->service, k);
	g_clear_object(&k->service);
	g_clear_object(&k->bus);
}
