/*
 * relay/settings.c - what the broker says at the start.
 */
#include "relay/settings.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/number.h"
#include "base/sock.h"
#include "relay/channel.h"
#include "vault/arena.h"
#include "wire/endpoint.h"

#define START_DEADLINE_MS 10000
#define KIND_MAX 16

/* ---- files ---- */

/* Nobody may change it while or after it is read. */
#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

static int file_read(struct session_file *file, int fd, struct arena *a, struct failure *f)
{
	struct stat st;
	ssize_t n;

	if (file->p)
		return fail_set(f, FAIL_DUPLICATE_KEY, NULL, "a file that came twice");
	if (fstat(fd, &st) != 0 || (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a file that is not sealed");
	if (st.st_size <= 0 || st.st_size > FILE_BYTES_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "a file of %lld bytes",
				(long long)st.st_size);
	file->p = a ? arena_alloc(a, (size_t)st.st_size, f) : malloc((size_t)st.st_size);
	if (!file->p)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a file");
	do
		n = pread(fd, file->p, (size_t)st.st_size, 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)st.st_size)
		return fail_errno(f, NULL, "read a file");
	file->n = (size_t)n;
	return 0;
}

/* Signal 0 can be sent to a pidfd, but also to a descriptor of /proc/PID: no directories. */
static bool is_pidfd(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode) &&
	       (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0 || errno == ESRCH ||
		errno == EPERM);
}

static int settings_take_file(struct relay_settings *s, struct channel_message *m, struct arena *a,
			      struct failure *f)
{
	char kind[KIND_MAX];
	int *process;

	if (wire_get_text(m->in.top, "kind", kind, sizeof(kind), f) != 0)
		return -1;
	if (strcmp(kind, "ca") == 0)
		return file_read(&s->ca, m->fd, NULL, f);
	if (strcmp(kind, "cert") == 0)
		return file_read(&s->cert, m->fd, a, f);
	if (strcmp(kind, "key") == 0)
		return file_read(&s->key, m->fd, a, f);
	process = strcmp(kind, "session") == 0	? &s->session
		  : strcmp(kind, "broker") == 0 ? &s->broker
						: NULL;
	if (!process || *process >= 0 || !is_pidfd(m->fd))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a file that nobody asked for");
	*process = m->fd;
	m->fd = -1;
	return 0;
}

/* ---- the provider ---- */

static int copy_part(CURLU *u, CURLUPart part, unsigned flags, char *out, size_t size)
{
	char *text = NULL;
	int n = -1;

	if (curl_url_get(u, part, &text, flags) == CURLUE_OK)
		n = snprintf(out, size, "%s", text);
	curl_free(text);
	return n >= 0 && (size_t)n < size ? 0 : -1;
}

static bool has_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(u, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

static int settings_split_url(struct relay_settings *s, CURLU *u, const char *url)
{
	char scheme[16], port[8], host[ORIGIN_MAX_LEN - 8];
	unsigned long number;
	size_t n;

	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK || has_part(u, CURLUPART_USER) ||
	    has_part(u, CURLUPART_PASSWORD) || has_part(u, CURLUPART_QUERY) ||
	    has_part(u, CURLUPART_FRAGMENT) ||
	    copy_part(u, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) != 0 ||
	    copy_part(u, CURLUPART_HOST, 0, host, sizeof(host)) != 0 ||
	    copy_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) != 0 ||
	    copy_part(u, CURLUPART_PATH, 0, s->prefix, sizeof(s->prefix)) != 0 ||
	    !number_parse(port, 1, UINT16_MAX, &number))
		return -1;
	s->tls = strcmp(scheme, "https") == 0;
	if (!s->tls && strcmp(scheme, "http") != 0)
		return -1;
	s->port = (uint16_t)number;
	for (n = strlen(s->prefix); n && s->prefix[n - 1] == '/';)
		s->prefix[--n] = '\0';
	if (has_part(u, CURLUPART_PORT))
		snprintf(s->host, sizeof(s->host), "%s:%s", host, port);
	else
		snprintf(s->host, sizeof(s->host), "%s", host);
	/* Without TLS one address: on the other loopback, which a library may try first, a
	 * program that a session left could listen for the key. */
	snprintf(s->url, sizeof(s->url), "%s://%s:%s/", scheme,
		 !s->tls && endpoint_host_is_localhost(host) ? "127.0.0.1" : host, port);
	s->v4 = !s->tls && host[0] != '[';
	return 0;
}

