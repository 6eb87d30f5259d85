"""`ccctl sessions`: what runs, and ending it; how the rest of ccctl tells of relays.

Run it as an ordinary user: what it looks at is meaningless for root."""
import datetime
import json
import os
import re
import signal
import subprocess

import pytest

import canary
import wire_client as wc
from client import until
from played_relay import SILENT, RelayBroker, Session, live
from wire_client import BUILD

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()


@pytest.fixture
def b():
    with RelayBroker() as broker:
        broker.init()
        broker.put("zai", TOKEN)
        yield broker


def ccctl(b, *args, setup=None):
    return subprocess.run([BUILD / "bin/ccctl", *args], env={**b.env, "TZ": "Asia/Tokyo"}, capture_output=True,
                          text=True, timeout=30, check=False, stdin=subprocess.DEVNULL, preexec_fn=setup)


def ok(b, *args):
    p = ccctl(b, *args)
    assert p.returncode == 0, p
    return p


def listed(b):
    return json.loads(ok(b, "sessions", "--json").stdout)


def take(r):
    assert r.ask("value")["op"] == "value"


def own(b):
    """A process that holds its key itself."""
    def run():
        with b.connect(timeout=60) as c:
            c.open()
            wc.mark()
            c.arrived()
            wc.undumpable()
            c.claim()
            return c.closed()
    child = wc.Child(run)
    until(lambda: [s for s in b.sessions() if s["pid"] == child.pid], what="the session")
    return child


def end(child):
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    os.close(child.pipe)


def test_none(b):
    p = ok(b, "sessions")
    assert (p.stdout, p.stderr) == ("", "ccctl: no session is running\n")
    assert listed(b) == []
    assert ok(b, "sessions", "end", "--all").stderr == "ccctl: no session is running\n"
    b.stop()
    assert ok(b, "sessions").stderr == "ccctl: no session is running\n"
    assert listed(b) == []


def test_what_is_listed(b):
    s, r = live(b, provider="zai", mode="glm-5")
    with s:
        assert [x["key"] for x in listed(b)] == ["unused"]
        take(r)
        for n in range(12):
            r.use(n)
        r.send("refusal", what="a path")
        until(lambda: b.sessions()[0]["refusals"], what="the refusal")
        [one] = listed(b)
        since = one["since"]
        assert datetime.datetime.fromisoformat(since.replace("Z", "+00:00"))
        assert one == {"id": s.id, "provider": "zai", "mode": "glm-5", "entry": "zai", "delivery": "relay",
                       "key": "held", "inside": None, "since": since, "pid": s.pid, "program": os.path.realpath("/proc/self/exe"),
                       "requests": 12, "refused": 1}
        child = own(b)
        lines = ok(b, "sessions").stdout.splitlines()
        assert [len(x) <= 80 for x in lines] == [True] * 3, lines
        assert lines[0].split() == ["SESSION", "PROVIDER", "BY", "KEY", "SINCE", "PROCESS", "REQUESTS", "PROGRAM"]
        mine, = [x for x in lines if x.startswith(s.id[:8])]
        assert re.search(rf"^{s.id[:8]}  zai:glm-5 +relay +held +(\d\d-\d\d )?\d\d:\d\d +{s.pid} +12 \(1 refused\) +"
                         r"python3[.\d]*$", mine), mine
        # in the zone of the reader
        hour = (datetime.datetime.fromisoformat(since[:-1]) + datetime.timedelta(hours=9)).strftime("%H:%M")
        assert hour in mine
        other, = [x for x in lines[1:] if x != mine]
        assert re.search(rf" zai +preload +own +.* {child.pid} +python3[.\d]*$", other), other
        [alone] = [x for x in listed(b) if x["pid"] == child.pid]
        assert (alone["key"], alone["requests"], alone["refused"], alone["mode"]) == ("own", None, None, None)
        end(child)
        b.call("lock")
        until(lambda: [x["key"] for x in listed(b)] == ["locked"], what="the lock, and the other's end")


