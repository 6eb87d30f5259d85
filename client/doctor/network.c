/*
 * client/doctor/network.c - checks: what TLS needs on the way to a provider.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/io.h"
#include "client/doctor/checks.h"
#include "client/facts/machine_file.h"
#include "config/client/network.h"
#include "config/provider/provider.h"

/* What libcurl and OpenSSL read on Debian, and a relay gives a proxy (relay/upstream.c). */
#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define BUNDLE_MAX (8 * 1024 * 1024)
#define CERTIFICATE "-----BEGIN CERTIFICATE-----"
#define DAY (24 * 60 * 60)

/* How many certificates a file has; -1: it cannot be read. */
static int certificates_count(const char *path, struct failure *f)
{
	char *text = NULL, *at;
	size_t n;
	int count = 0;

	if (io_slurp(path, BUNDLE_MAX, &text, &n, f) != 0)
		return -1;
	for (at = text; (at = strstr(at, CERTIFICATE)) != NULL; at++)
		count++;
	free(text);
	return count;
}

void check_certificates(struct checkup *d)
{
	static const char mend[] = "as root: apt install ca-certificates, update-ca-certificates";
	char path[MACHINE_PATH];
	struct failure f = { 0 };
	int n = certificates_count(machine_file_path(BUNDLE, path), &f);

	if (n < 0)
		found_broken(d, mend, "no provider's certificate can be checked: %s", f.what);
	else if (n == 0)
		found_broken(d, mend, "%s has no certificate: no provider's can be checked", path);
	else
		found_ok(d, "%d authorities in %s", n, path);
}

/* A file that NODE_EXTRA_CA_CERTS or its like names: a launch stops where it cannot be read. */
static void network_check_file(struct checkup *d, const struct network_value *v)
{
	struct failure f = { 0 };
	char *text = NULL;
	size_t n;

	if (!v->text[0])
		return;
	if (io_slurp(v->text, BUNDLE_MAX, &text, &n, &f) != 0)
		found_broken(d, "correct it where it is set, or unset it", "%s (%s): %s", v->name,
			     v->from, f.what);
	else if (!strstr(text, "-----BEGIN "))
		found_broken(d, "it wants PEM: openssl x509 -in ... -outform PEM",
			     "%s (%s): %s is no PEM file", v->name, v->from, v->text);
	if (text)
		io_wipe(text, n); /* a client's key is one of them */
	free(text);
}

void check_network(struct checkup *d)
{
	static struct provider any = { .origin = "bearer https://api.anthropic.com" };
	static struct network network;
	char shown[NETWORK_VALUE_MAX + 1];
	struct failure f = { 0 };

	if (network_of_person(&any, &network, &f) != 0) {
		found_failure(d, CHECK_BROKEN, &f, NULL);
		return;
	}
	network_check_file(d, &network.ca);
	network_check_file(d, &network.cert);
	network_check_file(d, &network.key);
	if (found_any(d))
		return;
	network_show_text(network.proxy.text, shown);
	if (network.proxy.text[0])
		found_ok(d, "through the proxy %s (%s, %s)", shown, network.proxy.name,
			 network.proxy.from);
	else if (network.ca.text[0])
		found_ok(d, "with the authorities of %s", network.ca.text);
	else
		found_ok(d, "directly");
}

void check_clock(struct checkup *d)
{
	int64_t now = clock_wall();
	char time[DATE_TEXT];
	struct stat st;

	/* When this program was built or installed: not before that is it now. */
	if (stat("/proc/self/exe", &st) == 0 && st.st_mtim.tv_sec > now + DAY) {
		found_broken(d, "set the clock: timedatectl set-ntp true",
			     "the clock is wrong: it says %s, and this program was built later; no "
			     "server's certificate will be valid",
			     date_local((uint64_t)now, time));
		return;
	}
	if (d->broker.state && stat(d->broker.vault, &st) == 0 && st.st_mtim.tv_sec > now + DAY) {
		found_advice(
			d, "set the clock: timedatectl set-ntp true",
			"the vault's file is of the future: was the clock set back?  Limits by "
			"the day count wrongly");
		return;
	}
	found_ok(d, "%s", date_local((uint64_t)now, time));
}
