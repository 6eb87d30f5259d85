/*
 * sandbox/network_files.c - what a program reads that looks up names and speaks TLS.
 */
#include "sandbox/network_files.h"

/* The system's directories, and where certificates and resolv.conf may link to. */
const char *const network_files[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib64",
	"/var/lib/ca-certificates",
	"/nix/store",
	"/gnu/store",
	"/run/systemd/resolve",
	"/run/NetworkManager",
	"/run/resolvconf",
	"/run/nscd",
	"/dev/null",
	"/dev/urandom",
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/ssl/certs/ca-certificates.crt",
};

const size_t network_files_count = sizeof(network_files) / sizeof(network_files[0]);
