"""Crowds of clients of one broker, and what they leave behind.

    with room(limit=256) as b:                 # a broker with an open vault, entry `zai`
        with flat(b) as sums:                  # afterwards it is as it was before
            run(64, talk, b, 5.0)              # so many processes at once, each its own client
"""
import os
import resource
import select
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import client as world
import wire_client as wc

TOKEN = "sk-load-0123456789-abcdefghijklmnop-zyxwv"
RELAYS = "ccrun-relay"
# Growth that is no leak: pages of tables that the first crowd touches, and of libc's heap.
SLACK_KIB = 1024


def status_kib(pid, *names):
    """Of /proc/PID/status, which everybody may read of an undumpable process too."""
    text = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in text if ":" in line and len(line.split()) > 1}
    return tuple(int(values[name]) for name in names)


def descriptors(pid):
    """How many are open; None where that may not be looked at."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return None


def relays():
    """Pids of those that run below this process, to which orphans come."""
    world.reap_orphans()
    return [p for p in world.children_named(os.getpid(), RELAYS) if world.alive(p)]


def memory_kib(pids):
    """What each has for itself, in the mean: anonymous pages and shared ones that are no file's."""
    sums = []
    for p in pids:
        # One that has ended meanwhile has none.
        with suppress(KeyError, FileNotFoundError, ProcessLookupError):
            sums.append(sum(status_kib(p, "RssAnon", "RssShmem")))
    return sum(sums) // max(1, len(sums))


@contextmanager
def room(files=None, policy="delivery=relay nested=use", origin=wc.ORIGIN):
    """files: as many descriptors the broker may open."""
    world.adopt_orphans()

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    with wc.Broker(setup=limit if files else None) as b:
        b.init()
        b.put("zai", TOKEN, policy, origin)
        b.origin = origin
        yield b


def served(b):
    """An honest client's round: it looks, reads a key as a person, and has a session granted."""
    with b.connect() as c:
        assert c.call("hello")["state"] == "unlocked"
        assert c.call("get", name="zai")["token"] == TOKEN.encode()
    with b.connect() as c:
        assert c.open(delivery="relay", origin=b.origin)["granted"]


def connections(b):
    return b.call("status")["connections"]


def record_lines(b):
    """All of the record, verified, also where it has gone on in a second file."""
    old = b.record.with_name("record.1.jsonl")
    return wc.read_record((old.read_bytes() if old.exists() else b"") + b.record.read_bytes())


def quiet(b, most):
    """Until all relays and connections have ended but so many."""
    world.until(lambda: not relays(), 30, "the relays' end")
    world.until(lambda: connections(b) <= most, 40, "the connections' end")


@contextmanager
def flat(b):
    """What a crowd does within leaves nothing: no memory, no connection, no relay; an honest client is
    served, and the record verifies."""
    served(b)
    pid, sums = b.pid, {}
    before, was, files = status_kib(pid, "VmRSS", "VmLck"), connections(b), descriptors(pid)
    yield sums
    quiet(b, was)
    served(b)
    quiet(b, was)
    after = status_kib(pid, "VmRSS", "VmLck")
    assert after[1] == before[1], f"{before[1]} KiB were locked, {after[1]} are"
    assert after[0] <= before[0] + SLACK_KIB, f"{before[0]} KiB were resident, {after[0]} are"
    if files is not None:
        assert descriptors(pid) == files, f"{files} descriptors were open, {descriptors(pid)} are"
    assert b.pid == pid and record_lines(b)
    sums["rss"], sums["locked"] = after[0], after[1]


def rounds(b, sums):
    """Thrice: what the first crowds make the broker's tables grow by, the last one uses again."""
    for _ in range(2):
        yield
        quiet(b, 1)
    with flat(b) as found:
        yield
    sums.update(found)


