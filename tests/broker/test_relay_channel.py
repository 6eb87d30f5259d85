"""What the broker gives a relay and when, what it hears from one, and what becomes of a
session when either ends.  The relay is the test: tests/lib/played_relay.py.

Run it as an ordinary user: what it looks at is meaningless for root."""
import errno
import hashlib
import os
import re
import signal
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

import canary
import wire_client as wc
from client import until
from lingering import lingering, stopped
from played_relay import SILENT, RelayBroker, Session, live, memfd
from wire_client import Refused, in_child

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
URL = wc.ORIGIN.partition(" ")[2]
KEEP = wc.POLICY + " keep=yes"


def trusting(authorities):
    """The policy of an entry whose relay may trust these."""
    return wc.POLICY + " ca=" + hashlib.blake2b(authorities, digest_size=32).hexdigest()[:32]


@pytest.fixture
def b():
    with RelayBroker() as broker:
        broker.init()
        broker.put("zai", TOKEN)
        yield broker


@pytest.fixture
def opened(b):
    with Session(b) as s:
        yield s


@pytest.fixture
def pair(b):
    s, r = live(b)
    with s:
        yield s, r


def refused(function, *args, **kw):
    with pytest.raises(Refused) as e:
        function(*args, **kw)
    return e.value


def value(r):
    """The tokens, one packet each."""
    m = r.ask("value")
    assert m["op"] == "value", m
    return [m] + [r.recv()[0] for _ in range(m["count"] - 1)]


def gives(r, token=TOKEN):
    assert [m["token"].decode() for m in value(r)] == [token]


def gives_none(r, error):
    m = r.ask("value")
    assert (m["op"], m["error"]) == ("no-value", error), m
    assert "token" not in m and m["message"]
    return m


def wiped(r, why):
    m, _ = r.recv()
    assert (m["op"], m["why"]) == ("wipe", why), m
    assert m["message"]


# ---- what it is started with -------------------------------------------

def test_what_a_relay_is_started_with_in_this_order(b):
    b.put("trusting", TOKEN, trusting(b"some authorities"))
    with Session(b, "trusting") as opened:
        for kind, text in (("key", b"the key"), ("ca", b"some authorities"), ("cert", b"a certificate")):
            opened.call("relay-file", fd=text, kind=kind)
        opened.relay(proxy="http://me:pw@proxy.test:8080", no_proxy="localhost",
                     added=[{"name": "x-upstream-url"}])  # whoever asks names none
        r = b.relay()
        got = r.begin()
        assert [m["op"] for m, _ in got] == ["file"] * 5 + ["start"]
        assert [m["kind"] for m, _ in got[:5]] == ["session", "broker", "ca", "cert", "key"]
        for (_, fd), pid in zip(got, (opened.pid, b.pid)):
            info = open(f"/proc/self/fdinfo/{fd}", encoding="ascii").read()
            assert re.search(rf"^Pid:\t{pid}$", info, re.M)
        assert [os.pread(fd, 100, 0) for _, fd in got[2:5]] == [b"some authorities", b"a certificate", b"the key"]
        assert got[5][0] == {
            "op": "start", "session": opened.id, "pid": opened.pid, "uid": os.getuid(), "url": URL,
            "auth": "bearer", "renewable": False, "entries": [{"header": ""}],
            "added": [],
            "proxy": "http://me:pw@proxy.test:8080", "no_proxy": "localhost"}
        with socket.socket(fileno=os.dup(got[5][1])) as listener, opened.connect() as client:
            assert listener.getsockname() == str(opened.path)
            with listener.accept()[0] as there:
                client.sendall(b"a request")
                assert there.recv(100) == b"a request"
        assert r.hears_nothing(), "no token before it asks"
        assert r.report["environ"] == [] and r.report["cwd"] == "/"
        assert r.report["null"] == ["/dev/null"] * 3
        assert r.report["fds"] == [0, 1, 2, 3]
        [why] = [w for _, _, w in b.events("relay")]
        assert why.startswith("trusts authorities of BLAKE2b ")


def test_what_is_left_out_is_empty(b, opened):
    opened.relay()
    (*files, start) = [m for m, _ in b.relay().begin()]
    assert [m["kind"] for m in files] == ["session", "broker"]
    assert (start["proxy"], start["no_proxy"], start["added"]) == ("", "", [])


HEADERS = b"UNKNOWN=a b=c\nheader:x-config=pc 1: a=b\nheader:x-team=blue\n"


def with_env(lines):
    return wc.POLICY + " env=" + hashlib.blake2b(lines, digest_size=32).hexdigest()[:32]


def test_headers_are_those_that_are_sealed(b):
    b.put("gate", TOKEN, with_env(HEADERS))
    with Session(b, "gate", env=HEADERS) as s:
        s.relay(added=[{"name": "x-team", "value": "red"}])  # whoever asks names none
        start = b.relay().begin()[-1][0]
    assert start["added"] == [{"name": "x-config", "value": "pc 1: a=b"}, {"name": "x-team", "value": "blue"}]


@pytest.mark.parametrize("lines", [b"", HEADERS.replace(b"blue", b"red"), HEADERS + b"header:x-more=1\n"])
def test_other_headers_than_the_sealed_ones_open_nothing(b, lines):
    b.put("gate", TOKEN, with_env(HEADERS))
    with pytest.raises(Refused) as e:
        with Session(b, "gate", env=lines):
            pass
    assert e.value.error == "origin", e.value


