/*
 * relay/upstream.c - connections to the provider.
 */
#include "relay/upstream.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "reach/reach.h"
#include "relay/authorities.h"
#include "relay/deadline.h"
#include "relay/settings.h"

#define CONNECT_MS 30000L
#define WRITE_MS 5000
#define KEEPALIVE_SECONDS 60L
/* Only a proxy's answer to CONNECT goes through libcurl's buffer; later the size is a
   bound on what it reads at once, and no buffer. */
#define BUFFER_SIZE 1024L
#define READ_SIZE 16384L
#define WORDS_MAX (CURL_ERROR_SIZE + ORIGIN_MAX_LEN + 64)
#define PROXY_WANTS_PASSWORD 407
#define USUAL_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

struct watched {
	curl_socket_t fd;
	short events;
};

struct upstreams {
	CURLM *multi;
	const struct relay_settings *settings;
	char ca_path[32];  /* the authorities that count; "": without TLS */
	unsigned left_out; /* so many of the system's do not */
	struct watched watched[UPSTREAM_POLLS_MAX];
	size_t count;
	int64_t wake; /* when libcurl wants to be called; -1: not */
};

struct upstream {
	struct upstreams *of;
	CURL *easy;
	curl_socket_t fd;
	enum upstream_state state;
	enum trial cause; /* of one that could not connect */
	char error[CURL_ERROR_SIZE];
	char words[WORDS_MAX + 64];
};

/* ---- what libcurl wants to wait for ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *each)
{
	struct upstreams *us = arg;
	size_t i = 0;

	(void)easy;
	(void)each;
	while (i < us->count && us->watched[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < us->count)
			us->watched[i] = us->watched[--us->count];
		return 0;
	}
	if (i == UPSTREAM_POLLS_MAX)
		return -1;
	if (i == us->count)
		us->count++;
	us->watched[i].fd = fd;
	us->watched[i].events =
		(short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
	struct upstreams *us = arg;

	(void)multi;
	us->wake = ms < 0 ? -1 : clock_now_ms() + ms;
	return 0;
}

size_t upstreams_poll(struct upstreams *us, struct pollfd *p, size_t max, int *timeout)
{
	size_t i;

	for (i = 0; i < us->count && i < max; i++)
		p[i] = (struct pollfd){ .fd = us->watched[i].fd, .events = us->watched[i].events };
	if (us->wake >= 0)
		deadline_shorten(us->wake, timeout);
	return i;
}

/* ---- what came of it ---- */

static enum upstream_state state_of_error(struct upstream *u, CURLcode code)
{
	long proxy = 0;

	u->cause = reach_outcome(u->easy, code, u->error);
	curl_easy_getinfo(u->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	if (proxy == PROXY_WANTS_PASSWORD)
		return UPSTREAM_UNTRUSTED;
	switch (u->cause) {
	case TRIAL_UNKNOWN_AUTHORITY:
	case TRIAL_OTHER_HOST:
	case TRIAL_CLOCK:
	case TRIAL_TLS:
		return UPSTREAM_UNTRUSTED;
	case TRIAL_TIMEOUT:
		return code == CURLE_OPERATION_TIMEDOUT ? UPSTREAM_SLOW : UPSTREAM_UNREACHABLE;
	default:
		return UPSTREAM_UNREACHABLE;
	}
}

/* X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT and the three after it (openssl/x509_vfy.h). */
#define VERIFY_UNKNOWN_FIRST 18
#define VERIFY_UNKNOWN_LAST 21

/* What mends it, where nobody who is trusted signed the server's certificate; else "". */
static const char *upstream_mend(const struct upstream *u, CURLcode code)
{
	long verified = 0;

	if (code == CURLE_PEER_FAILED_VERIFICATION &&
	    curl_easy_getinfo(u->easy, CURLINFO_SSL_VERIFYRESULT, &verified) == CURLE_OK &&
	    verified >= VERIFY_UNKNOWN_FIRST && verified <= VERIFY_UNKNOWN_LAST)
		return u->of->left_out
			       ? " (an authority that was added to this machine does not count by "
				 "itself: NODE_EXTRA_CA_CERTS=FILE)"
			       : " (an authority of your own: NODE_EXTRA_CA_CERTS=FILE)";
	return "";
}

/* Is the address at the other end also this one's, and none of loopback? */
static bool leads_to_this_machine(curl_socket_t fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} mine = { 0 }, theirs = { 0 };
	socklen_t n = sizeof(mine), m = sizeof(theirs);

