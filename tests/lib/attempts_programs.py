"""Attempts at what runs beside the broker: the relay's way out, the programs that hold secrets
themselves, their calls to the broker, their helpers.  Each says if it got what it is after:

    for controls, function in BY_ITSELF:     # function(env of a program, without controls)
    for controls, function in IN_A_WORLD:    # function(a Ccrun with provider demo, token, env)

NotHere: it makes no sense on this machine.  ELSEWHERE has the controls that other tests show,
with what those have around them."""
import os
import signal
import socket
import subprocess
import tempfile

import msgpack

import wire_client as wc
from ccrun import PASSPHRASE
from client import LIB, until
from controls import VARIABLE, off
from relay_broker import TOKEN as RELAY_TOKEN
from relay_broker import Provider, Relay, certificate, server_context
from sources import Standin
from taken_over import AT_FDCWD, HERE, TakenOver
from vault_reader import derive

TOKEN = "sk-test-0123456789abcdefghij"
PYTHON = "/usr/bin/python3"
CHEAP = 8192  # bytes: of such guesses a machine does thousands a second
LANDLOCK = wc.libc.syscall(444, None, 0, 1)  # its version; -1: none
PORTS, SCOPE = 4, 6  # versions that limit ports, and signals


class NotHere(Exception):
    """The text says why."""


# ---- the relay's way out ----

def another_server(env):
    """One with a certificate that nobody has vouched for."""
    with tempfile.TemporaryDirectory() as where, Provider(tls=server_context(*certificate(where))) as provider:
        with Relay(provider.url, env=env) as relay:
            relay.post()
        return any(RELAY_TOKEN in value for r in provider.requests for value in r.headers.values())


# ---- memory ----