@pytest.mark.parametrize("lines, error", [
    (b"header:X-Team=a\n", "bad-value"), (b"header:x a=a\n", "bad-value"), (b"header:x-a\n", "bad-value"),
    (b"header:=a\n", "bad-value"), (b"header:x-a=" + b"v" * 300 + b"\n", "bad-value")])
def test_a_header_that_is_none_is_refused(b, lines, error):
    b.put("gate", TOKEN, with_env(lines))
    with Session(b, "gate", env=lines) as s:
        assert refused(s.relay).error == error
    assert b.starts_none()


@pytest.mark.parametrize("lines, error", [
    (b"header:x-a=1", "bad-value"), (b"header:x-a=1\0\n", "bad-value"),
    (b"".join(b"header:x-%d=%s\n" % (i, b"v" * 200) for i in range(12)), "too-large")])
def test_lines_that_are_none_open_nothing(b, lines, error):
    b.put("gate", TOKEN, with_env(lines))
    with pytest.raises(Refused) as e:
        with Session(b, "gate", env=lines):
            pass
    assert e.value.error == error, e.value


def test_no_proxy_is_used_without_tls(b):
    origin = "api-key http://api.example.test:8080"
    b.put("plain", TOKEN, origin=origin)
    with Session(b, "plain", entries=[{"name": "plain", "variable": wc.VARIABLE, "origin": origin}]) as s:
        s.relay(proxy="http://proxy.test:8080", no_proxy="localhost")
        start = b.relay().begin()[-1][0]
    assert (start["url"], start["auth"], start["proxy"]) == ("http://api.example.test:8080", "api-key", "")


def test_keys_of_two_places_have_no_relay(b):
    b.put("theirs", TOKEN, origin="bearer https://elsewhere.test")
    entries = [{"name": "theirs", "variable": wc.VARIABLE, "origin": "bearer https://elsewhere.test"},
               {"name": "zai", "variable": wc.VARIABLE, "origin": wc.ORIGIN}]
    with Session(b, entries=entries) as s:
        e = refused(s.relay)
        assert e.error == "origin" and "different places" in e.message
    assert b.starts_none()


def further(*variables):
    """Entries of a session: zai, and one for each of these."""
    return [{"name": "zai", "variable": wc.VARIABLE, "origin": wc.ORIGIN}] + [
        {"name": f"more{n}", "variable": v, "origin": wc.ORIGIN} for n, v in enumerate(variables)]


@pytest.mark.parametrize("variables, words", [
    ((wc.VARIABLE,), "a relay carries one key in a variable's place, not 2"),
    (("header:x-gate", "header:x-gate"), "'more0' and 'more1' would be sent as the same header")])
def test_two_keys_are_not_sent_in_one_place(b, variables, words):
    entries = further(*variables)
    for e in entries[1:]:
        b.put(e["name"], TOKEN, variable=e["variable"])
    with Session(b, entries=entries) as s:
        e = refused(s.relay)
        assert (e.error, e.message) == ("policy", words)
    assert b.starts_none()


def test_all_keys_of_a_session_are_given_and_wiped_together(b):
    tokens = [TOKEN, canary.new_token(), canary.new_token()]
    entries = further("header:x-gate", "header:x-other")
    for e, token in list(zip(entries, tokens))[1:]:
        b.put(e["name"], token, variable=e["variable"])
    with Session(b, entries=entries) as s:
        s.relay()
        r = b.relay()
        assert r.begin()[-1][0]["entries"] == [{"header": ""}, {"header": "x-gate"}, {"header": "x-other"}]
        s.mark()
        got = value(r)
        assert [(m["index"], m["count"], m["token"].decode()) for m in got] == [
            (n, 3, t) for n, t in enumerate(tokens)]
        assert [e["entries"] for e in b.lines() if e["event"] == "release"] == ["zai more0 more1"]
        b.call("rm", name="more1")
        wiped(r, "changed")
        gives_none(r, "no-entry")


@pytest.mark.parametrize("fields", [
    {"proxy": "http://" + "p" * 1024}, {"no_proxy": "h" * 1025}], ids=["proxy", "no_proxy"])
def test_too_much_is_refused(b, opened, fields):
    assert refused(opened.relay, **fields).error == "too-large"
    assert b.starts_none()
    assert not b.sessions()


def test_what_is_refused_may_be_tried_again(b):
    b.put("trusting", TOKEN, trusting(b"authorities"))
    with Session(b, "trusting") as opened:
        opened.call("relay-file", fd=b"authorities", kind="ca")
        assert refused(opened.call, "relay").error == "wrong-type"
        opened.relay()
        got = b.relay().begin()
        assert [m.get("kind") for m, _ in got] == ["session", "broker", "ca", None]


# ---- what it must not be given -----------------------------------------

def descriptors():
    """What is no sealed memfd."""
    yield "nothing", None, "wrong-type"
    yield "unsealed", memfd(b"x", 0), "wrong-type"
    for seal in (1, 2, 4, 8):
        yield f"all seals but {seal}", memfd(b"x", 15 - seal), "wrong-type"
    with tempfile.TemporaryFile() as f:
        f.write(b"x")
        f.flush()
        yield "a file", os.dup(f.fileno()), "wrong-type"
    yield "a pipe", os.pipe()[0], "wrong-type"
    yield "a socket", socket.socketpair()[0].detach(), "wrong-type"
    yield "empty", memfd(b""), "too-large"
    yield "large", memfd(b"x" * ((1 << 20) + 1)), "too-large"