	if (getsockname(fd, &mine.any, &n) != 0 || getpeername(fd, &theirs.any, &m) != 0 ||
	    mine.any.sa_family != theirs.any.sa_family)
		return false;
	if (mine.any.sa_family == AF_INET)
		return ntohl(mine.v4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET &&
		       mine.v4.sin_addr.s_addr == theirs.v4.sin_addr.s_addr;
	return mine.any.sa_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&mine.v6.sin6_addr) &&
	       IN6_ARE_ADDR_EQUAL(&mine.v6.sin6_addr, &theirs.v6.sin6_addr);
}

static void upstream_settle(struct upstream *u, CURLcode code)
{
	const char *why = u->error[0] ? u->error : curl_easy_strerror(code);

	if (code == CURLE_OK &&
	    curl_easy_getinfo(u->easy, CURLINFO_ACTIVESOCKET, &u->fd) == CURLE_OK &&
	    u->fd != CURL_SOCKET_BAD &&
	    curl_easy_setopt(u->easy, CURLOPT_BUFFERSIZE, READ_SIZE) == CURLE_OK) {
		u->state = UPSTREAM_CONNECTED;
		/* A program of the user's can have NetworkManager give this machine the server's. */
		if (u->of->settings->tls || !leads_to_this_machine(u->fd))
			return;
		u->state = UPSTREAM_UNTRUSTED;
		u->cause = TRIAL_UNREACHABLE;
		snprintf(u->words, sizeof(u->words),
			 "%s has an address of this machine's own, where any program of yours can "
			 "listen, and is without TLS (a server here: http://127.0.0.1)",
			 u->of->settings->host);
		return;
	}
	u->state = state_of_error(u, code);
	snprintf(u->words, sizeof(u->words), "%s cannot be reached: %s%s", u->of->settings->host,
		 why, upstream_mend(u, code));
}

static void upstreams_read_results(struct upstreams *us)
{
	struct upstream *u;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(us->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&u) != CURLE_OK)
			continue;
		upstream_settle(u, m->data.result);
	}
}

