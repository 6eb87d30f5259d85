/*
 * client/doctor/checks.c - the table of checks.
 */
#include "client/doctor/checks.h"

/* As ccctl(1) lists them. */
const struct check checks[] = {
	/* what loses a key */
	{ "keys-git", check_keys_git },
	{ "keys-files", check_keys_files },
	{ "install", check_install },
	{ "target", check_target },
	{ "directories", check_directories },
	{ "broker-hardening", check_broker_hardening },
	{ "broker-memory", check_broker_memory },
	{ "broker-sandbox", check_broker_sandbox },
	/* what stops a launch */
	{ "broker", check_broker },
	{ "programs", check_programs },
	{ "client", check_client },
	{ "delivery", check_delivery },
	{ "relay", check_relay },
	{ "memory-lock", check_memory_lock },
	{ "seccomp", check_seccomp },
	{ "clock", check_clock },
	{ "certificates", check_certificates },
	{ "network", check_network },
	{ "ccrun-conf", check_ccrun_conf },
	{ "providers", check_providers },
	{ "sources", check_sources },
	{ "project", check_project },
	{ "links", check_links },
	{ "launch", check_launch },
	{ "entries", check_entries },
	{ "trials", check_trials },
	{ "vault", check_vault },
	{ "slots", check_slots },
	/* what makes a session weaker, or other than a person thinks */
	{ "settings-managed", check_settings_managed },
	{ "settings-user", check_settings_user },
	{ "settings-project", check_settings_project },
	{ "settings-environment", check_settings_environment },
	{ "keys-environment", check_keys_environment },
	{ "keys-history", check_keys_history },
	{ "hibernation", check_hibernation },
	{ "swap", check_swap },
	{ "yama", check_yama },
	{ "landlock", check_landlock },
	{ "tiocsti", check_tiocsti },
	{ "broker-version", check_broker_version },
	{ "broker-watcher", check_broker_watcher },
	{ "record", check_record },
	{ "runtime", check_runtime },
	/* comfort */
	{ "path", check_path },
	{ "keyring", check_keyring },
	{ "tpm", check_tpm },
	{ "login", check_login },
	{ "status-line", check_statusline },
	{ "completion", check_completion },
};
const unsigned checks_count = sizeof(checks) / sizeof(checks[0]);