def test_a_relays_file_is_a_sealed_memfd(b):
    cases = list(descriptors())  # before the fork that has them, too
    b.put("trusting", TOKEN, trusting(b"x" * (1 << 20)))
    with Session(b, "trusting") as s:
        for name, fd, error in cases:
            assert refused(s.call, "relay-file", fd=fd, kind="ca").error == error, name
        assert refused(s.call, "relay-file", fd=b"x", kind="session").error == "bad-value"
        s.call("relay-file", fd=b"x" * (1 << 20), kind="ca")
        assert refused(s.call, "relay-file", fd=b"y", kind="ca").error == "bad-value"
        s.relay()
        [_, _, ca, _] = b.relay().begin()
        assert os.fstat(ca[1]).st_size == 1 << 20
    for _, fd, _ in cases:
        if fd is not None:
            os.close(fd)
    assert len([e for e in b.lines() if e["event"] == "relay-file"]) == len(cases) + 2


def listening(family, kind, listen=True):
    s = socket.socket(family, kind)
    s.bind(("127.0.0.1", 0) if family == socket.AF_INET else "")
    if listen:
        s.listen()
    return s.detach()


def test_a_wrong_listener_is_refused(b):
    cases = [None, memfd(b"x"), os.open("/dev/null", os.O_RDONLY),
             listening(socket.AF_UNIX, socket.SOCK_STREAM, listen=False),
             listening(socket.AF_UNIX, socket.SOCK_SEQPACKET),
             listening(socket.AF_INET, socket.SOCK_STREAM)]
    with Session(b) as s:
        for fd in cases:
            e = refused(s.call, "relay", fd=fd)
            assert (e.error, e.message) == ("wrong-type", "a relay needs a listening unix socket"), fd
        assert b.starts_none()
    for fd in cases[1:]:
        os.close(fd)


@pytest.mark.parametrize("delivery", ["preload", "pipe", "env"])
def test_another_delivery_has_no_relay(b, delivery):
    b.put("loose", TOKEN, wc.POLICY.replace("auto", "env"))
    with Session(b, "loose", delivery=delivery) as s:
        assert refused(s.call, "relay-file", fd=b"x", kind="ca").error == "posture"
        assert refused(s.relay).error == "posture"
    assert b.starts_none()


def test_one_relay_a_session(b, opened):
    opened.relay()
    os.unlink(opened.path)
    assert refused(opened.relay).error == "posture", "the session is the relay's now"
    opened.hang_up()
    r = b.relay()
    r.begin()
    assert [s["id"] for s in b.sessions()] == [opened.id]
    assert r.hears_nothing() and b.starts_none()


def test_without_a_session_there_is_none(b):
    with b.connect() as c:
        assert c.error("relay") == c.error("relay-file", kind="ca") == "posture"


# ---- the value ---------------------------------------------------------

def test_the_value_comes_once_the_process_is_marked(b, opened):
    reply = opened.relay()
    r = b.relay()
    r.begin()
    m = gives_none(r, "posture")
    assert "does not bear the session's mark" in m["message"]
    opened.mark()
    [m] = value(r)
    assert m == {"op": "value", "index": 0, "count": 1, "limited": False, "token": TOKEN.encode()}
    assert TOKEN not in repr(opened.answer) + repr(reply)
    assert b.events("open", "release") == [
        ("open", "granted", None), ("release", "posture", f"process {opened.pid} does not bear the session's mark"),
        ("release", "granted", "to the session's relay")]
    released = [e for e in b.lines() if e["event"] == "release"][-1]
    assert (released["entries"], released["session"], released["pid"]) == ("zai", opened.id, opened.pid)
    assert TOKEN.encode() not in b.record.read_bytes()
    assert b.call("status")["releases"] == 1


@pytest.mark.parametrize("sealed, told", [("auto", None), ("auto", "auto"), ("auto", "on"), ("on", "on"), ("off", "auto")])
def test_the_value_comes_once_the_process_is_confined(b, sealed, told):
    """Whatever it told with `open`, the kernel is asked when the value is wanted first."""
    b.put("kept", TOKEN, f"delivery=relay confine={sealed}")
    with Session(b, "kept", **({"confine": told} if told else {})) as s:
        s.relay()
        r = b.relay()
        r.begin()
        s.mark(confined=False)
        m = gives_none(r, "posture")
        assert f"process {s.pid} is not confined" in m["message"] and "start it with ccrun" in m["hint"]
        assert b.events("release")[-1][1:] == ("posture", m["message"])
        s.mark()
        gives(r)


def test_a_session_inside_another_is_confined_too(b):
    """As its first process's child it is; one with the ticket alone, from outside, is asked."""
    b.put("team", TOKEN, "delivery=relay nested=use")
    s, r = live(b, "team")
    with s, Session(b, "team", before=lambda: wc.mark(confined=False), ticket=s.answer["ticket"]) as inner:
        inner.relay()
        there = b.relay()
        there.begin()
        gives(r)
        assert "is not confined" in gives_none(there, "posture")["message"]
        inner.mark()
        gives(there)


def test_one_that_was_sealed_unconfined_needs_no_confinement(b):
    b.put("free", TOKEN, "delivery=relay confine=off")
    with Session(b, "free", confine="off") as s:
        s.relay()
        r = b.relay()
        r.begin()
        s.mark(confined=False)
        gives(r)


