"""Which cell changes when a control of the project is switched off (base/control.h; in a
test build, by CCRUN_WITHOUT): control, with what else stands before it: (column, technique).
run.py --controls shows that.

A control that is not here has no attack of its own in the list: what it stops is done by
somebody else than a session's program, or by who has come past another one.  The tests
test_controls*.py show these."""

CONTROLS = {
    "mark": ("user-relay", "raw-session"),
    # By a program outside, for which the mark does not speak; ccctl asks a person first.
    "person": ("user-relay", "by-service"),
    "sealed-env": ("user-relay", "provider-telemetry"),
    "sealed-config-dir": ("user-relay", "provider-config-dir"),
    "sealed-prices": ("user-relay", "provider-prices"),
    "sealed-delivery": ("user-relay", "provider-delivery"),
    # By relay the key goes to the sealed address, whatever the file says.
    "keyless": ("user-relay", "provider-keyless"),
    "sealed-origin": ("user-preload", "provider-url"),
    "nested": ("user-preload", "ccrun-exec"),
    "limit": ("user-relay", "limit-burst"),
    "request-sender": ("user-relay", "child-connects"),
    "request-routes": ("user-relay", "other-paths"),
    "request-fields": ("user-relay", "routing-fields"),
    "answer-filter": ("user-relay", "echo-plain"),
    # No program of ours takes one that others read for the broker.
    "hardened,broker-undumpable": ("user-relay", "proc-mem"),
    "broker-unmarked": ("user-relay", "fake-broker"),
    # The broker claims nothing for a client that others read.
    "undumpable-client,undumpable-claimant": ("user-preload", "proc-mem"),
    "terminal-watched": ("user-relay", "typed-closed"),
    # Who is not named is noticed when it reads.
    "terminal-readers,terminal-watched": ("user-relay", "typed-before"),
    "child-environment": ("user-preload", "own-state"),
    "manager-variables": ("user-relay", "own-state"),
    # Not url-in-user: what has the client refuse heap dumps has it ignore addresses as well.
    "managed": ("user-preload", "proxies"),
    "routing-variables": ("user-preload", "shell-url"),
    "confine-landlock": ("user-relay+", "kill-broker"),
    # The broker lets no session begin that only says that it is confined.
    "confine-seccomp,confined-session": ("user-relay+", "mark-outside"),
}

# As root the matrix has programs that nobody can read, as root installs them, which are
# undumpable from their first instruction.
OF_READABLE_PROGRAMS = {"hardened,broker-undumpable"}
