/*
 * helpers/keyring/service.c - reach the Secret Service, wait for it within a
 * deadline, and say in our own words what it did instead of answering.
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

#define ANSWER_DEADLINE_MS 5000	  /* a service that needs longer hangs */
#define PROMPT_DEADLINE_MS 120000 /* a person types a password */
#define LIBRARY_LOCKED 32768	  /* bytes; libsecret locks blocks of 16 KiB */
#define ADDRESS_SIZE 1024

#define OTHER_SLOT "unlock the vault through another slot (ccctl unlock)"
#define START_SERVICE "start gnome-keyring, KWallet or KeePassXC's Secret Service, or " OTHER_SLOT

static GLogWriterOutput say_nothing(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer p)
{
	(void)level;
	(void)fields;
	(void)n;
	(void)p;
	return G_LOG_WRITER_HANDLED;
}

/* An address may be a list; a key goes to a socket of this machine or nowhere. */
static bool unix_only(const char *address)
{
	while (address) {
		if (strncmp(address, "unix:", 5) != 0)
			return false;
		address = strchr(address, ';');
		address = address && address[1] ? address + 1 : NULL;
	}
	return true;
}

/* GLib would ask dbus-launch to start a bus where there is none: never let it look. */
static int find_address(char *out, struct failure *f)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[256];
	char *escaped;
	struct stat st;
	int n;

	if (address && *address) {
		if (!unix_only(address))
			return fail_set(f, FAIL_SYSTEM, "set DBUS_SESSION_BUS_ADDRESS to unix:path=SOCKET",
					"cannot use the session bus: its address is no unix socket");
		n = snprintf(out, ADDRESS_SIZE, "%s", address);
		return n < ADDRESS_SIZE ? 0 : fail_set(f, FAIL_SYSTEM, "shorten DBUS_SESSION_BUS_ADDRESS",
						       "cannot use the session bus: its address is too long");
	}
	n = snprintf(path, sizeof(path), "%s/bus", runtime ? runtime : "");
	if (!runtime || runtime[0] != '/' || (size_t)n >= sizeof(path) || stat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return fail_set(f, FAIL_SYSTEM,
				"log in to a desktop (or set DBUS_SESSION_BUS_ADDRESS), or " OTHER_SLOT,
				"no session bus: DBUS_SESSION_BUS_ADDRESS is unset and there is no "
				"$XDG_RUNTIME_DIR/bus");
	escaped = g_dbus_address_escape_value(path);
	n = snprintf(out, ADDRESS_SIZE, "unix:path=%s", escaped);
	g_free(escaped);
	return n < ADDRESS_SIZE ? 0 : fail_set(f, FAIL_SYSTEM, NULL, "cannot use the session bus: its path is too long");
}

/*
 * The caller's environment ends here: it can make these libraries load modules,
 * write what they send to stdout, ask another bus name, or use a file instead.
 */
static int set_environment(const char *address)
{
	if (clearenv() != 0 || setenv("DBUS_SESSION_BUS_ADDRESS", address, 1) != 0 ||
	    setenv("GIO_MODULE_DIR", "/nonexistent", 1) != 0 || setenv("GIO_USE_VFS", "local", 1) != 0 ||
	    setenv("GSETTINGS_BACKEND", "memory", 1) != 0)
		return -1;
	g_log_set_writer_func(say_nothing, NULL, NULL);
	return 0;
}

/* libsecret goes on in ordinary memory when it gets no locked memory: find out first. */
static int check_locked_memory(struct failure *f)
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

/* libsecret itself does not always notice that the service behind a dialog is gone. */
static void owner_changed(GObject *service, GParamSpec *spec, gpointer p)
{
	struct keyring *k = p;

	(void)service;
	(void)spec;
	k->gone = true;
}

static int service_ended(const char *doing, struct failure *f)
{
	return fail_set(f, FAIL_SYSTEM, "start the keyring program again, then try again, or " OTHER_SLOT,
			"%s: the Secret Service ended before it answered", doing);
}

static int bus_ended(const char *doing, struct failure *f)
{
	return fail_set(f, FAIL_SYSTEM, "log in again, or " OTHER_SLOT, "%s: the session bus has ended", doing);
}

static gboolean expire(gpointer late)
{
	*(bool *)late = true;
	return G_SOURCE_REMOVE;
}

int service_wait(struct keyring *k, const char *doing, struct failure *f)
{
	int64_t left = k->deadline - io_now_ms();
	bool late = false;
	guint timer = g_timeout_add(left > 0 ? (guint)left : 0, expire, &late);

	/* Cancelling is no way out: some of these calls only end when they are answered. */
	while (!k->done && !late && !k->gone && !(k->bus && g_dbus_connection_is_closed(k->bus)))
		g_main_context_iteration(NULL, TRUE);
	if (!late)
		g_source_remove(timer);
	if (k->done) {
		k->done = false;
		return 0;
	}
	if (k->gone)
		return service_ended(doing, f);
	if (!late)
		return bus_ended(doing, f);
	return fail_set(f, FAIL_TIMEOUT, "see whether the keyring program hangs or waits in a dialog, or " OTHER_SLOT,
			"%s: no answer within the deadline", doing);
}