def test_no_value_while_the_vault_is_locked(b, pair):
    _, r = pair
    gives(r)
    b.call("lock")
    wiped(r, "locked")
    for _ in range(3):
        m = gives_none(r, "locked")
        assert m["hint"] == "ccctl unlock"
    assert [s["has_value"] for s in b.sessions()] == [False]
    b.unlock()
    assert r.hears_nothing(), "it is given nothing unasked"
    gives(r)
    assert b.events("release") == [("release", "granted", "to the session's relay"),
                                   ("release", "locked", "the vault is locked"),
                                   ("release", "granted", "to the session's relay")], "of three refusals, one"


def test_a_lock_tells_those_that_have_a_value(b, pair):
    _, r = pair
    b.call("lock")
    assert r.hears_nothing()
    gives_none(r, "locked")


@pytest.mark.parametrize("why", ["suspend", "screen", "logout"])
def test_kept_entries_survive_an_automatic_lock(b, why):
    b.put("kept", TOKEN, KEEP)
    (s, r), (other, gone) = live(b, "kept"), live(b)
    with s, other:
        gives(r)
        gives(gone)
        b.call("lock", why=why)
        wiped(gone, "locked")
        assert r.hears_nothing()
        gives(r)
        gives_none(gone, "locked")
        b.call("lock")
        wiped(r, "locked")
        gives_none(r, "locked")


def test_an_automatic_lock_takes_a_session_with_one_entry_that_is_not_kept(b):
    """Of two keys both must stay."""
    b.put("kept", TOKEN, KEEP)
    s, r = live(b, "kept")
    with s:
        gives(r)
        b.call("approve", name="kept", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=wc.POLICY)
        wiped(r, "changed")
        gives(r)
        b.call("lock", why="suspend")
        wiped(r, "locked")


OTHER = canary.new_token()


@pytest.mark.parametrize("change, then", [
    (lambda b: b.put("zai", OTHER, replace=True), OTHER),
    (lambda b: b.call("rm", name="zai"), "no-entry"),
    (lambda b: b.call("rename", name="zai", to="z"), "no-entry"),
    (lambda b: b.call("approve", name="zai", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=KEEP), TOKEN),
    (lambda b: b.call("approve", name="zai", origin="bearer https://else.test", variable=wc.VARIABLE,
                      policy=wc.POLICY), "origin"),
    (lambda b: b.put("zai", TOKEN, wc.POLICY + " config_dir=~/.x", replace=True), "origin"),
    (lambda b: b.put("zai", TOKEN, wc.POLICY.replace("auto", "preload"), replace=True), TOKEN),
], ids=["replaced", "removed", "renamed", "approved", "moved", "config_dir", "delivery"])
def test_a_changed_entry_is_wiped(b, pair, change, then):
    _, r = pair
    b.put("bystander", TOKEN)
    other, there = live(b, "bystander")
    with other:
        gives(r)
        gives(there)
        change(b)
        wiped(r, "changed")
        if then in (TOKEN, OTHER):
            gives(r, then)
        else:
            gives_none(r, then)
        assert there.hears_nothing()


def test_a_failed_change_wipes_nothing(b, pair):
    _, r = pair
    gives(r)
    assert b.error("put", name="zai", token=b"x" * 20, origin=wc.ORIGIN, variable=wc.VARIABLE,
                   policy=wc.POLICY, replace=False) == "exists"
    assert r.hears_nothing()


def test_an_unlock_that_finds_another_token_wipes_the_old(b, pair):
    _, r = pair
    before = b.vault.read_bytes()
    b.put("zai", OTHER, replace=True)
    gives(r, OTHER)
    b.vault.write_bytes(before)
    b.unlock()
    wiped(r, "changed")
    gives(r)
    b.unlock()
    assert r.hears_nothing(), "nothing has changed"


def test_a_token_whose_time_is_over_is_wiped(b):
    b.put("short", TOKEN, wc.POLICY + " ttl=2")
    s, r = live(b, "short")
    with s:
        gives(r)
        wiped(r, "locked")
        assert "ttl" in gives_none(r, "locked")["message"]


def test_requests_by_relay_keep_the_vault_from_being_idle(b, pair):
    """They count as use; that it was asked what sessions there are does not."""
    _, r = pair
    gives(r)
    b.call("set", idle=2, longest=0, suspend=True, screen=True, logout=True)
    for _ in range(8):
        r.use()
        assert r.hears_nothing(0.5)
        b.sessions()
    assert b.call("status")["state"] == "unlocked"
    wiped(r, "locked")


# ---- sessions, and their end -------------------------------------------

def test_sessions_are_listed(b, pair):
    s, r = pair
    [one] = b.sessions()
    assert one == {"id": s.id, "provider": "zai", "mode": "", "entry": "zai", "delivery": "relay", "pid": s.pid,
                   "since": one["since"], "image": one["image"], "requests": 0, "refusals": 0, "has_value": False,
                   "ended": False}
    gives(r)
    for n in range(3):
        r.use(n)
    r.send("refusal", what="POST /v1/files is not on the list")
    r.send("failure", what="TLS: certificate has expired")
    until(lambda: b.events("provider"), what="what the relay told")
    [one] = b.sessions()
    assert (one["requests"], one["refusals"], one["has_value"]) == (3, 1, True)
    assert b.call("status")["relays"] == b.call("status")["sessions"] == 1
    assert b.events("request", "provider") == [("request", "refused", "POST /v1/files is not on the list"),
                                               ("provider", "failed", "TLS: certificate has expired")]
    s.end()
    until(lambda: not b.sessions(), what="the session's end")
    [end] = [e for e in b.lines() if e["event"] == "end"]
    assert end["result"] == "done" and "why" not in end and end["session"] == s.id
    assert (end["requests"], end["refused"], end["failed"], end["restarts"]) == (3, 1, 0, 0)
    assert [end[kind] for kind in ("input", "output", "cache_write", "cache_read")] == [3, 6, 0, 0]
    assert end["unpriced"] == 3 and "cost_micros" not in end
    assert b.call("status")["sessions"] == 0