def test_two_that_begin_alike_are_told_apart_and_a_list_of_pages():
    with RelayBroker(script=SILENT) as b:
        b.init()
        b.put("zai", TOKEN)
        with Session(b) as s:
            s.relay()
            for _ in range(69):
                os.unlink(s.path)
                s.open("zai")
                s.relay()
            found = [x["id"] for x in listed(b)]
            assert len(set(found)) == 70
            shown = [x.split()[0] for x in ok(b, "sessions").stdout.splitlines()[1:]]
            assert len(set(shown)) == 70 and all(any(f.startswith(x) for f in found) for x in shown)
            # of 70 some begin with the same digit
            first = max("0123456789abcdef", key=lambda d: sum(f.startswith(d) for f in found))
            p = ccctl(b, "sessions", "end", first)
            assert (p.returncode, p.stderr.splitlines()[0]) == (
                2, f"ccctl: more than one session begins with {first}")
            assert not [x for x in listed(b) if x["key"] == "ended"]
            ok(b, "sessions", "end", "--all")
            assert [x["key"] for x in listed(b)] == ["ended"] * 70


def test_sessions_are_ended_by_their_first_digits(b):
    (s, r), (other, there) = live(b), live(b)
    with s, other:
        take(r)
        take(there)
        prefix = next(s.id[:n] for n in range(1, 17) if s.id[:n] != other.id[:n])
        p = ok(b, "sessions", "end", prefix)
        assert p.stderr == f"ccctl: session {s.id[:8]} (zai, process {s.pid}) gets no key any more\n" and not p.stdout
        m, _ = r.recv()
        assert (m["op"], m["why"]) == ("wipe", "ended")
        assert there.hears_nothing()
        assert {x["id"]: x["key"] for x in listed(b)} == {s.id: "ended", other.id: "held"}
        ok(b, "sessions", "end", s.id, other.id)
        assert there.recv()[0]["why"] == "ended"
        log = ok(b, "log").stdout
        assert f"granted   zai session {other.id}" in log


def test_nothing_is_ended_when_one_is_unknown(b):
    s, r = live(b)
    with s:
        take(r)
        absent = "0" * 16
        p = ccctl(b, "sessions", "end", s.id, absent)
        assert (p.returncode, p.stderr) == (4, f"ccctl: no session begins with {absent}\n"
                                               "hint: ccctl sessions lists them\n")
        assert r.hears_nothing()


def test_one_with_its_own_key_is_not_ended_and_the_others_are(b):
    s, r = live(b)
    with s:
        take(r)
        child = own(b)
        p = ccctl(b, "sessions", "end", "--all")
        assert p.returncode == 5, p
        assert "has its key in its own memory (delivery preload)" in p.stderr
        assert f"hint: end the process: kill {child.pid}\n" in p.stderr
        assert r.recv()[0]["why"] == "ended"
        end(child)


@pytest.mark.parametrize("args", [("end",), ("--all",), ("end", "--all", "ab"), ("end", "ab", "--json"), ("stop", "ab"),
                                  ("end", "sk-ant-not-an-id"), ("end", ""), ("end", "ABC")])
def test_usage(b, args):
    p = ccctl(b, "sessions", *args)
    assert (p.returncode, p.stdout) == (2, "") and "hint: " in p.stderr
    assert "sk-ant" not in p.stderr


def test_inside_a_session_it_is_refused(b):
    p = ccctl(b, "sessions", setup=wc.mark)
    assert p.returncode == 5 and "as inside a session, but none started it" in p.stderr


def test_status_and_log_tell_of_relays(b):
    assert json.loads(ok(b, "status", "--json").stdout)["sessions_by_relay"] == 0
    assert re.search(r"^sessions +0 live, 0 releases$", ok(b, "status").stdout, re.M)
    s, r = live(b)
    with s:
        take(r)
        child = own(b)
        assert re.search(r"^sessions +2 live \(1 by relay\), 2 releases$", ok(b, "status").stdout, re.M)
        assert json.loads(ok(b, "status", "--json").stdout)["sessions_by_relay"] == 1
        log = ok(b, "log").stdout
        assert re.search(rf"open +granted +zai by relay session {s.id} process {s.pid} /", log), log
        assert re.search(rf"release +granted +zai zai by relay session {s.id} process {s.pid} /\S+: "
                         "to the session's relay$", log, re.M), log
        assert re.search(rf"release +granted +zai zai by preload session \w+ process {child.pid} /", log), log
        assert {e.get("delivery") for e in json.loads(ok(b, "log", "--json").stdout)} == {None, "relay", "preload"}
        ok(b, "log", "--verify")
        end(child)
