/*
 * client/doctor/checks.h - the checks of ccctl doctor.  Their table is in checks.c; each is in the
 * file of its subject.
 */
#ifndef CLIENT_DOCTOR_CHECKS_H
#define CLIENT_DOCTOR_CHECKS_H

#include "client/doctor/checkup.h"

/* In the order of what it costs to leave them: what loses a key, what stops a launch, what makes
 * a session weaker, comfort. */
extern const struct check checks[];
extern const unsigned checks_count;

/* keys.c */
check_run check_keys_git, check_keys_files, check_keys_history, check_keys_environment;
/* installation.c */
check_run check_install, check_programs, check_path;
/* directories.c */
check_run check_directories, check_runtime;
/* claude.c */
check_run check_client, check_target, check_delivery;
/* broker.c */
check_run check_broker, check_broker_version, check_broker_hardening, check_broker_memory,
	check_broker_sandbox, check_broker_watcher, check_relay, check_record;
/* vault.c */
check_run check_vault, check_slots, check_keyring, check_tpm;
/* configuration.c */
check_run check_providers, check_sources, check_ccrun_conf, check_links, check_project;
/* launches.c */
check_run check_launch, check_entries, check_trials;
/* kernel.c */
check_run check_seccomp, check_landlock, check_yama, check_tiocsti;
/* memory.c */
check_run check_memory_lock, check_swap, check_hibernation;
/* claude_settings.c */
check_run check_settings_managed, check_settings_user, check_settings_project,
	check_settings_environment;
/* network.c */
check_run check_certificates, check_network, check_clock;
/* comfort.c */
check_run check_login, check_statusline;
/* completion.c */
check_run check_completion;

#endif
