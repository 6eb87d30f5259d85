/*
 * base/control.h - every control of the project: a check or a wall whose absence would
 * let an attack through.
 *
 * Each is asked about where it holds, at one place, by control_active.  In what is
 * shipped that is always true, and nothing says otherwise.  In the test build
 * CCRUN_WITHOUT=NAME[,NAME] switches controls off (tests/instead/base/control.c), so that
 * a test can show what each one holds: tests/attacks/test_controls.py wants one for each.
 * tools/lint checks that the code asks for each.
 */
#ifndef BASE_CONTROL_H
#define BASE_CONTROL_H

#include <stdbool.h>

/* X(CONTROL_NAME, "name", "what it holds against", "where it is asked for") */
#define CONTROLS(X)                                                                                \
	/* the broker: who asks */                                                                 \
	X(MARK, "mark", "a session's process asks like any other of the user's",                   \
	  "broker/dispatch.c")                                                                     \
	X(MESSAGE_SENDER, "message-sender", "a child speaks over an inherited connection",         \
	  "broker/connection.c")                                                                   \
	X(SAME_PROCESS, "same-process", "a pid that another process has by now", "broker/peer.c")  \
	X(NAMESPACES, "namespaces", "a claimant whose /proc files say nothing", "broker/peer.c")   \
	X(UNTRACED, "untraced", "a claimant under a debugger", "broker/peer.c")                    \
	X(UNDUMPABLE_CLAIMANT, "undumpable-claimant", "a claimant whose memory others read",       \
	  "broker/peer.c")                                                                         \
	X(MARKED_CLAIMANT, "marked-claimant", "a claimant whose children are told from nobody",    \
	  "broker/peer.c")                                                                         \
	X(MARKED_SESSION, "marked-session", "a session by relay whose children are unmarked",      \
	  "broker/relay_value.c")                                                                  \
	X(CONFINED_SESSION, "confined-session", "a session that only says that it is confined",    \
	  "broker/peer.c")                                                                         \
	X(CLAIM_DEADLINE, "claim-deadline", "a claim long after the launch", "broker/claim.c")     \
	X(SESSION_PLACES, "session-places", "a session that takes all connections",                \
	  "broker/connection.c")                                                                   \
	X(SYSTEM_WATCHER, "system-watcher", "another uid that poses as the system's watcher",      \
	  "broker/ops_lock.c")                                                                     \
	/* the broker: what it decides */                                                          \
	X(PERSON, "person", "reading or changing keys while the vault is open", "broker/person.c") \
	X(PERSONS_SLOT, "persons-slot", "an automatic slot's key as a person's proof",             \
	  "broker/tenant_vault.c")                                                                 \
	X(NESTED, "nested", "a session inside a session, by another way than relay",               \
	  "broker/policy.c")                                                                       \
	X(CONFIRM, "confirm", "a launch that no person wanted", "broker/confirm.c")                \
	X(HELD_PROCESS, "held-process",                                                            \
	  "a program that keeps its client from ending, and its ticket", "broker/peer.c")          \
	X(TICKET_ENTRY, "ticket-entry", "a session's ticket for another key", "broker/ticket.c")   \
	X(SEALED_ORIGIN, "sealed-origin", "a provider file that sends a key elsewhere",            \
	  "broker/policy.c")                                                                       \
	X(SEALED_VARIABLE, "sealed-variable", "a provider file that renames a key's variable",     \
	  "broker/policy.c")                                                                       \
	X(SEALED_CONFIG_DIR, "sealed-config-dir", "settings and hooks of another directory",       \
	  "broker/policy.c")                                                                       \
	X(SEALED_ENV, "sealed-env", "variables that route or weaken the client",                   \
	  "broker/policy.c")                                                                       \
	X(SEALED_CA, "sealed-ca", "certificate authorities nobody approved", "broker/policy.c")    \
	X(SEALED_PRICES, "sealed-prices",                                                          \
	  "a limit in money that counts by prices nobody approved", "broker/policy.c")             \
	X(SEALED_DELIVERY, "sealed-delivery", "a looser delivery than a person approved",          \
	  "broker/policy.c")                                                                       \
	X(SEALED_CONFINE, "sealed-confine", "a provider file that confines less",                  \
	  "broker/policy.c")                                                                       \
	X(KEYLESS, "keyless", "a provider file that drops its key, and goes elsewhere",            \
	  "broker/ops_session.c")                                                                  \
	X(STRICT, "strict", "a strict key by pipe or environment", "broker/policy.c")              \
	X(STRICT_ROOTS, "strict-roots", "a strict key for what others than root can change",       \
	  "broker/image.c")                                                                        \
	X(IMAGE, "image", "a program that was planted in the place of yours", "broker/image.c")    \
	X(EXPOSED, "exposed", "a key in a variable that MCP servers are given", "broker/policy.c") \
	X(SEALED_FILES, "sealed-files", "a relay's certificates that change after the look",       \
	  "broker/ops_relay.c")                                                                    \
	X(PLAIN_PROXY, "plain-proxy", "a proxy that reads requests without TLS",                   \
	  "broker/relay_start.c")                                                                  \
	X(LIMIT, "limit", "use without an end", "broker/spending_refusal.c")                       \
	X(RENEWALS, "renewals", "a password manager run in a circle", "broker/relay_value.c")      \
	X(RECORD, "record", "a key that is released, and nobody knows", "broker/audit_log.c")      \
	X(QUOTA_HOST, "quota-host", "a key sent to a host that sells no such quota",               \
	  "wire/usage_place.c")                                                                    \
	/* the broker: what it leaves */                                                           \
	X(ARENA_WIPE, "arena-wipe", "keys in memory after a lock", "vault/arena.c")                \
	X(BROKER_SECCOMP, "broker-seccomp", "a broker that was taken over", "broker/sandbox.c")    \
	X(BROKER_LANDLOCK, "broker-landlock", "a broker that was taken over: files, signals",      \
	  "broker/sandbox.c")                                                                      \
	X(HIDDEN, "hidden", "a broker that a lock does not find", "broker/listener.c")             \
	/* the relay */                                                                            \
	X(REQUEST_SENDER, "request-sender", "another process that uses a session's relay",         \
	  "relay/sender.c")                                                                        \
	X(REQUEST_ROUTES, "request-routes", "the provider's other paths: files, keys, accounts",   \
	  "relay/request_routes.c")                                                                \
	X(REQUEST_FIELDS, "request-fields", "header fields that route or carry credentials",       \
	  "relay/request_fields.c")                                                                \
	X(ONE_MODEL, "one-model", "a request that is counted for another model than it asks for",  \
	  "relay/request_flow.c")                                                                  \
	X(ANSWER_FILTER, "answer-filter", "a provider that sends the key back",                    \
	  "relay/secret_filter.c")                                                                 \
	X(CERTIFICATES, "certificates", "another server in the provider's place",                  \
	  "relay/upstream.c")                                                                      \
	X(MACHINE_AUTHORITIES, "machine-authorities", "an authority whose key the user has",       \
	  "relay/upstream.c")                                                                      \
	X(RELAY_WIPE, "relay-wipe", "a relay that is used after a lock", "relay/session.c")        \
	/* in claude */                                                                            \
	X(UNDUMPABLE_CLIENT, "undumpable-client", "its children read the client's memory",         \
	  "shim/preload/harden.c")                                                                 \
	X(CHILD_ENVIRONMENT, "child-environment", "its children inherit the key",                  \
	  "shim/preload/redact_child.c")                                                           \
	X(CHILD_ARGUMENTS, "child-arguments", "its children are told the key",                     \
	  "shim/preload/redact_child.c")                                                           \
	X(MANAGED, "managed", "settings files that send requests elsewhere",                       \
	  "config/provider/environment.c")                                                         \
	X(RUNTIME_VARIABLES, "runtime-variables", "variables that load code into the client",      \
	  "config/provider/environment.c")                                                         \
	X(ROUTING_VARIABLES, "routing-variables", "variables that send requests elsewhere",        \
	  "config/provider/environment.c")                                                         \
	X(MANAGER_VARIABLES, "manager-variables", "a session that opens the password manager",     \
	  "config/provider/environment.c")                                                         \
	/* round a session */                                                                      \
	X(LIBRARY_COPY, "library-copy", "writing into the library of a running session",           \
	  "shim/library.c")                                                                        \
	X(CONFINE_SECCOMP, "confine-seccomp", "a session that types into terminals, marks others", \
	  "shim/confine.c")                                                                        \
	X(CONFINE_LANDLOCK, "confine-landlock", "a session that signals and looks into others",    \
	  "shim/confine.c")                                                                        \
	/* all programs */                                                                         \
	X(HARDENED, "hardened", "reading the memory of our own programs", "base/proc.c")           \
	X(FRESH_MEMORY, "fresh-memory", "memory that was opened before it was closed",             \
	  "base/proc.c")                                                                           \
	X(BROKER_OWNER, "broker-owner", "another user's broker", "dial/broker_check.c")            \
	X(BROKER_SAME, "broker-same", "a PID that was a session's program's when it answered",     \
	  "dial/broker_check.c")                                                                   \
	X(BROKER_UNDUMPABLE, "broker-undumpable", "a program that poses as the broker",            \
	  "dial/broker_check.c")                                                                   \
	X(BROKER_UNMARKED, "broker-unmarked", "a session's program that poses as the broker",      \
	  "dial/broker_check.c")                                                                   \
	X(TERMINAL_ALONE, "terminal-alone", "a program that opens the terminal of a passphrase",   \
	  "client/common/terminal_alone.c")                                                        \
	X(TERMINAL_READERS, "terminal-readers", "a program that has that terminal open already",   \
	  "client/common/terminal_alone.c")                                                        \
	X(TERMINAL_WATCHED, "terminal-watched", "one that reads what is typed there, unseen",      \
	  "client/common/terminal_watch.c")                                                        \
	X(CONSOLE_KEYBOARDS, "console-keyboards", "a program that logind gave a console's keys",   \
	  "start/console.c")                                                                       \
	X(MANAGER_AGENT, "manager-agent", "a session's gpg-agent, whose pinentry asks the person", \
	  "helpers/source/agent.c")                                                                \
	X(PINENTRY_OWNER, "pinentry-owner", "a planted pinentry",                                  \
	  "config/settings/pinentry_conf.c")                                                       \
	X(TRUSTED_FILES, "trusted-files", "configuration that others wrote", "base/paths.c")       \
	X(PRIVATE_DIRECTORIES, "private-directories", "vaults and sockets where others reach",     \
	  "base/paths.c")                                                                          \
	X(PROJECT_PIN, "project-pin", "a repository that chooses the provider",                    \
	  "config/project/allowed_pins.c")                                                         \
	X(SEALED_SOURCE, "sealed-source", "a source whose file says another command by now",       \
	  "config/source/source_seal.c")                                                           \
	X(FIRST_SOURCE, "first-source", "a planted command that fetches a key",                    \
	  "client/common/sources.c")                                                               \
	X(FIRST_ROUTES, "first-routes", "a planted address that a first key is sealed for",        \
	  "client/common/seals.c")                                                                 \
	X(KDF_BOUNDS, "kdf-bounds", "a vault's file that makes guesses cheap", "vault/kdf.c")      \
	X(HELPER_UNMARKED, "helper-unmarked", "a helper that a session runs", "helpers/channel.c") \
	X(CAGE_LANDLOCK, "cage-landlock", "a relay or helper that was taken over: files, ports",   \
	  "sandbox/cage.c")                                                                        \
	X(CAGE_SECCOMP, "cage-seccomp", "a relay or helper that was taken over: other processes",  \
	  "sandbox/cage.c")

enum control {
#define CONTROL_ENUM(id, name, against, where) CONTROL_##id,
	CONTROLS(CONTROL_ENUM)
#undef CONTROL_ENUM
		CONTROL_COUNT
};

/* Does this control hold?  Always, but in the test build. */
bool control_active(enum control c);

#endif
