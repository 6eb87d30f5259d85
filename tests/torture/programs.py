"""The programs that people and clients run, every system call and allocation of theirs failing
in turn: a clear line or a second try, never a crash, never a wait without end, never a key."""
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable

import canary
from built import BUILD, REPO
from client import LOGIN
from endpoint import Endpoint, Text
from errors import number, points, short_points, took_badly
from sources import Standin
from verbs import TracedHome

LIMITS = REPO / "tests/statusline/limits.json"

TOKEN = canary.new_token(40)


@dataclass
class Case:
    """do(home) makes program run; begin(home): before each time; right(home, result): what must
    be true afterwards.  shows: its output may have the key."""
    name: str
    program: str
    do: Callable
    begin: Callable = lambda h: None
    right: Callable = lambda h, r: None
    shows: bool = False
    foreign: bool = False  # the loader and another's program fail there, too, in words of their own


def locked(h):
    h.ccctl("lock")


def unlocked(h):
    if h.status()["state"] != "unlocked":
        assert h.unlock().rc == 0


def without_extra(h):
    unlocked(h)
    h.ccctl("rm", "-y", "extra")


def extra_there(h, r):
    there = h.ccctl("get", "extra")
    assert r.rc != 0 or there.out == TOKEN, "it was added, and is not there"
    assert there.rc != 0 or there.out == TOKEN, "there is a part of it"


def add(h):
    return h.ccctl("add", "--key", "extra", input=TOKEN + "\n")


def printed(h, r):
    assert r.rc != 0 or r.out.strip() == TOKEN, "another key than the vault's"


def launch(h, *words):
    return h.ccrun("--exec", "/bin/sh", "demo", "-c", "echo ran", *words)


def launched(h, r):
    assert r.rc == 0 and "ran" in r.out or r.rc != 0, "it says that it ran"


def fetched(h):
    """A key of another manager, which is fetched again after a lock."""
    return h.ccrun("--exec", "/bin/sh", "away", "-c", 'printf "%.3s ran" "$ANTHROPIC_AUTH_TOKEN"')


def relocked(h):
    locked(h)
    unlocked(h)


def line(h):
    return h.run([BUILD / "bin/ccrun-statusline"], input=LIMITS.read_text())


def found(h, r):
    assert r.rc != 0 or ".bashrc" in r.out, "the key in .bashrc was not found, and nothing says so"


CASES = [
    Case("unlock", "ccctl", lambda h: h.unlock(), locked),
    Case("status", "ccctl", lambda h: h.ccctl("status")),
    Case("keys", "ccctl", lambda h: h.ccctl("keys"), unlocked),
    Case("add", "ccctl", add, without_extra, extra_there),
    Case("get", "ccctl", lambda h: h.ccctl("get", "demo"), unlocked, printed, shows=True),
    Case("log", "ccctl", lambda h: h.ccctl("log", "--verify"), unlocked),
    Case("lock", "ccctl", lambda h: h.ccctl("lock"), unlocked),
    Case("ccrun, preload", "ccrun", launch, unlocked, launched),
    Case("libccrun.so", "=sh", launch, unlocked, launched, foreign=True),
    Case("ccrun-source", "ccrun-source", fetched, relocked, launched),
    Case("ccrun-statusline", "ccrun-statusline", line),
    Case("import", "ccrun-import", lambda h: h.ccctl("import"), unlocked, found),
    Case("ccrun-ask", "ccrun-ask", lambda h: h.ccctl("test", "relayed"), unlocked),
]


# So that a tracer can do a call in a program's place, and the broker minds as little.
READABLE = "hardened,broker-undumpable,undumpable-claimant"


@contextmanager
def home(readable=False):
    with Endpoint([Text("hi")] * 4) as ep, TracedHome(endpoint=ep) as h:
        if readable:
            h.plain_env["CCRUN_WITHOUT"] = READABLE
        h.demo()
        h.ready(TOKEN)
        h.login(LOGIN)
        manager = Standin(h, "pass")
        manager.path = h.program("pass", manager.path.read_text())
        manager.plays(out=TOKEN + "\n")
        h.provider("away", base_url=ep.url, auth="bearer", docs="elsewhere")
        h.provider("relayed", base_url=ep.url, auth="bearer", docs="by relay", policy={"delivery": "relay"})
        h.add("relayed", TOKEN)
        r = h.ccctl("add", "away", "--source", "pass:ai/x", *h.allows("away"))
        assert r.rc == 0, r
        h.write(".bashrc", f"export OPENROUTER_API_KEY={h.key('or')}\n")
        yield h


def refuse_program(h, case, what):
    """One point; what is wrong."""
    action, at, name, error = what
    case.begin(h)
    try:
        r, end, _ = h.traced(lambda h: case.do(h), (action, case.program[:15], "all", at, number(error) if error else 0, name))
    except TimeoutError as e:
        return [f"{case.name}, call {at} {name} {error or 'short'}: hangs: {e}"]
    wrong = took_badly(end, r.err, [], case.foreign)
    if canary.scan_bytes(r.err if case.shows else r.out + r.err, TOKEN):
        wrong.append("it shows the key")
    try:
        case.right(h, r)
    except AssertionError as e:
        wrong.append(str(e))
    return [f"{case.name}, call {at} {name} {error or 'short'}: {w}" for w in wrong]


def refuse_case(h, case, step=1, rest=0):
    """(points, faults)"""
    case.begin(h)
    r, _, lines = h.traced(case.do, ("count", case.program[:15], "all"))
    assert r.rc == 0, (case.name, r)
    done, faults = 0, []
    # The loader comes before the library, whose first word to the broker is its first call.
    first = next(n for n, text in enumerate(lines, 1) if text.startswith("sendmsg\t")) if case.foreign else 1
    for at, name, error in points(lines, step, rest):
        if at < first:
            continue
        faults += refuse_program(h, case, ("fail", at, name, error))
        done += 1
    return done, faults


def shorten_case(h, case, step=1):
    """(points, faults) of reads and writes that do half of it: nobody must notice."""
    case.begin(h)
    r, _, lines = h.traced(case.do, ("count", case.program[:15], "all"))
    assert r.rc == 0, (case.name, r)
    done, faults = 0, []
    first = next(n for n, text in enumerate(lines, 1) if text.startswith("sendmsg\t")) if case.foreign else 1
    for at, name in short_points(lines, step):
        if at < first:
            continue
        case.begin(h)
        r, end, _ = h.traced(case.do, ("short", case.program[:15], "all", at, 0, name))
        wrong = [] if r.rc == 0 else [f"it failed: {r}"]
        if end.left != "-":
            wrong.append(f"lives on: {end.left}")
        try:
            case.right(h, r)
        except AssertionError as e:
            wrong.append(str(e))
        faults += [f"{case.name}, call {at} {name}, half of it: {w}" for w in wrong]
        done += 1
    return done, faults


def shorten_alone(case, step=1):
    with home(True) as h:
        return shorten_case(h, case, step)


def refuse_alone(case, step=1, rest=0):
    """The same in a home of its own."""
    with home() as h:
        return refuse_case(h, case, step, rest)