int service_error(GError *e, const char *doing, struct failure *f)
{
	char *name = NULL;

	if (g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
	    g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
		fail_set(f, FAIL_SYSTEM, START_SERVICE, "%s: no Secret Service on the session bus", doing);
	else if (g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY))
		service_ended(doing, f);
	else if (g_error_matches(e, G_IO_ERROR, G_IO_ERROR_CLOSED))
		bus_ended(doing, f);
	else if (g_error_matches(e, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ||
		 g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT) ||
		 g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT))
		fail_set(f, FAIL_TIMEOUT, "end the keyring program and start it again, or " OTHER_SLOT,
			 "%s: no answer from the Secret Service", doing);
	else if (g_error_matches(e, SECRET_ERROR, SECRET_ERROR_IS_LOCKED))
		fail_set(f, FAIL_LOCKED, "unlock the keyring, or " OTHER_SLOT, "%s: the keyring is locked", doing);
	else if (g_error_matches(e, SECRET_ERROR, SECRET_ERROR_NO_SUCH_OBJECT) ||
		 g_error_matches(e, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT))
		fail_set(f, FAIL_NO_ENTRY, OTHER_SLOT, "%s: the keyring has it no longer", doing);
	else {
		/* The name of a foreign error, not its text, which could say anything. */
		name = g_dbus_error_get_remote_error(e);
		fail_set(f, FAIL_SYSTEM, "see what the keyring program logs, or " OTHER_SLOT, "%s: %s", doing,
			 name ? name : e->message);
	}
	g_free(name);
	g_error_free(e);
	return -1;
}

/* An abstract socket's name is free for anybody once its bus has ended. */
static int check_bus_owner(GDBusConnection *bus, struct failure *f)
{
	GIOStream *stream = g_dbus_connection_get_stream(bus);
	pid_t pid;
	uid_t uid = (uid_t)-1;

	if (!G_IS_SOCKET_CONNECTION(stream) ||
	    sock_peer(g_socket_get_fd(g_socket_connection_get_socket(G_SOCKET_CONNECTION(stream))), &pid, &uid) != 0 ||
	    (uid != geteuid() && uid != 0))
		return fail_set(f, FAIL_PEER, "see who listens at DBUS_SESSION_BUS_ADDRESS, or unset it",
				"cannot use the session bus: it is another user's");
	return 0;
}

static int connect_bus(struct keyring *k, struct failure *f)
{
	GError *e = NULL;

	g_bus_get(G_BUS_TYPE_SESSION, NULL, service_ready, k);
	if (service_wait(k, "cannot reach the session bus", f) != 0)
		return -1;
	k->bus = g_bus_get_finish(k->result, &e);
	if (!k->bus) {
		fail_set(f, FAIL_SYSTEM, "log in again, see whether DBUS_SESSION_BUS_ADDRESS is right, or " OTHER_SLOT,
			 "cannot reach the session bus: %s", e->message);
		g_error_free(e);
		return -1;
	}
	/* Else a bus that ends takes this process with it, before it has said why. */
	g_dbus_connection_set_exit_on_close(k->bus, FALSE);
	return check_bus_owner(k->bus, f);
}

static int ask_bus(struct keyring *k, const char *method, GVariant *args, const char *type, GVariant **out,
		   struct failure *f)
{
	GError *e = NULL;
	GVariantType *reply = g_variant_type_new(type);

	g_dbus_connection_call(k->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method,
			       args, reply, G_DBUS_CALL_FLAGS_NONE, -1, NULL, service_ready, k);
	g_variant_type_free(reply);
	if (service_wait(k, "cannot reach the Secret Service", f) != 0)
		return -1;
	*out = g_dbus_connection_call_finish(k->bus, k->result, &e);
	return *out ? 0 : service_error(e, "cannot use a keyring", f);
}

/* Is it there, and if not, can the bus start it?  A bus may do so of itself, but then says less. */
static int start_service(struct keyring *k, struct failure *f)
{
	const char *name = "org.freedesktop.secrets";
	GVariant *v;
	gboolean there;

	if (ask_bus(k, "NameHasOwner", g_variant_new("(s)", name), "(b)", &v, f) != 0)
		return -1;
	g_variant_get(v, "(b)", &there);
	g_variant_unref(v);
	if (there)
		return 0;
	if (ask_bus(k, "StartServiceByName", g_variant_new("(su)", name, 0), "(u)", &v, f) != 0)
		return -1;
	g_variant_unref(v);
	return 0;
}

int service_open(struct keyring *k, bool prompt, struct failure *f)
{
	char address[ADDRESS_SIZE];
	GError *e = NULL;

	memset(k, 0, sizeof(*k));
	/* Up to here nobody is asked anything, so the short deadline holds. */
	k->deadline = io_now_ms() + ANSWER_DEADLINE_MS;
	k->prompt = prompt;
	if (check_locked_memory(f) != 0 || find_address(address, f) != 0)
		return -1;
	if (set_environment(address) != 0)
		return fail_errno(f, NULL, "set the environment");
	if (connect_bus(k, f) != 0 || start_service(k, f) != 0)
		return -1;
	secret_service_get(SECRET_SERVICE_NONE, NULL, service_ready, k);
	if (service_wait(k, "cannot reach the Secret Service", f) != 0)
		return -1;
	k->service = secret_service_get_finish(k->result, &e);
	if (!k->service)
		return service_error(e, "cannot reach the Secret Service", f);
	g_signal_connect(k->service, "notify::g-name-owner", G_CALLBACK(owner_changed), k);
	if (prompt)
		k->deadline = io_now_ms() + PROMPT_DEADLINE_MS;
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