def test_what_relays_did_is_summed_over_restarts(b, pair):
    s, r = pair
    gives(r)
    r.send("use", id=1, model="m", status=200, input=100, output=20, cache_read=7, cost=1500, complete=True,
           billed=True, surcharged=False, bytes=3, sent=4)
    until(lambda: b.sessions()[0]["requests"] == 1, what="the first request")
    r.kill()
    again = b.relay()
    again.begin()
    gives(again)
    again.send("use", id=1, model="m", status=429, complete=True, billed=True, surcharged=False, bytes=3, sent=4)
    again.send("use", id=2, model="m", status=200, input=1, output=2, cost=2**63, complete=True, billed=True,
               surcharged=False, bytes=3, sent=4)
    until(lambda: b.sessions()[0]["requests"] == 3, what="the other requests")
    s.end()
    until(lambda: not b.sessions(), what="the session's end")
    [end] = [e for e in b.lines() if e["event"] == "end"]
    assert {k: end[k] for k in ("requests", "refused", "failed", "restarts", "input", "output", "cache_write",
                                "cache_read", "estimated", "unpriced")} == {
        "requests": 3, "refused": 0, "failed": 1, "restarts": 1, "input": 101, "output": 22, "cache_write": 0,
        "cache_read": 7, "estimated": 0, "unpriced": 0}
    # What a reader of JSON can hold is the most.
    assert end["cost_micros"] == 2**63 - 1


def test_a_provider_that_was_used_with_a_key_needs_one(b, pair):
    """Whatever files say of it now, as long as that key is there, and where nobody can tell whether it is."""
    def keyless(name):
        with b.connect() as c:
            return c.ask("keyless", provider=name, entries=[]).get("error")

    session, r = pair
    assert keyless("zai") is None
    gives(r)
    r.use()
    gives(r)
    session.end()
    assert (keyless("zai"), keyless("other")) == ("policy", None)
    # from what is known, though what it was read from is gone; and read again
    spent = b.data / "spending"
    kept = spent.read_bytes()
    spent.unlink()
    assert keyless("zai") == "policy"
    spent.write_bytes(kept)
    spent.chmod(0o600)
    b.stop()
    b.start()
    b.unlock()
    assert (keyless("zai"), keyless("other")) == ("policy", None)
    b.stop()
    vault = b.vault.read_bytes()
    b.vault.unlink()
    b.start()
    assert keyless("zai") == "policy"
    b.stop()
    b.vault.write_bytes(vault)
    b.vault.chmod(0o600)
    b.start()
    b.unlock()
    b.call("rm", name="zai")
    assert keyless("zai") is None


def test_an_ended_session_gets_no_value(b, pair):
    s, r = pair
    gives(r)
    b.call("session-end", session=s.id)
    wiped(r, "ended")
    gives_none(r, "policy")
    [one] = b.sessions()
    assert (one["ended"], one["has_value"]) == (True, False)
    r.kill()
    again = b.relay()
    again.begin()
    gives_none(again, "policy")
    assert b.events("session-end") == [("session-end", "granted", None)]
    assert b.error("session-end", session="0" * 16) == "no-entry"


def test_a_session_with_its_own_key_is_not_ended(b):
    def own():
        with b.connect() as c:
            c.open()
            wc.mark()
            c.arrived()
            wc.undumpable()
            c.claim()
            c.sock.settimeout(20)
            return c.closed()
    child = wc.Child(own)
    until(b.sessions, what="the session")
    [one] = b.sessions()
    assert (one["delivery"], one["pid"]) == ("preload", child.pid) and "requests" not in one
    with b.connect() as c:
        e = refused(c.call, "session-end", session=one["id"])
    assert (e.error, e.hint) == ("policy", f"end the process: kill {child.pid}")
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    os.close(child.pipe)
    until(lambda: not b.sessions(), what="the session's end")


def test_a_process_inside_a_session_neither_lists_nor_ends(b, pair):
    s, _ = pair
    for op, fields in (("sessions", {"after": 0}), ("session-end", {"session": s.id})):
        assert in_child(lambda o=op, f=fields: (wc.mark(), b.error(o, **f))[1]) == "marked"


def test_the_list_has_pages():
    with RelayBroker(script=SILENT) as b:
        b.init()
        b.put("zai", TOKEN)
        one = Session(b)
        with one:
            ids = {one.id}
            one.relay()
            while len(ids) < 66:
                os.unlink(one.path)
                ids.add(one.open("zai")["session"])
                one.relay()
            page = b.call("sessions", after=0)
            assert len(page["sessions"]) == 64 and page["next"]
            assert {s["id"] for s in b.sessions()} == ids and len(b.sessions()) == 66


def test_when_the_process_ends_so_does_the_session(b, pair):
    s, r = pair
    gives(r)
    s.end()
    # What the relay has to say still is heard.
    r.use()
    assert r.ended()
    until(lambda: not b.sessions(), what="the session's end")
    assert b.events("relay") == [] and b.starts_none()
    [end] = [e for e in b.lines() if e["event"] == "end"]
    assert end["requests"] in (0, 1) and end["refused"] == 0