static int settings_take_url(struct relay_settings *s, struct wire_map m, struct failure *f)
{
	char url[ORIGIN_MAX_LEN + 1], host[sizeof(s->host)];
	CURLU *u;
	int r;

	if (wire_get_text(m, "url", url, sizeof(url), f) != 0)
		return -1;
	u = curl_url();
	r = u ? settings_split_url(s, u, url) : -1;
	curl_url_cleanup(u);
	s->provider.host = s->host;
	s->provider.prefix = s->prefix;
	if (r != 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the provider's address is none");
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(s->host, ":"), s->host);
	/* As in a provider's file; what was sealed may be older than that. */
	if (!s->tls && endpoint_host_is_mdns(host))
		return fail_set(f, FAIL_BAD_VALUE, "give the server TLS, and write https://",
				"any program can take the name %.64s, and would get the key", host);
	return 0;
}

/* ---- fields ---- */

static const struct auth_kind {
	const char *name, *field, *scheme;
	enum request_api api;
} auth_kinds[] = {
	{ "bearer", "Authorization", "Bearer", REQUEST_API_MESSAGES },
	{ "api-key", "x-api-key", NULL, REQUEST_API_MESSAGES },
	/* What Azure takes of the client's own SDK. */
	{ "foundry", "x-api-key", NULL, REQUEST_API_MESSAGES },
	{ "foundry-token", "Authorization", "Bearer", REQUEST_API_MESSAGES },
	{ "bedrock", "Authorization", "Bearer", REQUEST_API_BEDROCK },
	{ "mantle", "Authorization", "Bearer", REQUEST_API_MESSAGES },
	{ "claude-aws", "x-api-key", NULL, REQUEST_API_MESSAGES },
	{ "gateway", "Authorization", "Bearer", REQUEST_API_MESSAGES },
};

static const struct auth_kind *auth_kind_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(auth_kinds) / sizeof(auth_kinds[0]); i++)
		if (strcmp(auth_kinds[i].name, name) == 0)
			return &auth_kinds[i];
	return NULL;
}

/* Which field the secret fills: the kind's own, or "NAME" or "NAME:SCHEME". */
static void settings_set_secret(struct relay_settings *s, const struct auth_kind *auth, unsigned i)
{
	char *colon = strchr(s->header[i], ':');

	if (colon)
		*colon = '\0';
	s->secrets[i] = (struct request_secret){ s->header[i], colon ? colon + 1 : NULL };
	if (!s->header[i][0])
		s->secrets[i] = (struct request_secret){ auth->field, auth->scheme };
}