void upstreams_run(struct upstreams *us, const struct pollfd *p, size_t n)
{
	int running, mask;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!p[i].revents)
			continue;
		mask = (p[i].revents & POLLIN ? CURL_CSELECT_IN : 0) |
		       (p[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
		       (p[i].revents & (POLLERR | POLLHUP | POLLNVAL) ? CURL_CSELECT_ERR : 0);
		curl_multi_socket_action(us->multi, p[i].fd, mask, &running);
	}
	if (us->wake >= 0 && us->wake <= clock_now_ms()) {
		us->wake = -1;
		curl_multi_socket_action(us->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	upstreams_read_results(us);
}

/* ---- making ready ---- */

/* The file of the system's certificates that libcurl was built to use, or NULL. */
static const char *system_bundle(void)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	return v->age >= CURLVERSION_SEVENTH ? v->cainfo : NULL;
}

/* A file without a name, which nobody writes to any more, and a path to it. */
static int upstreams_keep_ca(struct upstreams *us, const char *p, size_t n, struct failure *f)
{
	int fd = memfd_create("ca", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return fail_errno(f, NULL, "memory for certificates");
	if (io_write_all(fd, p, n, clock_now_ms() + WRITE_MS) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
		fail_errno(f, NULL, "memory for certificates");
		close(fd);
		return -1;
	}
	snprintf(us->ca_path, sizeof(us->ca_path), "/proc/self/fd/%d", fd);
	return 0;
}

/*
 * The distribution's authorities, and beside them the person's.  As a file: of a CURLOPT_CAINFO_BLOB
 * libcurl makes two copies for each connection.
 */
static int upstreams_set_ca(struct upstreams *us, struct failure *f)
{
	static const char *const none[] = { NULL };
	const bool added = control_active(CONTROL_MACHINE_AUTHORITIES);
	const char *path = system_bundle() ? system_bundle() : USUAL_CA_FILE;
	const struct session_file *more = &us->settings->ca;
	char *text, *both;
	size_t n;
	int r = -1;

	if (authorities_read(path, added ? AUTHORITIES_SHIPPED : "",
			     added ? authorities_places : none, &text, &n, &us->left_out, f) != 0)
		return -1;
	both = realloc(text, n + 1 + more->n);
	if (both) {
		both[n] = '\n';
		if (more->n)
			memcpy(both + n + 1, more->p, more->n);
		r = upstreams_keep_ca(us, both, n + 1 + more->n, f);
	} else {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for certificates");
	}
	free(both ? both : text);
	return r;
}

struct upstreams *upstreams_new(const struct relay_settings *s, struct failure *f)
{
	struct upstreams *us = calloc(1, sizeof(*us));

	if (!us) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "out of memory");
		return NULL;
	}
	us->settings = s;
	us->wake = -1;
	if (s->tls && upstreams_set_ca(us, f) != 0)
		goto bad;
	us->multi = curl_multi_init();
	if (us->multi &&
	    curl_multi_setopt(us->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
	    curl_multi_setopt(us->multi, CURLMOPT_SOCKETDATA, us) == CURLM_OK &&
	    curl_multi_setopt(us->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
	    curl_multi_setopt(us->multi, CURLMOPT_TIMERDATA, us) == CURLM_OK)
		return us;
	fail_set(f, FAIL_PROGRAM, NULL, "libcurl cannot be used");
	curl_multi_cleanup(us->multi);
bad:
	free(us);
	return NULL;
}

/* ---- one connection ---- */

/* What libcurl would write to standard output. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return one * n;
}

static bool easy_set_security(CURL *c, const struct relay_settings *s)
{
	const long verify = control_active(CONTROL_CERTIFICATES) ? 1 : 0;
	bool bad = false;

	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, verify) != CURLE_OK;
	/* 2: the certificate is of this host. */
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2 * verify) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_PROXY_SSL_VERIFYPEER, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_PROXY_SSL_VERIFYHOST, 2L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) !=
	       CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075500
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, s->tls ? "https" : "http") != CURLE_OK;
#else
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS, s->tls ? CURLPROTO_HTTPS : CURLPROTO_HTTP) !=
	       CURLE_OK;
#endif
	bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) != CURLE_OK;
	return !bad;
}

/* Of the environment nothing counts: an empty text is "none", not "ask it". */
static bool easy_set_way(CURL *c, const struct relay_settings *s)
{
	bool bad = false;

	bad |= curl_easy_setopt(c, CURLOPT_PROXY, s->proxy) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_NOPROXY, s->no_proxy) != CURLE_OK;
	if (s->proxy_port)
		bad |= curl_easy_setopt(c, CURLOPT_PROXYPORT, (long)s->proxy_port) != CURLE_OK;
	/* Any name may have ::1, or another address of this machine, beside the one where its
	 * server listens. */
	if (s->v4)
		bad |= curl_easy_setopt(c, CURLOPT_IPRESOLVE, (long)CURL_IPRESOLVE_V4) != CURLE_OK;
	/* To http:// as well, so that a proxy never gets a head with the key to read. */
	bad |= curl_easy_setopt(c, CURLOPT_HTTPPROXYTUNNEL, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_USERAGENT, "ccrun/" CCRUN_VERSION) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK;
	return !bad;
}