def holds(pid, token, mem=None, maps=None):
    """Is it in what can be read of the process's memory?"""
    with open(mem or f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(maps or f"/proc/{pid}/maps") as text:
        for line in text:
            low, _, high = line.split()[0].partition("-")
            try:
                if token.encode() in os.pread(memory.fileno(), int(high, 16) - int(low, 16), int(low, 16)):
                    return True
            except (OSError, OverflowError):  # OverflowError: the kernel's own page
                continue
    return False


def brokers_memory(env):
    b = wc.Broker()
    b.env.update(env)
    with b:
        b.init()
        b.put("zai", TOKEN)
        try:
            return holds(b.pid, TOKEN)
        except PermissionError:
            return False


class Early(wc.Broker):
    """A broker whose memory somebody opened in its first instant: as its tracer, who then let go."""

    def popen(self, *args, **kw):
        process = super().popen(*args, **kw)
        os.waitpid(process.pid, os.WUNTRACED)  # it has become the program, and did nothing yet
        self.mem, self.maps = (os.open(f"/proc/{process.pid}/{leaf}", os.O_RDONLY) for leaf in ("mem", "maps"))
        wc.libc.ptrace(17, process.pid, None, None)  # PTRACE_DETACH
        return process


def opened_before_it_closed(env):
    b = Early(setup=lambda: wc.libc.ptrace(0, 0, None, None))  # PTRACE_TRACEME
    b.env.update(env)
    with b:
        b.init()
        b.put("zai", TOKEN)
        return holds(None, TOKEN, b.mem, b.maps)


def relays_memory(env):
    """As its tracer."""
    if not HERE:
        raise NotHere("another processor")
    with Provider() as provider, Relay(provider.url, env=env) as relay:
        relay.post()
        try:
            with TakenOver(relay.pid()):
                return holds(relay.pid(), RELAY_TOKEN)
        except PermissionError:
            return False


# ---- a relay that was taken over ----

def taken_over(landlock=1):
    """The same by a relay's process, where Landlock has at least that version.  That somebody
    comes into it at all is played by tracing, which takes away what forbids that."""
    def decorate(function):
        def attempt(env):
            if not HERE or LANDLOCK < landlock:
                raise NotHere(f"another processor, or Landlock {LANDLOCK}, which is older than {landlock}")
            env = off("hardened", *filter(None, env.get(VARIABLE, "").split(",")))
            with Provider() as provider, Relay(provider.url, env=env) as relay:
                relay.post()
                with TakenOver(relay.pid()) as it:
                    try:
                        return function(it)
                    except PermissionError:
                        return False
        return attempt
    return decorate


@taken_over()
def opens_a_file(it):
    with tempfile.NamedTemporaryFile(prefix="id_ed25519.") as f:
        f.write(b"a private key")
        f.flush()
        fd = it.call("openat", AT_FDCWD, f.name.encode(), os.O_RDONLY)
        return it.bytes_at(it.room, it.call("read", fd, it.room, 64)) == b"a private key"


@taken_over(PORTS)
def connects_elsewhere(it):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = socket.AF_INET.to_bytes(2, "little") + other.getsockname()[1].to_bytes(2, "big") + \
            socket.inet_aton("127.0.0.1") + bytes(8)
        fd = it.call("socket", socket.AF_INET, socket.SOCK_STREAM, 0)
        return it.call("connect", fd, address, len(address)) == 0


@taken_over()
def reads_the_users_keyring(it):
    key, text = wc.libc.syscall(248, b"user", b"ccrun-test", b"a login's key", 13, -4), b""  # add_key
    if key < 0:
        raise NotHere("no keyrings")
    try:
        wc.libc.syscall(250, 5, key, 0x3f3f0000)  # KEYCTL_SETPERM: for the user's programs
        text = it.bytes_at(it.room, it.call("keyctl", 11, key, it.room, 64))  # KEYCTL_READ
    finally:
        wc.libc.syscall(250, 9, key, -4)  # KEYCTL_UNLINK
    return text[:13] == b"a login's key"


@taken_over(SCOPE)
def ends_another(it):
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            return it.call("kill", other.pid, signal.SIGTERM) == 0 and other.wait(10) == -signal.SIGTERM
        finally:
            other.kill()


BY_ITSELF = [
    (("certificates",), another_server),
    (("hardened",), brokers_memory), (("hardened",), relays_memory),
    (("fresh-memory",), opened_before_it_closed),
    (("cage-landlock",), opens_a_file), (("cage-landlock",), connects_elsewhere),
    (("cage-seccomp",), reads_the_users_keyring),
    (("cage-landlock", "cage-seccomp"), ends_another),
]


# ---- in the broker's place ----

class Fake:
    """attack_broker.py in the broker's place; c: a world whose own broker does not serve any more."""

    def __init__(self, c, state, *how, start=None):
        self.c, self.stop = c, c.home / "stop"
        self.record = c.home / "recorded"
        for path in (self.record, self.stop):
            path.unlink(missing_ok=True)
        self.argv = [PYTHON, LIB / "attack_broker.py", c.runtime / "ccrun/broker.sock", self.record, state, *how]
        self.process = (start or c.popen)(self.argv)

    def __enter__(self):
        until(self.record.exists, what="the fake broker")
        return self

    def __exit__(self, *_):
        self.stop.touch()
        if self.process:
            self.process.wait(10)

    def told(self):
        return self.record.read_bytes()


def kill_broker(c):
    pid = c.broker()
    if pid:
        os.kill(pid, signal.SIGKILL)
        until(lambda: c.broker() is None, what="the broker's end")


def told_the_key(*how):
    """A key that is added goes to who is in the broker's place."""
    def attempt(c, token, env):
        kill_broker(c)
        with Fake(c, "unlocked", *how) as fake:
            c.ccctl("add", "demo", "--replace", *c.allows("demo"), input=token + "\n", env=env)
            return token.encode() in fake.told()
    return attempt


def told_a_cheap_guess(c, _, env):
    """Who passes for a broker asks for what it can guess at: a key that takes no memory to derive."""
    kill_broker(c)
    with Fake(c, "locked", "hide", f"mem={CHEAP}") as fake:
        c.with_passphrase("unlock", env=env)
        said = msgpack.Unpacker(raw=False, strict_map_key=False)
        said.feed(fake.told())
        keys = [m["key"] for m in said if isinstance(m, dict) and m.get("op") == "unlock"]
        slot = {**wc.slot(), "mem": CHEAP}
        return derive(slot, PASSPHRASE.encode()) in keys


def serves_where_others_reach(c, _, env):
    """Others could have put their socket there."""
    kill_broker(c)
    (c.runtime / "ccrun").chmod(0o777)
    return c.with_passphrase("unlock", env=env).rc == 0


# ---- what starts others ----

def child_is_told(c, token, env):
    """The client hands on its key in an argument."""
    code = 'import os; os.system("cat /proc/$$/cmdline; : " + os.environ["ANTHROPIC_AUTH_TOKEN"])'
    r = c.ccrun("--exec", PYTHON, "demo", "-c", code, env=env)
    assert r.rc == 0 and "/proc/$$/cmdline" in r.out, r
    return token in r.out


def fetched_though_changed(c, token, env):
    """The source's file says another command than what a person has sealed, and a key is
    fetched all the same."""
    manager = Standin(c, "pass")
    manager.plays(out=token + "\n")
    env = {**env, "PATH": f"{manager.bin}:{c.env()['PATH']}"}
    c.provider("other", base_url="https://other.example.test", auth="bearer")
    r = c.ccctl("add", "other", "--source", "pass:it", "--no-check", *c.allows("other"), env=env)
    assert r.rc == 0, r
    changed = c.write(c.config / "ccrun/sources/pass.conf", "[source]\ncommand = pass show --of-others {path}\n")
    changed.parent.chmod(0o700)
    return c.says("other", env=env).out == token


IN_A_WORLD = [
    (("child-arguments",), child_is_told),
    (("broker-undumpable",), told_the_key()),
    (("broker-unmarked",), told_the_key("mark", "hide")),
    (("broker-undumpable", "broker-unmarked"), told_the_key("mark")),
    (("kdf-bounds",), told_a_cheap_guess),
    (("private-directories",), serves_where_others_reach),
    (("sealed-source",), fetched_though_changed),
]

# The tests of their subjects have the terminals, the library and the sessions for these.
ELSEWHERE = {
    "helper-unmarked": "unlock/test_keyring.py",
    "library-copy": "attacks/test_library.py", "confine-seccomp": "attacks/test_confinement.py",
    "confine-landlock": "attacks/test_confinement.py", "terminal-alone": "client/test_terminal_secrets.py",
    "terminal-readers": "client/test_terminal_secrets.py", "pinentry-owner": "client/test_terminal_secrets.py",
    "broker-owner": "system/test_other_uid.py", "broker-same": "launch/test_old_kernel.py",
    "terminal-watched": "client/test_terminal_secrets.py", "keyless": "attacks/test_keyless.py",
    "first-routes": "client/test_first_routes.py", "first-source": "client/test_first_routes.py",
    "system-watcher": "system/test_system_watcher.py", "renewals": "sources/test_renewal.py",
    "hidden": "lock/test_hidden.py", "console-keyboards": "client/test_console.py", "machine-authorities": "relay/test_relay_outward.py",
    "manager-agent": "sources/test_agent.py",
    **dict.fromkeys(("undumpable-client", "child-environment", "managed", "runtime-variables", "routing-variables", "manager-variables",
                     "trusted-files", "project-pin"), "attacks/test_controls.py"),
}