static int settings_take_entries(struct relay_settings *s, struct wire_map m, struct failure *f)
{
	const struct auth_kind *auth;
	char name[KIND_MAX];
	struct wire_map item;
	unsigned i, count;

	if (wire_get_text(m, "auth", name, sizeof(name), f) != 0 ||
	    wire_get_array(m, "entries", &count, f) != 0)
		return -1;
	auth = auth_kind_find(name);
	if (!auth || count == 0 || count > SESSION_ENTRIES_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a kind of credential that is none");
	s->api = auth->api;
	/* Its streams have a type of their own, which it sends whatever is asked for. */
	if (s->api == REQUEST_API_BEDROCK)
		s->provider.accept = "application/json";
	for (i = 0; i < count; i++) {
		if (wire_get_item(m, "entries", i, &item, f) != 0 ||
		    wire_get_text(item, "header", s->header[i], sizeof(s->header[i]), f) != 0)
			return -1;
		settings_set_secret(s, auth, i);
	}
	s->provider.fields.secrets = s->secrets;
	s->provider.fields.secret_count = count;
	return 0;
}

static int settings_take_added(struct relay_settings *s, struct wire_map m, struct failure *f)
{
	struct wire_map item;
	unsigned i, count;

	if (wire_get_array(m, "added", &count, f) != 0)
		return -1;
	if (count > HEADERS_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "%u headers to add", count);
	for (i = 0; i < count; i++) {
		if (wire_get_item(m, "added", i, &item, f) != 0 ||
		    wire_get_text(item, "name", s->added_name[i], sizeof(s->added_name[i]), f) !=
			    0 ||
		    wire_get_text(item, "value", s->added_value[i], sizeof(s->added_value[i]), f) !=
			    0)
			return -1;
		s->added[i] = (struct request_added){ s->added_name[i], s->added_value[i] };
		if (!request_added_ok(&s->added[i]))
			return fail_set(f, FAIL_BAD_VALUE,
					"remove it from [headers] in the provider's file",
					"the header %s is not one that a file can add",
					s->added_name[i]);
	}
	s->provider.fields.added = s->added;
	s->provider.fields.added_count = count;
	return 0;
}

/* ---- the way ---- */

/* The port of a proxy that names none: what other programs take, not libcurl's 1080. */
static unsigned long proxy_usual_port(const char *scheme)
{
	if (strcmp(scheme, "https") == 0)
		return 443;
	return strncmp(scheme, "socks", 5) == 0 ? 1080 : 80;
}

static int settings_read_proxy(struct relay_settings *s)
{
	bool has_scheme = strstr(s->proxy, "://") != NULL;
	unsigned flags = CURLU_NON_SUPPORT_SCHEME | (has_scheme ? 0u : CURLU_DEFAULT_SCHEME);
	char scheme[16] = "http", port[8];
	unsigned long number = 0;
	CURLU *u = curl_url();
	bool good;

	good = u && curl_url_set(u, CURLUPART_URL, s->proxy, flags) == CURLUE_OK;
	if (good && has_scheme)
		good = copy_part(u, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) == 0;
	if (good && has_part(u, CURLUPART_PORT))
		good = copy_part(u, CURLUPART_PORT, 0, port, sizeof(port)) == 0 &&
		       number_parse(port, 1, UINT16_MAX, &number);
	else
		number = proxy_usual_port(scheme);
	curl_url_cleanup(u);
	s->proxy_port = (uint16_t)number;
	return good ? 0 : -1;
}

static int settings_take_way(struct relay_settings *s, struct wire_map m, struct arena *a,
			     struct failure *f)
{
	s->proxy = arena_alloc(a, PROXY_MAX + 1, f);
	s->no_proxy = s->proxy ? arena_alloc(a, NO_PROXY_MAX + 1, f) : NULL;
	if (!s->no_proxy || wire_get_text(m, "proxy", s->proxy, PROXY_MAX + 1, f) != 0 ||
	    wire_get_text(m, "no_proxy", s->no_proxy, NO_PROXY_MAX + 1, f) != 0)
		return -1;
	if (s->proxy[0] && settings_read_proxy(s) != 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the proxy's address is none");
	return 0;
}

/* ---- the session ---- */

static int settings_take_listener(struct relay_settings *s, struct channel_message *m,
				  struct failure *f)
{
	int type = 0, listening = 0;
	socklen_t n = sizeof(int);

	if (getsockopt(m->fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_STREAM ||
	    getsockopt(m->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) != 0 || !listening ||
	    sock_prepare_listener(m->fd) != 0 || fcntl(m->fd, F_SETFL, O_NONBLOCK) != 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "no socket to listen on");
	s->listener = m->fd;
	m->fd = -1;
	return 0;
}

static int settings_take_start(struct relay_settings *s, struct channel_message *m, struct arena *a,
			       struct failure *f)
{
	uint64_t pid, uid;

	if (wire_get_uint(m->in.top, "pid", &pid, f) != 0 ||
	    wire_get_uint(m->in.top, "uid", &uid, f) != 0 ||
	    (wire_has(m->in.top, "renewable") &&
	     wire_get_bool(m->in.top, "renewable", &s->renewable, f) != 0))
		return -1;
	if (s->session < 0 || pid == 0 || pid > INT32_MAX || uid > UINT32_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "no session");
	s->pid = (pid_t)pid;
	s->uid = (uid_t)uid;
	if (settings_take_url(s, m->in.top, f) != 0 ||
	    settings_take_entries(s, m->in.top, f) != 0 ||
	    settings_take_added(s, m->in.top, f) != 0 || settings_take_way(s, m->in.top, a, f) != 0)
		return -1;
	return settings_take_listener(s, m, f);
}

int settings_receive(struct relay_settings *s, struct channel *c, struct arena *a,
		     struct failure *f)
{
	int64_t deadline = clock_now_ms() + START_DEADLINE_MS;
	struct channel_message m;
	int r;

	memset(s, 0, sizeof(*s));
	s->session = s->broker = s->listener = -1;
	do {
		r = relay_channel_await(c, deadline, &m, f);
		if (r <= 0)
			return r < 0 && f->code != FAIL_NONE
				       ? -1
				       : fail_set(f, FAIL_PEER, NULL, "the broker has hung up");
		if (m.op == CHANNEL_FILE)
			r = settings_take_file(s, &m, a, f);
		else if (m.op == CHANNEL_START)
			r = settings_take_start(s, &m, a, f);
		else
			r = fail_set(f, FAIL_BAD_VALUE, NULL, "the broker begins with another op");
		relay_channel_forget(c, &m);
	} while (r == 0 && s->listener < 0);
	return r;
}