static bool easy_set_certificates(CURL *c, const struct upstreams *us)
{
	const struct relay_settings *s = us->settings;
	struct curl_blob cert = { s->cert.p, s->cert.n, CURL_BLOB_NOCOPY };
	struct curl_blob key = { s->key.p, s->key.n, CURL_BLOB_NOCOPY };
	bool bad = false;

	if (us->ca_path[0]) {
		bad |= curl_easy_setopt(c, CURLOPT_CAINFO, us->ca_path) != CURLE_OK;
		bad |= curl_easy_setopt(c, CURLOPT_PROXY_CAINFO, us->ca_path) != CURLE_OK;
	}
	/* No directory, which has what was added, too.  And without one the file is read once a day
	   (libcurl 7.87), and not for each connection, which would keep a megabyte of it. */
	bad |= curl_easy_setopt(c, CURLOPT_CAPATH, NULL) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_PROXY_CAPATH, NULL) != CURLE_OK;
	if (s->cert.p)
		bad |= curl_easy_setopt(c, CURLOPT_SSLCERT_BLOB, &cert) != CURLE_OK;
	if (s->key.p)
		bad |= curl_easy_setopt(c, CURLOPT_SSLKEY_BLOB, &key) != CURLE_OK;
	return !bad;
}

static bool easy_set_transport(CURL *c, struct upstream *u)
{
	bool bad = false;

	bad |= curl_easy_setopt(c, CURLOPT_URL, u->of->settings->url) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_SECONDS) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_SECONDS) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_BUFFERSIZE, BUFFER_SIZE) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, u->error) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_PRIVATE, u) != CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Closing one does not wait for a name server that does not answer. */
	bad |= curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L) != CURLE_OK;
#endif
	return !bad;
}

struct upstream *upstream_open(struct upstreams *us)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->of = us;
	u->fd = CURL_SOCKET_BAD;
	u->easy = curl_easy_init();
	if (u->easy && easy_set_security(u->easy, us->settings) &&
	    easy_set_way(u->easy, us->settings) && easy_set_certificates(u->easy, us) &&
	    easy_set_transport(u->easy, u) && curl_multi_add_handle(us->multi, u->easy) == CURLM_OK)
		return u;
	curl_easy_cleanup(u->easy);
	free(u);
	return NULL;
}

enum upstream_state upstream_state(const struct upstream *u)
{
	return u->state;
}

const char *upstream_words(const struct upstream *u)
{
	return u->words;
}

enum trial upstream_cause(const struct upstream *u)
{
	return u->cause;
}

int upstream_fd(const struct upstream *u)
{
	return u->fd;
}

ssize_t upstream_send(struct upstream *u, const void *p, size_t n)
{
	size_t sent = 0;
	CURLcode r = curl_easy_send(u->easy, p, n, &sent);

	if (r == CURLE_OK && sent)
		return (ssize_t)sent;
	errno = r == CURLE_OK || r == CURLE_AGAIN ? EAGAIN : EIO;
	return -1;
}

/* libcurl takes a connection that was cut for one that was ended. */
static bool upstream_was_ended(struct upstream *u)
{
	struct curl_tlssessioninfo *tls = NULL;

	if (!u->of->settings->tls)
		return true;
	return curl_easy_getinfo(u->easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls &&
	       tls->backend == CURLSSLBACKEND_OPENSSL && tls->internals &&
	       (SSL_get_shutdown(tls->internals) & SSL_RECEIVED_SHUTDOWN);
}

ssize_t upstream_recv(struct upstream *u, void *p, size_t n)
{
	size_t got = 0;
	CURLcode r = curl_easy_recv(u->easy, p, n, &got);

	if (r == CURLE_OK && (got || upstream_was_ended(u)))
		return (ssize_t)got;
	errno = r == CURLE_AGAIN ? EAGAIN : EIO;
	return -1;
}

void upstream_close(struct upstream *u)
{
	if (!u)
		return;
	curl_multi_remove_handle(u->of->multi, u->easy);
	curl_easy_cleanup(u->easy);
	io_wipe(u, sizeof(*u));
	free(u);
}