def test_a_relay_that_does_not_end_loses_its_session(b, pair):
    s, r = pair
    r.kill(signal.SIGSTOP)
    s.end()
    until(lambda: not b.sessions(), what="the session's end")
    assert b.starts_none()
    r.kill(signal.SIGCONT)
    assert r.ended()


# ---- sessions of sessions ----------------------------------------------

USE = "delivery=relay nested=use strict=no exposed=no"


@contextmanager
def inside(b, s):
    """A session inside s, with a relay that has its key."""
    with Session(b, "team", before=wc.mark, ticket=s.answer["ticket"]) as inner:
        inner.relay()
        there = b.relay()
        there.begin()
        gives(there)
        yield inner, there


def test_a_session_inside_another_ends_with_it(b):
    b.put("team", TOKEN, USE)
    s, r = live(b, "team")
    with s, inside(b, s) as (inner, there):
        gives(r)
        s.end()
        wiped(there, "ended")
        gives_none(there, "policy")
        until(lambda: [x["id"] for x in b.sessions()] == [inner.id], what="the first one's end")
        inner.hang_up()
        assert refused(Session, b, "team", before=wc.mark, ticket=s.answer["ticket"]).error == "marked"


def test_ending_a_session_ends_those_inside_it(b):
    """Its process goes on, and must not have the key by another one."""
    b.put("team", TOKEN, USE + " linger=60")
    s, r = live(b, "team")
    with s, inside(b, s) as (inner, there):
        gives(r)
        b.call("session-end", session=s.id)
        wiped(r, "ended")
        wiped(there, "ended")
        gives_none(there, "policy")
        assert [x["ended"] for x in b.sessions()] == [True, True]
        assert refused(Session, b, "team", before=wc.mark, ticket=s.answer["ticket"]).error == "marked"


def test_ending_one_inside_ends_no_other(b):
    b.put("team", TOKEN, USE)
    s, r = live(b, "team")
    with s, inside(b, s) as (inner, there):
        b.call("session-end", session=inner.id)
        wiped(there, "ended")
        gives(r)


def test_who_shows_a_ticket_belongs_to_it_unmarked_too(b):
    """A child of a terminal multiplexer, which runs outside."""
    b.put("team", TOKEN, USE)
    b.put("closed", TOKEN, USE.replace("nested=use", "nested=deny"))
    s, r = live(b, "team")
    with s, Session(b, "team", ticket=s.answer["ticket"]) as inner:
        inner.relay()
        inner.mark()
        there = b.relay()
        there.begin()
        gives(there)
        assert {x["id"]: x.get("inside") for x in b.sessions()} == {s.id: None, inner.id: s.id}
        opened = {e["session"]: e.get("inside") for e in b.lines() if e["event"] == "open"}
        assert (opened[s.id], opened[inner.id]) == (None, s.id)
        for entry, ticket in (("closed", s.answer["ticket"]), ("team", "0" * 32)):
            assert refused(Session, b, entry, ticket=ticket).error == "marked"
        s.end()
        wiped(there, "ended")
    s, r = live(b, "closed")
    with s:
        assert refused(Session, b, "closed", ticket=s.answer["ticket"]).error == "marked"


def test_it_may_outlive_that_one_as_long_as_its_policy_says(b):
    b.put("team", TOKEN, USE + " linger=2")
    s, r = live(b, "team")
    with s, inside(b, s) as (_, there):
        s.end()
        assert r.ended()
        gives(there)
        wiped(there, "ended")
        gives_none(there, "policy")


@pytest.mark.parametrize("ended_by", ["its process", "a person"])
def test_a_session_that_was_opened_inside_one_that_has_ended_gets_no_relay(b, ended_by):
    """Else its process would keep one in hand, and go on with it."""
    b.put("team", TOKEN, USE)
    s, _ = live(b, "team")
    with s, Session(b, "team", before=wc.mark, ticket=s.answer["ticket"]) as inner:
        if ended_by == "a person":
            b.call("session-end", session=s.id)
        else:
            s.end()
            until(lambda: not b.sessions(), what="the first one's end")
        assert refused(inner.relay).error == "marked"


def of_background(b, policy=USE):
    """A session for background work, and one inside it; the first has ended."""
    b.put("team", TOKEN, policy)
    s, r = live(b, "team", background=True)
    inner = Session(b, "team", before=wc.mark, ticket=s.answer["ticket"])
    inner.relay()
    there = b.relay()
    there.begin()
    with s:
        assert [x.get("background") for x in b.sessions()] == [True, None]
        s.end()
        assert r.ended()
    until(lambda: [x["id"] for x in b.sessions()] == [inner.id], what="the first one's end")
    return s, inner, there


def test_background_work_goes_on_until_its_last_session_has_ended(b):
    s, inner, there = of_background(b)
    with inner:
        gives(there)
        with inside(b, s) as (further, last):
            inner.end()
            until(lambda: [x["id"] for x in b.sessions()] == [further.id], what="the second one's end")
            gives(last)
            further.end()
            until(lambda: not b.sessions(), what="the last one's end")
    assert refused(Session, b, "team", before=wc.mark, ticket=s.answer["ticket"]).error == "marked"


def test_background_work_is_ended_by_the_name_of_what_started_it(b):
    s, inner, there = of_background(b, USE + " linger=60")
    with inner:
        gives(there)
        b.call("session-end", session=s.id)
        wiped(there, "ended")
        gives_none(there, "policy")
        assert refused(Session, b, "team", before=wc.mark, ticket=s.answer["ticket"]).error == "marked"
        assert refused(b.call, "session-end", session=s.id).error == "no-entry"