class Process:
    """function(*args) in a fork that lives until it is ended; it says a byte when it is ready
    (by the first argument of function, which it calls)."""

    def __init__(self, function, *args):
        self.hears, says = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(says)
            return
        code = 1
        try:
            os.close(self.hears)
            function(lambda: os.write(says, b"."), *args)
            code = 0
        except BaseException as e:  # pylint: disable=broad-except
            os.write(says, f"!{type(e).__name__}: {e}".encode()[:2000])
        finally:
            os._exit(code)

    def ready(self, seconds=60):
        if not select.select([self.hears], [], [], seconds)[0]:
            raise TimeoutError("a process of the crowd is not ready")
        said = os.read(self.hears, 4096).decode()
        assert said.startswith("."), said
        return self

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.hears)
        self.pid = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def run(count, function, *args, timeout=120):
    """function(*args) in so many processes at once; what each returned."""
    children = [wc.Child(function, *args) for _ in range(count)]
    return [child.result(timeout) for child in children]


# ---- what the processes do ---------------------------------------------

def talk(b, seconds):
    """Request after request, without a pause, now and then a session that claims; how many of both."""
    end, asked, sessions = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        with b.connect() as c:
            for op, fields in (("hello", {}), ("status", {}), ("list", {"after": ""}), ("slots", {}),
                               ("match", {"name": "zai", "token": TOKEN.encode()}), ("get", {"name": "zai"})):
                c.call(op, **fields)
                asked += 1
        assert wc.in_child(wc.launch, b, "mark", "arrived", "hide", "claim", timeout=60) == {wc.VARIABLE: TOKEN.encode()}
        sessions += 1
    return asked, sessions


def hold(say, b, count, hello):
    """Connections that ask nothing more; count: as many as there are places for."""
    wc.many_files()
    held = []
    for _ in range(count):
        c = b.connect()
        if hello:
            try:
                c.call("hello")
            except (wc.Refused, wc.Closed):
                pass
        held.append(c)
    say()
    signal.pause()


def grab(say, b):
    """The same, for ever again: what is closed is opened once more."""
    held, said = [], False
    while True:
        try:
            held.append(b.connect(timeout=2))
        except OSError:
            time.sleep(0.01)
        if len(held) >= 2000:
            if not said:
                say()
                said = True
            held[:500] = []


# How far a client comes before it vanishes: at each step of a launch, and of other requests.
STEPS = {
    "connected": lambda b, c: None,
    "asked": lambda b, c: c.send(wc.request("hello")),
    "asked much": lambda b, c: [c.send(wc.request("list", after="")) for _ in range(3)],
    "half a map": lambda b, c: c.send(wc.request("list", after="")[:9]),
    "hello": lambda b, c: c.call("hello"),
    "person": lambda b, c: c.prove(b.person.slot, b.person.key),
    "a file staged": lambda b, c: c.call("stage", at=0, part=b"x" * 48000),
    "a file fetched": lambda b, c: c.call("backup"),
    "source-wait": lambda b, c: c.send(wc.request("source-wait", names=[{"name": "zai"}])),
    "opened": lambda b, c: c.open(),
    "opened, unread": lambda b, c: c.send(wc.request("open", **wc.open_fields())),
    "opened by relay": lambda b, c: c.open(delivery="relay"),
    "marked": lambda b, c: (c.open(), wc.mark()),
    "arrived": lambda b, c: (c.open(), wc.mark(), c.arrived()),
    "claim unread": lambda b, c: (c.open(), wc.mark(), c.arrived(), wc.undumpable(), c.send(wc.fixed(wc.CLAIM))),
    "claimed": lambda b, c: (c.open(), wc.mark(), c.arrived(), wc.undumpable(), c.claim()),
    "again": lambda b, c: (c.open(), wc.mark(), c.arrived(), wc.undumpable(), c.claim(), c.again()),
}


def vanish(b, step):
    """Killed where it has come to."""
    pid = os.fork()
    if pid == 0:
        try:
            STEPS[step](b, b.connect())
        except (wc.Refused, wc.Closed, OSError):
            pass
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
