"""The list of everything that is tried.  docs/THREATS.md shows it with what it came to.

kind    read: the key comes out; use: requests with it; redirect: key or conversation go
        elsewhere; persist: something works when the session is over; deny: the person's
        use is stopped
act     the attack, a function of a Scene (kit.py): what it prints is its loot
at      where in a session it is tried: the Bash tool, a hook, an MCP server, the status
        line, a daemon left by an earlier session; ALONE: in a session of its own, because
        it changes what others would meet
after   what a person does next, in followups.py, when it was tried ALONE
"""
from dataclasses import dataclass, field

import denying
import persisting
import reading
import redirecting
import using

READ, USE, REDIRECT, PERSIST, DENY = KINDS = ("read", "use", "redirect", "persist", "deny")
EVERYWHERE = ("hook", "mcp", "status", "bash", "daemon")
ALONE = ("alone",)


@dataclass(frozen=True)
class Technique:
    id: str
    kind: str
    what: str
    act: callable
    at: tuple = EVERYWHERE
    after: str = ""
    short: bool = True
    why: str = field(default="")


def seen(kind, name, what, act, at=EVERYWHERE, **more):
    """Tried in a running session."""
    return Technique(name, kind, what, act, at, **more)


def alone(kind, name, what, act, after, **more):
    """Tried in a session of its own; then the person goes on."""
    return Technique(name, kind, what, act, ALONE, after, **more)


TECHNIQUES = [
    seen(READ, "ptrace-attach", "trace client, relay and broker, read their memory", reading.ptrace_attach),
    seen(READ, "ptrace-seize", "the same without stopping them first", reading.ptrace_seize),
    seen(READ, "vm-readv", "process_vm_readv", reading.vm_readv),
    seen(READ, "proc-mem", "/proc/PID/mem", reading.proc_mem),
    seen(READ, "proc-environ", "/proc/PID/environ and cmdline", reading.proc_environ),
    seen(READ, "proc-files", "the rest of /proc/PID", reading.proc_files),
    seen(READ, "proc-fd", "open what it has open, by /proc/PID/fd", reading.proc_fd),
    seen(READ, "pidfd-getfd", "take its descriptors", reading.pidfd_getfd),
    seen(READ, "kcmp", "compare its descriptors with own ones", reading.kcmp),
    seen(READ, "perf", "sample its registers and stack", reading.perf),
    seen(READ, "own-state", "own environment and arguments, and those of all ancestors", reading.own_state),
    seen(READ, "own-descriptors", "read and talk to every inherited descriptor", reading.own_descriptors),
    seen(READ, "all-environ", "environment and arguments of every process", reading.everybodys_environ),
    seen(READ, "files", "every readable file below HOME, the runtime directory, TMPDIR", reading.files),
    seen(READ, "broker-ask", "every request of the broker's that could answer with it", reading.broker_get),
    seen(READ, "broker-relay-words", "pose as a relay on the broker's socket", reading.broker_relay_words),
    seen(READ, "ccctl-get", "ccctl get and backup, with a guessed passphrase", reading.ccctl_get, ("bash", "daemon")),
    seen(USE, "raw-session", "open a session of its own by the raw protocol", using.raw_session),
    seen(USE, "ticket", "show the session's ticket, which is in its children's environment", using.ticket),
    seen(USE, "nested-ccrun", "run ccrun inside", using.nested_ccrun, ("bash",), short=False),
    seen(USE, "client-socket", "connect to the relay's socket by the client's names for it", using.client_socket),
    alone(REDIRECT, "settings-url", "another address in the project's settings",
          redirecting.of_env("project", ANTHROPIC_BASE_URL="{evil}"), "client"),
    alone(REDIRECT, "provider-url", "another address in the provider's file", redirecting.edit_url, "client"),
    alone(PERSIST, "user-hook", "a hook in the user's settings", persisting.user_hook, "client"),
    alone(PERSIST, "bashrc", "an alias and a command in ~/.bashrc", persisting.bashrc, "shell"),
    alone(DENY, "kill-broker", "kill the broker", denying.kill_broker, "standin"),
]