def test_background_work_whose_last_session_a_person_ends(b):
    """Its process goes on, and starts no other."""
    s, inner, there = of_background(b)
    with inner:
        gives(there)
        b.call("session-end", session=inner.id)
        wiped(there, "ended")
        assert refused(Session, b, "team", before=wc.mark, ticket=s.answer["ticket"]).error == "marked"


def test_a_session_does_not_say_that_its_own_may_outlive_it(b):
    b.put("team", TOKEN, USE.replace("use", "allow"))
    with Session(b, "team", before=wc.mark, background=True) as s:
        s.relay()
        b.relay().begin()
        assert [x.get("background") for x in b.sessions()] == [None]


def test_background_work_wants_sessions_inside(b):
    b.put("team", TOKEN, USE.replace("use", "deny"))
    assert refused(Session, b, "team", background=True).error == "policy"


def test_what_a_session_may_not_start(b):
    """Each is `marked`: no ticket, an invented one, another entry's, another delivery."""
    b.put("team", TOKEN, USE)
    b.put("other", TOKEN, USE)
    s, _ = live(b, "team")
    with s:
        ticket = s.answer["ticket"]
        for entry, fields in (("team", {}), ("team", {"ticket": ticket[::-1]}), ("other", {"ticket": ticket}),
                              ("team", {"ticket": ticket, "delivery": "preload"}), ("zai", {"ticket": ticket})):
            assert refused(Session, b, entry, before=wc.mark, **fields).error == "marked", (entry, fields)
    assert b.starts_none()


def test_sessions_of_a_session_leave_places_for_the_user():
    with RelayBroker(script=SILENT) as b:
        b.init()
        b.put("team", TOKEN, USE)
        with Session(b, "team") as s:
            s.relay()
            ticket = s.answer["ticket"]
            with Session(b, "team", before=wc.mark, ticket=ticket) as inner:
                inner.relay()
                n = 1
                with pytest.raises(Refused) as e:
                    while n < 2 * wc.CONNECTIONS_MARKED:
                        os.unlink(inner.path)
                        inner.open("team", ticket=ticket)
                        inner.relay()
                        n += 1
                assert e.value.error == "busy"
                # the connections that asked were silent since: their places were taken
                assert n == wc.CONNECTIONS_MARKED
                assert b.call("status")["relays"] == 1 + n
        until(lambda: not b.sessions(), what="the end of all")


# ---- a relay that ends, or goes wrong ----------------------------------

def test_a_relay_that_dies_is_started_again(b, pair):
    s, r = pair
    gives(r)
    r.kill()
    with s.connect() as client:
        client.sendall(b"meanwhile")
        again = b.relay()
        got = again.begin()
        assert [m["op"] for m, _ in got] == ["file", "file", "start"] and got[2][0]["session"] == s.id
        with socket.socket(fileno=os.dup(got[2][1])) as listener:
            with listener.accept()[0] as there:
                assert there.recv(100) == b"meanwhile"
    assert [x["has_value"] for x in b.sessions()] == [False]
    gives(again)
    b.call("lock")
    wiped(again, "locked")
    assert b.events("relay") == [("relay", "restarted", "it had ended")]


def test_one_that_keeps_dying_is_given_up(b, pair):
    s, r = pair
    for _ in range(4):
        r.kill()
        r = b.relay()
        r.begin()
    r.kill()
    until(lambda: not b.sessions(), what="the session's end")
    assert b.starts_none()
    assert b.events("relay") == [("relay", "restarted", "it had ended")] * 4 + [
        ("relay", "system", "the relay has ended 5 times in a minute")]
    assert len(b.events("end")) == 1
    b.relays[0].close()
    for r in b.relays:
        r.close()
    with pytest.raises(ConnectionRefusedError):
        s.connect()


def test_one_that_cannot_run_is_given_up():
    with RelayBroker(script=b"#!/usr/bin/false\n") as b:
        b.init()
        b.put("zai", TOKEN)
        with Session(b) as s:
            s.relay()
            until(lambda: not b.sessions(), what="the session's end")
            *before, last = b.events("relay")
            assert [result for _, result, _ in before] == ["restarted"] * 4
            assert last == ("relay", "system", "the relay has ended 5 times in a minute")
            assert b.serving()


@pytest.mark.parametrize("packet, why", [
    (b"\xc1", "it sent a malformed message"), (b"x" * 70000, "it had ended"),
    (wc.request("get", name="zai"), "it sent an unknown message"),
    (wc.pack(v=1), "it sent an unknown message"),
    (wc.request("use", id=1), "it sent a malformed message"),
    (wc.request("reserve", id=1), "it sent a malformed message"),
    (wc.request("passing", id=1, sent=1), "it sent a malformed message"),
    (wc.request("open", **wc.open_fields()), "it sent an unknown message")],
    ids=["malformed", "large", "get", "no op", "use", "reserve", "passing", "open"])
def test_one_that_says_what_it_may_not_is_replaced(b, pair, packet, why):
    _, r = pair
    gives(r)
    try:
        r.raw(packet)
    except OSError:
        pass
    assert r.ended()
    again = b.relay()
    again.begin()
    gives(again)
    assert b.events("relay") == [("relay", "restarted", why)]


def test_one_that_does_not_listen_is_replaced(b, pair):
    """What it cannot be told, it must not go on without."""
    s, r = pair
    r.kill(signal.SIGSTOP)
    for _ in range(20000):
        b.call("session-end", session=s.id)
        if b"restarted" in b.record.read_bytes():
            break
    b.relay().begin()
    r.kill(signal.SIGCONT)
    # It hears the end behind what was queued.
    try:
        while r.recv()[0]["op"] == "wipe":
            pass
    except wc.Closed:
        pass
    assert b.events("relay") == [("relay", "restarted", "it could not be told to wipe its key")]


def test_the_brokers_end_is_its_end(b, pair):
    _, r = pair
    gives(r)
    b.stop()
    with pytest.raises(wc.Closed):
        while r.recv()[0]["op"] == "wipe":
            pass


def test_none_is_installed():
    with RelayBroker(script=None) as b:
        b.init()
        b.put("zai", TOKEN)
        with Session(b) as s:
            e = refused(s.relay)
        assert (e.error, e.message) == ("no-entry", "ccrun-relay was not installed when the broker started")
        assert "make install" in e.hint
        assert b.events("relay") == [("relay", "no-entry", e.message)]


@pytest.mark.skipif(wc.libc.syscall(444, None, 0, 1) < 1, reason="this kernel has no Landlock")
def test_what_a_keeper_starts_reads_no_vault_and_runs_nothing_else(b, pair):
    """Before the relay restricts itself further."""
    assert b.vault.stat().st_size > 0
    assert (pair[1].report["vault"], pair[1].report["true"]) == (errno.EACCES, errno.EACCES)


def test_a_keeper_that_was_killed_is_started_again(b, opened):
    outer, inner = b.keepers()
    os.kill(inner, signal.SIGKILL)
    until(lambda: b.keepers()[1] not in (None, inner), what="another keeper")
    assert b.keepers()[0] == outer
    opened.relay()
    assert b.relay().begin()[-1][0]["session"] == opened.id
    assert b.call("status")["relay"] == "user"


@pytest.mark.parametrize("which", [0, 1])
def test_without_its_keeper_the_broker_says_so(b, pair, which):
    _, r = pair
    outer, inner = b.keepers()
    if which:  # not even restarted
        os.kill(outer, signal.SIGSTOP)
        os.kill(inner, signal.SIGKILL)
    os.kill(outer, signal.SIGKILL)
    for _ in range(2):
        with Session(b) as s:
            e = refused(s.relay)
            assert (e.error, e.message) == ("system", "the broker's process that starts relays has ended")
            assert "ccctl status" in e.hint
    assert b.call("status")["relay"] == "ended"
    gives(r)
    r.kill()
    until(lambda: not b.sessions(), what="the session's end")
    assert b.serving()


@pytest.mark.parametrize("which,words", [(1, "does not answer"), (0, "has ended")])
def test_without_its_witness_the_broker_says_so(b, which, words):
    """And opens nothing: in which namespaces a process is cannot be told then."""
    witness = b.witnesses()[which]
    os.kill(witness, signal.SIGSTOP if which else signal.SIGKILL)
    try:
        e = refused(Session, b)
    finally:
        if which:  # it is to end with the broker
            os.kill(witness, signal.SIGCONT)
    assert (e.error, e.message) == ("posture", f"the broker's process that looks at others {words}")
    assert "ccctl status" in e.hint


def test_a_relay_is_undumpable_from_its_first_instruction(b, pair):
    """Though its program can be read, and this one does not harden itself."""
    assert os.access(b.root / "build/libexec/ccrun/ccrun-relay", os.R_OK)
    assert os.stat(f"/proc/{pair[1].pid}/stat").st_uid == 0
    for name in ("mem", "fd", "environ"):
        with pytest.raises(PermissionError):
            os.listdir(f"/proc/{pair[1].pid}/fd") if name == "fd" else open(f"/proc/{pair[1].pid}/{name}", "rb")


def test_the_relay_is_the_one_that_was_there_when_the_broker_started(b, opened):
    """What a session puts in its place later gets no key."""
    relay = b.root / "build/libexec/ccrun/ccrun-relay"
    os.chmod(relay, 0o755)
    relay.write_bytes(Path("/bin/false").read_bytes())
    relay.unlink()
    os.symlink("/bin/false", relay)
    opened.relay()
    assert b.relay().begin()[-1][0]["session"] == opened.id


def test_a_slow_keeper_costs_one_answer(b, opened):
    keeper = b.keepers()[1]
    os.kill(keeper, signal.SIGSTOP)
    e = refused(opened.relay)
    assert e.error == "timeout"
    os.kill(keeper, signal.SIGCONT)
    late = b.relay()
    with Session(b) as s:
        s.relay()
        assert late.ended(), "it is not taken for the next session's"
        assert b.relay().begin()[-1][0]["session"] == s.id


@pytest.mark.parametrize("queued", [False, True])
def test_no_descriptor_has_the_broker_wait(b, queued):
    """What it closes last can linger, itself or in the queue of a socket: a lock would not be heard."""
    pid = b.pid
    with lingering() as slow, b.connect() as c:
        c.open("zai", delivery="relay")
        near, far = socket.socketpair(socket.AF_UNIX)
        if queued:
            socket.send_fds(near, [b"x"], [slow.fileno()])
        with stopped(pid):
            c.send(wc.request("relay", proxy=""), [far.fileno() if queued else slow.fileno()])
            slow.close()
            near.close()
            far.close()
        assert b.call("status")["state"] == "unlocked"
