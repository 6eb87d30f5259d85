"""Conformance of a real ccbroker to docs/PROTOCOL.md: every request and its
errors, what is malformed, who is heard, who may claim.  test_broker.py is about
the broker around that.

Run it as an ordinary user: what it looks at is meaningless for root."""
import hashlib
import os
import re
import socket
import time
from pathlib import Path

import msgpack
import pytest

import canary
import wire_client as wc
from client import until
from wire_client import (Broker, Child, Closed, Refused, in_child, launch, mark, pack, request,
                         undumpable)

pytestmark = pytest.mark.usefixtures("ordinary_user")

TOKEN = canary.new_token()
SOURCE = {"source": "pass:ai/x", "command": "/usr/bin/pass show ai/x", "pick": "first-line"}
ELSEWHERE = {"name": "elsewhere", "origin": wc.ORIGIN, "variable": wc.VARIABLE, "policy": wc.POLICY,
             "replace": False, **SOURCE}
DOC = (wc.REPO / "docs/PROTOCOL.md").read_text()
CLONE_NEWUSER = 0x10000000


@pytest.fixture(scope="module")
def shared():
    """For what leaves the vault as it is."""
    with Broker() as b:
        b.init()
        b.put("zai", TOKEN)
        b.put("other", TOKEN)
        b.put("nested", TOKEN, "delivery=auto nested=allow strict=no exposed=no")
        b.put("strict", TOKEN, "delivery=env nested=deny strict=yes exposed=no")
        b.put("loose", TOKEN, "delivery=env nested=deny strict=no exposed=no")
        b.call("put", **ELSEWHERE)
        b.put("free", TOKEN, "delivery=env nested=deny strict=no exposed=no confine=off")
        b.put("bound", TOKEN, "delivery=env nested=deny strict=no exposed=no confine=on")
        b.put("tight", TOKEN, "delivery=preload nested=deny strict=no exposed=no")
        b.put("relayed", TOKEN, "delivery=relay nested=deny strict=no exposed=no")
        yield b


def late(b):
    with b.connect() as c:
        c.open()
        mark()
        c.arrived()
        undumpable()
        time.sleep(wc.CLAIM_DEADLINE + 1)
        return c.claim()


@pytest.fixture(scope="module", autouse=True)
def slow(shared):
    """What takes long begins with the first test and is looked at in the last."""
    began = time.monotonic()
    claimer, idle = Child(late, shared), shared.connect(timeout=wc.IDLE_DEADLINE + 5)
    with shared.connect() as watcher:
        watcher.call("watch", kind="a test")
        yield claimer, idle, watcher, began
    idle.close()


# ---- requests ----------------------------------------------------------

def shape(reply):
    return {k: type(v) for k, v in reply.items() if k not in ("v", "ok")}


def test_hello_and_status(fresh):
    with fresh.connect() as c:
        hello = c.call("hello")
        assert shape(hello) == {**dict.fromkeys(("broker", "version", "state", "vault", "why"), str),
                                "asleep": int, "watched": bool, "delays": bool}
        assert (hello["broker"], hello["state"], hello["why"]) == ("user", "none", "start")
        assert hello["vault"] == str(fresh.vault)
        status = c.call("status")
        assert shape(status) == {
            "broker": str, "version": str, "state": str, "vault": str, "why": str, "asleep": int,
            "pid": int, "started": int, "memory_locked": bool, "memory_size": int,
            "memory_used": int, "undumpable": bool, "untraced": bool, "caged": bool, "landlock": int,
            "connections": int, "sessions": int, "relays": int, "releases": int, "waiting": int,
            "locked_at": int, "kept": int, "watched": bool, "delays": bool, "relay": str}
        assert all(status[k] for k in ("memory_locked", "undumpable", "untraced", "caged"))
        abi = wc.libc.syscall(444, None, 0, 1)  # landlock_create_ruleset, for its version
        assert status["landlock"] == max(abi, 0)
        assert (status["locked_at"], status["kept"], status["watched"]) == (0, 0, False)
        assert status["relay"] == "user" and status["pid"] == c.sender
    with pytest.raises(PermissionError):
        Path(f"/proc/{status['pid']}/environ").read_bytes()


def test_a_vault_from_its_making_to_its_emptying(fresh):
    with fresh.connect() as c:
        assert c.call("init", slot=[wc.slot(label="a slot")], key=fresh.key) == {
            "v": 1, "ok": True, "generation": 1, "vault": str(fresh.vault)}
        slots = c.call("slots")
        assert shape(slots) == {"generation": int, "id": bytes, "next": int, "slots": list}
        assert slots["generation"] == 1 and len(slots["slots"]) == 1
        assert len(slots["id"]) == 16 and slots["next"] == 2
        created = slots["slots"][0].pop("created")
        assert abs(created - time.time()) < 60
        assert slots["slots"][0] == wc.slot(label="a slot", id=1)
        put = {"name": "b", "token": TOKEN.encode(), "origin": wc.ORIGIN,
               "variable": wc.VARIABLE, "policy": "strict=yes", "replace": False}
        assert c.call("put", **put) == {"v": 1, "ok": True, "generation": 2}
        c.call("put", **dict(put, name="a", policy=""))
        entries = c.call("list", after="")
        assert entries["more"] is False
        assert [e["name"] for e in entries["entries"]] == ["a", "b"]
        assert shape(entries["entries"][0]) == {
            "name": str, "origin": str, "variable": str, "policy": str,
            "created": int, "changed": int, "used": int}
        assert [e["policy"] for e in entries["entries"]] == [
            wc.POLICY, wc.POLICY.replace("strict=no", "strict=yes")]
        assert c.call("list", after="a")["entries"] == entries["entries"][1:]
        assert c.call("get", name="b")["token"] == TOKEN.encode()
        assert c.call("rename", name="b", to="c")["generation"] == 4
        assert c.call("approve", name="c", origin="elsewhere", variable="ANTHROPIC_API_KEY",
                      policy="nested=allow")["generation"] == 5
        after = c.call("list", after="a")["entries"][0]
        assert (after["origin"], after["variable"]) == ("elsewhere", "ANTHROPIC_API_KEY")
        assert after["created"] == entries["entries"][1]["created"]
        assert c.call("get", name="c")["token"] == TOKEN.encode()
        assert c.call("put", **dict(put, name="c", token=b"x" * 8, replace=True))
        assert c.call("get", name="c")["token"] == b"x" * 8
        assert c.call("rm", name="c")["generation"] == 7
        assert c.error("get", name="c") == "no-entry"
        assert c.call("lock") == {"v": 1, "ok": True, "locked": True}
        assert c.call("status")["state"] == "locked"
        assert shape(c.call("slots")) == {"generation": int, "id": bytes, "slots": list}
        assert c.call("lock") == {"v": 1, "ok": True, "locked": True}
        assert c.call("unlock", slot=1, key=fresh.key) == {
            "v": 1, "ok": True, "entries": 1, "slots": 1}
        assert c.call("get", name="a")["token"] == TOKEN.encode()
    assert (fresh.data / "vault.prev").exists()


def test_a_long_list_comes_in_pages(fresh):
    fresh.init()
    names = [f"n{i:03}" for i in range(150)]
    with fresh.connect() as c:
        for name in names:
            c.call("put", name=name, token=b"t" * 8, origin="o" * 500, variable=wc.VARIABLE,
                   policy="", replace=False)
        found, pages, more = [], 0, True
        while more:
            page = c.call("list", after=found[-1] if found else "")
            found += [e["name"] for e in page["entries"]]
            pages, more = pages + 1, page["more"]
    assert found == names and pages > 1


PUT = {"name": "new", "token": b"t" * 20, "origin": wc.ORIGIN, "variable": wc.VARIABLE,
       "policy": "", "replace": False}
INIT = {"slot": [wc.slot()], "key": b"k" * 32}
ERRORS = [
    ("init", INIT, "exists"),
    ("init", dict(INIT, slot=[]), "wrong-type"),
    ("init", dict(INIT, slot=[1]), "wrong-type"),
    ("init", dict(INIT, slot=[wc.slot("keyfile")]), "policy"),
    ("init", dict(INIT, slot=[wc.slot("recovery")]), "exists"),
    ("init", dict(INIT, slot=[wc.slot("tpm2", material=b"m" * 1025)]), "too-large"),
    ("init", dict(INIT, slot=[wc.slot("tpm2", material="m")]), "wrong-type"),
    ("init", dict(INIT, slot=[wc.slot("no such")]), "bad-value"),
    ("init", dict(INIT, slot=[wc.slot(label="l" * 65)]), "too-large"),
    ("init", dict(INIT, slot=[wc.slot(salt=b"short")]), "bad-value"),
    ("init", dict(INIT, slot=[wc.slot(alg=1)]), "kdf-bounds"),
    ("init", dict(INIT, slot=[wc.slot(ops=0)]), "kdf-bounds"),
    ("init", dict(INIT, slot=[wc.slot(mem=2**40)]), "kdf-bounds"),
    ("init", dict(INIT, key=b"k" * 31), "bad-value"),
    ("init", dict(INIT, key="k" * 32), "wrong-type"),
    ("unlock", {"slot": 1, "key": b"k" * 32}, "wrong-key"),
    ("unlock", {"slot": 9, "key": b"k" * 32}, "no-entry"),
    ("unlock", {"slot": 2**40, "key": b"k" * 32}, "no-entry"),
    ("unlock", {"slot": 1, "key": b""}, "bad-value"),
    ("unlock", {"slot": "1", "key": b"k" * 32}, "wrong-type"),
    ("put", dict(PUT, name="zai"), "exists"),
    ("put", dict(PUT, name="../x"), "bad-value"),
    ("put", dict(PUT, name=""), "bad-value"),
    ("put", dict(PUT, name="n" * 65), "too-large"),
    ("put", dict(PUT, name=7), "wrong-type"),
    ("put", dict(PUT, origin=""), "bad-value"),
    ("put", dict(PUT, origin="a\nb"), "bad-value"),
    ("put", dict(PUT, origin="o" * 513), "too-large"),
    ("put", dict(PUT, variable="1X"), "bad-value"),
    ("put", dict(PUT, variable="A=B"), "bad-value"),
    ("put", dict(PUT, variable="LD_PRELOAD", policy="exposed=yes"), "policy"),
    ("put", dict(PUT, variable="AWS_SECRET_ACCESS_KEY"), "policy"),
    ("put", dict(PUT, policy="colour=red"), "bad-value"),
    ("put", dict(PUT, policy="nested=perhaps"), "bad-value"),
    ("put", dict(PUT, policy="nested"), "bad-value"),
    ("put", dict(PUT, policy="p" * 449), "too-large"),
    ("put", dict(PUT, token=b""), "bad-value"),
    ("put", dict(PUT, token=b"short"), "bad-value"),
    ("put", dict(PUT, token=b"two\nlines"), "bad-value"),
    ("put", dict(PUT, token=b"nul\0inside"), "bad-value"),
    ("put", dict(PUT, token=b"with a space"), "bad-value"),
    ("put", dict(PUT, token="é".encode() * 8), "bad-value"),
    ("put", dict(PUT, token=b"t" * (wc.TOKEN_MAX + 1)), "too-large"),
    ("put", dict(PUT, token="t" * 20), "wrong-type"),
    ("put", dict(PUT, replace=1), "wrong-type"),
    ("get", {"name": "absent"}, "no-entry"),
    ("get", {"name": "a b"}, "bad-value"),
    ("get", {}, "wrong-type"),
    ("rm", {"name": "absent"}, "no-entry"),
    ("rename", {"name": "absent", "to": "x"}, "no-entry"),
    ("rename", {"name": "zai", "to": "other"}, "exists"),
    ("rename", {"name": "zai", "to": "-"}, "bad-value"),
    ("approve", dict(PUT, name="absent"), "no-entry"),
    ("approve", dict(PUT, name="zai", policy="x=y"), "bad-value"),
    ("approve", dict(PUT, name="zai", variable="AWS_SESSION_TOKEN"), "policy"),
    ("approve", {**PUT, "name": "zai", **SOURCE}, "bad-value"),
    ("put", {**ELSEWHERE, "source": ""}, "bad-value"),
    ("put", {**ELSEWHERE, "replace": True, "command": "a\nb"}, "bad-value"),
    ("put", {**ELSEWHERE, "replace": True, "source": "s" * 1025}, "too-large"),
    ("put", {**ELSEWHERE, "replace": True, "command": "s" * 2049}, "too-large"),
    ("put", {**ELSEWHERE, "replace": True, "pick": "s" * 257}, "too-large"),
    ("put", {k: v for k, v in ELSEWHERE.items() if k != "pick"}, "wrong-type"),
    ("put", {**ELSEWHERE, "replace": True, "token": b"short"}, "bad-value"),
    ("get", {"name": "elsewhere"}, "policy"),
    ("match", {"name": "elsewhere", "token": b"t" * 8}, "no-value"),
    ("match", {"name": "absent", "token": b"t" * 8}, "no-entry"),
    ("match", {"name": "zai"}, "wrong-type"),
    ("person", {"slot": 1}, "wrong-type"),
    ("person", {"slot": 1, "key": b"k" * 31}, "bad-value"),
    ("person", {"slot": 1, "key": b"k" * 32}, "wrong-key"),
    ("person", {"slot": 9, "key": b"k" * 32}, "no-entry"),
    ("open", wc.open_fields("elsewhere"), "no-value"),
    ("source-take", {"name": "absent"}, "no-entry"),
    ("source-take", {"name": "../x"}, "bad-value"),
    ("source-put", {"name": "elsewhere", "token": b"x" * 20}, "posture"),
    ("source-put", {"name": "absent", "token": b"x" * 20}, "no-entry"),
    ("list", {}, "wrong-type"),
    ("list", {"after": "n" * 65}, "too-large"),
    ("pipe", {}, "posture"),
    ("open", wc.open_fields("absent"), "no-entry"),
    ("open", wc.open_fields("zai", origin="bearer https://evil.example"), "origin"),
    ("open", wc.open_fields("zai", variable="ANTHROPIC_API_KEY"), "origin"),
    ("open", wc.open_fields("zai", delivery="env"), "policy"),
    ("open", wc.open_fields("tight", delivery="pipe"), "policy"),
    ("open", wc.open_fields("relayed", delivery="preload"), "policy"),
    ("open", wc.open_fields("relayed", delivery="env"), "policy"),
    ("open", wc.open_fields("strict", delivery="pipe"), "policy"),
    ("open", wc.open_fields("zai", delivery="pipe", strict=True), "policy"),
    ("open", wc.open_fields("zai", confine="off"), "policy"),
    ("open", wc.open_fields("zai", confine="no"), "bad-value"),
    ("open", wc.open_fields("strict"), "policy"),
    ("open", wc.open_fields("strict", roots="/home/u belongs to uid 1000, not to root"), "policy"),
    ("open", wc.open_fields("zai", strict=True), "policy"),
    ("open", wc.open_fields("zai", delivery="auto"), "bad-value"),
    ("open", wc.open_fields("zai", delivery="pigeon"), "bad-value"),
    ("open", wc.open_fields("zai", entries=[]), "bad-value"),
    ("open", wc.open_fields("zai", entries=wc.open_fields()["entries"] * 4), "bad-value"),
    ("open", wc.open_fields("loose", delivery="pipe",
                            entries=wc.open_fields("loose")["entries"] * 2), "bad-value"),
    ("open", wc.open_fields("zai", entries="zai"), "wrong-type"),
    ("open", wc.open_fields("zai", strict="no"), "wrong-type"),
    ("open", wc.open_fields("zai", provider="p" * 65), "too-large"),
    *(("open", wc.open_fields("zai", **{field: 1}), "wrong-type")
      for field in ("background", "ticket", "purpose", "program", "confirm", "config_dir", "project", "confine", "env")),
    *(("open", wc.open_fields("zai", **{field: "t" * n}), "too-large")
      for field, n in (("ticket", 33), ("purpose", 32), ("confirm", 16))),
    ("open", wc.open_fields("zai", confirm="perhaps"), "bad-value"),
    ("keyless", {"entries": []}, "wrong-type"),
    ("keyless", {"provider": "p"}, "wrong-type"),
    ("keyless", {"provider": "p", "entries": [{"name": "a b"}]}, "bad-value"),
    ("keyless", {"provider": "p", "entries": ["a"]}, "wrong-type"),
    ("keyless", {"provider": "p", "entries": [{"name": "absent"}, {"name": "zai"}]}, "policy"),
    ("no-such-op", {}, "unknown-op"),
]


@pytest.mark.parametrize("op,fields,error", ERRORS)
def test_an_error_has_its_name_and_costs_nothing(shared, op, fields, error):
    before = shared.vault.read_bytes()
    with shared.connect() as c:
        assert c.error(op, **fields) == error
        assert c.call("hello")["state"] == "unlocked"
    assert shared.vault.read_bytes() == before


@pytest.mark.parametrize("state", ["no-vault", "locked"])
def test_without_an_open_vault(fresh, state):
    if state == "locked":
        fresh.init()
        fresh.call("lock")
    needs = {"put": PUT, "get": {"name": "zai"}, "rm": {"name": "zai"}, "list": {"after": ""},
             "rename": {"name": "a", "to": "b"}, "approve": PUT, "pipe": {},
             "open": wc.open_fields()}
    for op, fields in needs.items():
        assert fresh.error(op, **fields) == state
    if state == "no-vault":
        assert fresh.error("slots") == state
        assert fresh.error("unlock", slot=1, key=fresh.key) == state


# ---- tokens that stay elsewhere ----

def test_a_source_from_its_making_to_its_lock(fresh):
    fresh.init()
    fresh.put("zai", TOKEN)
    value = b"fetched-" + TOKEN.encode()
    with fresh.connect() as c, fresh.connect() as other, fresh.connect() as third:
        assert c.call("put", **ELSEWHERE)["generation"] == 3
        [entry] = c.call("list", after="")["entries"][:1]
        assert {k: entry[k] for k in SOURCE} == SOURCE and entry["fetched"] is False
        assert c.call("hello")["asleep"] == 0, "what was never there does not sleep"
        ok = {"v": 1, "ok": True}
        assert c.call("source-take", name="zai") == {**ok, "cached": True, "wait": False}
        assert c.call("source-take", name="elsewhere") == {**ok, "cached": False, "wait": False, **SOURCE}
        wait = {**ok, "cached": False, "wait": True}
        assert other.call("source-take", name="elsewhere") == wait
        assert other.error("source-put", name="elsewhere", token=value) == "posture"
        # refused once, it is free again
        assert c.error("source-put", name="elsewhere", token=b"two\nlines-of-it") == "bad-value"
        assert c.error("source-put", name="elsewhere", token=value) == "posture"
        assert other.call("source-take", name="elsewhere")["source"] == SOURCE["source"]
        assert c.call("source-take", name="elsewhere") == wait
        assert other.call("source-put", name="elsewhere", token=value) == ok
        assert c.call("source-take", name="elsewhere") == {**ok, "cached": True, "wait": False}
        assert c.call("match", name="elsewhere", token=value)["same"]
        # a change writes the vault, and not this
        assert c.call("rename", name="elsewhere", to="there")["generation"] == 4
        assert c.call("match", name="there", token=value)["same"]
        assert c.call("approve", name="there", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=wc.POLICY)
        assert c.call("match", name="there", token=value)["same"]
        assert c.call("approve", name="there", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=wc.POLICY,
                      **dict(SOURCE, command="/opt/pass show ai/x"))
        assert c.error("match", name="there", token=value) == "no-value"
        # what was begun with another source does not come in
        assert c.call("source-take", name="there")["command"] == "/opt/pass show ai/x"
        assert c.call("approve", name="there", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=wc.POLICY, **SOURCE)
        assert c.call("source-take", name="there")["command"] == SOURCE["command"]
        assert other.call("approve", name="there", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=wc.POLICY,
                          **dict(SOURCE, command="/opt/pass show ai/x"))
        assert c.error("source-put", name="there", token=value) == "changed"
        assert c.error("match", name="there", token=value) == "no-value"
        # who had it ends: the next one gets it
        assert other.call("source-take", name="there")["command"] == "/opt/pass show ai/x"
        assert third.call("source-take", name="there") == wait
        other.close()
        until(lambda: "source" in third.call("source-take", name="there"), what="its turn")
        third.call("source-put", name="there", token=value)
        steps = "arrived", "mark", "hide", "claim"
        assert in_child(lambda: launch(fresh, *steps, entry="there")) == {wc.VARIABLE: value}
        # opened once more it is there still; a lock wipes it
        assert fresh.unlock()["ok"] and c.call("match", name="there", token=value)["same"]
        c.call("lock")
        fresh.unlock()
        assert c.error("match", name="there", token=value) == "no-value"
    assert value not in fresh.vault.read_bytes()
    events = [e["event"] for e in fresh.lines()]
    assert events.count("fetch") == 2


def test_a_source_is_put_with_its_token(fresh):
    fresh.init()
    fresh.call("put", **ELSEWHERE, token=TOKEN.encode())
    assert fresh.call("match", name="elsewhere", token=TOKEN.encode())["same"]
    assert fresh.error("get", name="elsewhere") == "policy", "its manager is who gives it"
    fresh.stop()
    fresh.start()
    fresh.unlock()
    assert fresh.error("match", name="elsewhere", token=TOKEN.encode()) == "no-value", "it was in memory alone"
    # a token in the place of a source, and back
    fresh.put("elsewhere", TOKEN, replace=True)
    assert fresh.get("elsewhere") == TOKEN.encode()
    fresh.call("put", **dict(ELSEWHERE, replace=True))
    assert fresh.error("match", name="elsewhere", token=TOKEN.encode()) == "no-value"


@pytest.mark.parametrize("keep", [True, False])
def test_a_source_that_is_kept(fresh, keep):
    fresh.init()
    policy = wc.POLICY + (" keep=yes" if keep else "")
    fresh.call("put", **dict(ELSEWHERE, policy=policy), token=TOKEN.encode())
    fresh.call("lock", why="suspend")
    with fresh.connect() as c:
        if keep:
            assert c.call("open", **wc.open_fields("elsewhere"))["granted"]
        else:
            assert c.error("open", **wc.open_fields("elsewhere")) == "locked"
    fresh.unlock()
    if keep:
        assert fresh.call("match", name="elsewhere", token=TOKEN.encode())["same"]
    else:
        assert fresh.error("match", name="elsewhere", token=TOKEN.encode()) == "no-value"


def test_the_answer_to_open_names_the_manager_of_the_first_entry(broker):
    broker.call("put", **ELSEWHERE | {"token": TOKEN.encode()})
    item = {n: {"name": n, "variable": v, "origin": wc.ORIGIN}
            for n, v in (("zai", wc.VARIABLE), ("elsewhere", wc.VARIABLE), ("second", "header:x-second"))}
    broker.put("second", TOKEN, variable="header:x-second")

    def told(*names, **more):
        reply = broker.call("open", **wc.open_fields(names[0], entries=[item[n] for n in names], **more))
        return {k: reply[k] for k in ("source", "renewable") if k in reply}
    relay = {"delivery": "relay"}
    assert [told("zai"), told("zai", **relay), told("elsewhere")] == [{}, {}, {"source": "pass"}]
    assert told("elsewhere", "second", **relay) == {"source": "pass", "renewable": True}
    assert told("second", "elsewhere", **relay) == {"renewable": True}
    assert told("zai", "second", **relay) == {}


def test_a_launch_without_a_key_where_there_is_none(fresh):
    ask = {"provider": "p", "entries": [{"name": "zai"}, {"name": "absent"}]}
    assert fresh.call("keyless", **ask)["ok"], "without a vault there is no key"
    fresh.init()
    assert fresh.call("keyless", **ask)["ok"]
    assert [(e["result"], e["provider"]) for e in fresh.lines() if e["event"] == "keyless"] == [("granted", "p")] * 2
    fresh.put("zai", TOKEN)
    assert fresh.error("keyless", **ask) == "policy"
    fresh.call("rm", name="zai")
    assert fresh.call("keyless", **ask)["ok"]
    fresh.call("lock")
    assert fresh.error("keyless", **ask) == "locked", "nobody can tell"


# ---- packets -----------------------------------------------------------

HELLO = request("hello")
KEYS = {f"k{i}": i for i in range(31)}
MALFORMED = {
    "empty": (b"", "malformed"),
    "nil": (b"\xc0", "malformed"),
    "text": (b"GET / HTTP/1.0\r\n\r\n", "malformed"),
    "array": (msgpack.packb([1, 2]), "malformed"),
    "cut": (HELLO[:-1], "malformed"),
    "cut-in-map": (b"\x82\xa1v\x01", "malformed"),
    "cut-in-length": (b"\x81\xa1v\xc6\xff", "malformed"),
    "map32": (bytes.fromhex("df07ffffff"), "too-large"),
    "map16": (bytes.fromhex("deffff"), "too-large"),
    "many-keys": (pack(v=1, op="hello", **KEYS), "too-large"),
    "bin32": (b"\x81\xa1v\xc6\xff\xff\xff\xff", "malformed"),
    "str32": (b"\x81\xa1v\xdb\xff\xff\xff\xff", "malformed"),
    "str32-key": (b"\x81\xdb\xff\xff\xff\xff", "malformed"),
    "array32": (b"\x81\xa1v\xdd\xff\xff\xff\xff", "malformed"),
    "array16": (b"\x81\xa1v\xdc\xff\xff\x01", "malformed"),
    "map32-inside": (b"\x81\xa1v\x91\xdf\xff\xff\xff\xff", "too-large"),
    "deep": (request("hello", x=[{"y": [[1]]}]), "too-large"),
    "very-deep": (b"\x81\xa1x" + b"\x91" * 60000 + b"\x01", "too-large"),
    "key-twice": (b"\x83\xa1v\x01\xa1v\x01\xa2op\xa5hello", "duplicate-key"),
    "key-twice-inside": (b"\x83\xa1v\x01\xa2op\xa5hello\xa1x\x82\xa1y\x01\xa1y\x02",
                         "duplicate-key"),
    "key-twice-other-form": (b"\x82\xa1v\x01\xd9\x01v\x01", "duplicate-key"),
    "byte-after": (HELLO + b"\0", "trailing-bytes"),
    "map-after": (HELLO * 2, "trailing-bytes"),
    "fixext": (b"\x81\xa1v\xd4\x01\x02", "malformed"),
    "ext8": (b"\x81\xa1v\xc7\x01\x05x", "malformed"),
    "timestamp": (b"\x81\xa1v\xd6\xff\0\0\0\0", "malformed"),
    "never-used": (b"\x81\xa1v\xc1", "malformed"),
    "key-number": (msgpack.packb({1: 2}), "wrong-type"),
    "key-bin": (msgpack.packb({b"v": 1}, use_bin_type=True), "wrong-type"),
    "v-missing": (pack(op="hello"), "wrong-type"),
    "v-text": (pack(v="1", op="hello"), "wrong-type"),
    "v-float": (pack(v=1.0, op="hello"), "wrong-type"),
    "v-negative": (pack(v=-1, op="hello"), "wrong-type"),
    "v-0": (pack(v=0, op="hello"), "newer"),
    "v-2": (pack(v=2, op="hello"), "newer"),
    "op-missing": (pack(v=1), "wrong-type"),
    "op-number": (pack(v=1, op=7), "wrong-type"),
    "op-bin": (pack(v=1, op=b"hello"), "wrong-type"),
    "op-long": (pack(v=1, op="o" * 32), "too-large"),
    "64KiB+1": (pack(v=1, op="hello", x=b"x" * 65515).ljust(65537, b"x"), "too-large"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_ends_that_connection_alone(shared, case):
    packet, error = MALFORMED[case]
    with shared.connect() as other, shared.connect() as c:
        other.call("hello")
        # What follows at once does not cost it the answer.
        reply = c.raw(packet)
        assert not reply["ok"] and reply["error"] == error, reply
        assert c.closed()
        assert other.call("hello")


def test_the_answer_to_a_bad_packet_survives_what_was_sent_after_it(shared):
    with shared.connect() as c:
        for packet in (b"\xc0", HELLO, HELLO, HELLO):
            try:
                c.send(packet)
            except Closed:
                break
        assert wc.unpack(c.recv())["error"] == "malformed"
        assert c.closed()


@pytest.mark.parametrize("packet", [
    request("hello", unknown=[{"key": [1, -1, 1.5, None, True, b"\xff"]}]),
    b"\xdf\0\0\0\x02\xdb\0\0\0\x01v\xcf\0\0\0\0\0\0\0\x01\xda\0\x02op\xd9\x05hello",
    b"\x82\xa1v\xd3\0\0\0\0\0\0\0\x01\xa2op\xa5hello",
    b"\x83\xa1v\x01\xa2op\xa5hello\xa1x\xa2\xff\xfe",
    pack(v=1, op="hello", **dict(list(KEYS.items())[:30])),
    pack(v=1, op="hello", x=b"x" * (65536 - len(pack(v=1, op="hello", x=b"")) - 1)),
], ids=["unknown-keys", "long-forms", "signed-form", "not-utf-8", "32-keys", "64KiB"])
def test_well_formed(shared, packet):
    with shared.connect() as c:
        assert c.raw(packet)["ok"]
        assert c.call("hello")


@pytest.mark.parametrize("packet", [
    b"CCR1", wc.fixed(wc.ARRIVED)[:-1], wc.fixed(wc.ARRIVED) + b"x", wc.fixed(wc.ARRIVED, b"x"),
    wc.fixed(9), wc.fixed(wc.OK, b"\0\0"), b"CCR1\x01\0\0\x01\0\0\0\0",
    b"CCR1\x01\0\0\0\xff\xff\xff\xff",
])
def test_malformed_fixed_messages(shared, packet):
    with shared.connect() as c:
        c.send(packet)
        with pytest.raises(Refused, match="malformed"):
            wc.read_fixed(c.recv())
        assert c.closed()


# ---- who is asking -----------------------------------------------------

@pytest.mark.parametrize("packet", [HELLO, request("get", name="zai"), wc.fixed(wc.ARRIVED)])
def test_only_the_process_that_connected_speaks(shared, packet):
    with shared.connect() as c:
        c.call("hello")
        assert in_child(c.raw, packet)["error"] == "peer"
        assert c.closed()
    # not the last line: a session of another test may just have ended
    assert [e["result"] for e in shared.lines() if e["event"] == "message"][-1] == "peer"


def test_a_stranger_does_not_end_a_session(shared):
    def session():
        with shared.connect() as c:
            c.open()
            assert in_child(c.raw, HELLO)["error"] == "peer"
            mark()
            c.arrived()
            undumpable()
            return c.claim()
    assert in_child(session) == {wc.VARIABLE: TOKEN.encode()}


def test_a_connector_that_died_is_gone(shared):
    """Its child inherits the socket, and nothing else."""
    r, w = os.pipe()

    def connect_and_leave():
        c = shared.connect()
        if os.fork() == 0:
            time.sleep(0.3)
            os.write(w, c.raw(HELLO)["error"].encode())
            os._exit(0)
    in_child(connect_and_leave)
    os.close(w)
    assert os.read(r, 100) == b"peer"
    os.close(r)


def test_marked_processes_get_nothing(shared):
    def ask():
        mark()
        with shared.connect(person=None) as c:
            assert c.call("hello")["state"] == "unlocked" and c.call("status")
            asked = [(op, fields) for op, fields, _ in ERRORS if op not in ("no-such-op", "pipe")]
            asked += [("lock", {}), ("slots", {}), ("list", {"after": ""}),
                      ("get", {"name": "zai"}), ("open", wc.open_fields("zai"))]
            good = ("init", "put", "get", "rm", "rename", "approve", "unlock", "list", "slots",
                    "lock")
            return {op: c.error(op, **fields) for op, fields in asked
                    if op in good or fields == wc.open_fields("zai")
                    or fields == wc.open_fields("absent")}
    answers = in_child(ask)
    assert len(answers) == 11 and set(answers.values()) == {"marked"}, answers
    assert shared.call("hello")["state"] == "unlocked"
    refused = [e["event"] for e in shared.lines() if e["result"] == "marked"]
    assert set(refused) == set(answers)


def test_marked_and_locked_learns_nothing_more(broker):
    broker.call("lock")

    def ask():
        mark()
        return [broker.error("open", **wc.open_fields()), broker.error("pipe")]
    assert in_child(ask) == ["marked", "marked"]


def test_nested_is_allowed_entry_by_entry(shared):
    def nested():
        mark()
        with shared.connect() as c:
            c.open("nested")
            c.arrived()
            undumpable()
            return c.claim()
    assert in_child(nested) == {wc.VARIABLE: TOKEN.encode()}


def test_another_user_namespace(shared):
    def elsewhere():
        if wc.libc.unshare(CLONE_NEWUSER) != 0:
            return "none"
        return shared.error("open", **wc.open_fields())
    answer = in_child(elsewhere)
    if answer == "none":
        pytest.skip("no user namespaces here")
    assert answer == "posture"


# ---- sessions ----------------------------------------------------------

RELEASED = [
    ("preload", "zai", ("mark", "arrived", "hide", "claim")),
    ("preload", "zai", ("arrived", "mark", "hide", "claim")),
    ("preload", "loose", ("mark", "arrived", "hide", "claim")),
    ("preload", "tight", ("mark", "arrived", "hide", "claim")),
    ("preload", "strict", ("mark", "arrived", "hide", "claim")),
    ("env", "loose", ("mark", "hide", "claim")),
    # an exec that was announced: the next image is dumpable when it arrives
    ("preload", "zai", ("mark", "arrived", "hide", "claim", "again", "show", "arrived", "hide",
                        "claim")),
]


@pytest.mark.parametrize("delivery,entry,steps", RELEASED)
def test_released(shared, delivery, entry, steps):
    got = in_child(lambda: launch(shared, *steps, entry=entry, delivery=delivery, roots=""))
    assert got == {wc.VARIABLE: TOKEN.encode()}
    event = [e for e in shared.lines() if e["event"] in ("release", "open")][-2:]
    assert [e["event"] for e in event] == ["open", "release"] or steps.count("claim") == 2
    assert event[-1]["entries"] == entry and event[-1]["result"] == "granted"


CLAIMS_REFUSED = [
    ("does not bear the session's mark", "preload", ("arrived", "hide", "claim")),
    ("dumpable", "preload", ("mark", "arrived", "claim")),
    ("nothing to claim", "preload", ("mark", "hide", "claim")),
    ("nothing to claim", "pipe", ("mark", "hide", "claim")),
    ("nothing to claim", "relay", ("mark", "hide", "claim")),
    ("traced", "preload", ("mark", "arrived", "hide", "traceme", "claim")),
    ("claimed already", "preload", ("mark", "arrived", "hide", "claim", "claim")),
    ("nothing to claim", "preload", ("mark", "arrived", "hide", "claim", "again", "claim")),
    ("not sent by the process", "preload", ("mark", "arrived", "hide", "other claims")),
    ("a socket to answer on", "preload", ("mark", "arrived", "hide", "stream")),
    ("a socket to answer on", "preload", ("mark", "arrived", "hide", "dgram")),
    ("cannot see what", "preload", ("mark", "hide", "arrived")),
    ("not opened for a preloaded", "pipe", ("mark", "arrived")),
    ("not opened for a preloaded", "relay", ("mark", "arrived")),
    ("not opened for a preloaded", "preload", ("arrived", "arrived")),
    ("no live session", "preload", ("again",)),
    ("no live session", "preload", ("mark", "arrived", "hide", "again")),
]


@pytest.mark.parametrize("why,delivery,steps", CLAIMS_REFUSED)
def test_claim_refused(shared, why, delivery, steps):
    before = shared.call("status")["releases"]
    with pytest.raises((Refused, AssertionError), match=why):
        in_child(lambda: launch(shared, *steps, delivery=delivery))
    assert shared.call("status")["releases"] == before + (steps.count("claim") == 2)
    assert any(why in e.get("why", "") for e in shared.lines()[-3:])


NOT_CONFINED = [(steps, delivery, entry, confine)
                for steps in (("mark alone",), ("no privileges", "mark alone"))
                for delivery, entry, confine in (("preload", "zai", None), ("preload", "zai", "auto"), ("preload", "zai", "on"),
                                                 ("preload", "bound", "on"), ("env", "free", "auto"), ("env", "bound", "on"),
                                                 ("pipe", "loose", "auto"), ("pipe", "bound", "on"))]


@pytest.mark.parametrize("steps,delivery,entry,confine", NOT_CONFINED)
def test_a_process_that_only_says_it_is_confined(shared, steps, delivery, entry, confine):
    """The kernel is asked: what it shows of a filter and of new privileges."""
    ask = {"preload": ("arrived", "hide", "claim"), "env": ("hide", "claim"), "pipe": ("pipe",)}[delivery]
    told = {"confine": confine} if confine else {}
    with pytest.raises(Refused) as e:
        in_child(lambda: launch(shared, *steps, *ask, entry=entry, delivery=delivery, **told))
    assert "is not confined" in e.value.message and "start it with ccrun" in e.value.hint
    assert any("is not confined" in e.get("why", "") and e["result"] == "posture" for e in shared.lines()[-3:])
    got = in_child(lambda: launch(shared, "mark", *ask, entry=entry, delivery=delivery, **told))
    assert got == ({"v": 1, "ok": True} if delivery == "pipe" else {wc.VARIABLE: TOKEN.encode()})


def test_one_that_was_sealed_unconfined_is_not_asked(shared):
    got = in_child(lambda: launch(shared, "mark alone", "hide", "claim", entry="free", delivery="env", confine="off"))
    assert got == {wc.VARIABLE: TOKEN.encode()}
    with pytest.raises(Refused, match="was sealed with confine = auto"):
        in_child(lambda: launch(shared, "mark alone", "hide", "claim", delivery="env", entry="loose", confine="off"))


def test_locked_between_open_and_claim(broker):
    with pytest.raises(Refused, match="vault is locked"):
        in_child(lambda: launch(broker, "lock", "mark", "arrived", "hide", "claim"))
    broker.unlock()
    with pytest.raises(Refused) as e:
        in_child(lambda: launch(broker, "lock", "mark", "pipe", delivery="pipe"))
    assert e.value.error == "locked"
    broker.unlock()
    with pytest.raises(Refused, match="there is no key"):
        in_child(lambda: launch(broker, "rm", "mark", "arrived", "hide", "claim"))


CHANGED = {
    "origin": ({"origin": "bearer https://other.test"}, "preload", "was sealed for"),
    "variable": ({"variable": "ANTHROPIC_FOUNDRY_API_KEY"}, "preload", "was sealed to be sent as"),
    "delivery": ({"policy": "delivery=preload nested=deny strict=no exposed=no"}, "env", "may be delivered by"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_is_sealed_counts_at_the_claim(broker, what):
    """A key that got another endpoint or a tighter policy after `open` is not
    given to what was opened for the old one."""
    change, delivery, why = CHANGED[what]
    token = broker.get("zai")
    loose = "delivery=env nested=deny strict=no exposed=no"
    broker.put("zai", token, policy=loose, replace=True)
    steps = ("mark", "hide", "claim") if delivery == "env" else ("mark", "arrived", "hide", "claim")
    with pytest.raises(Refused, match=why):
        in_child(lambda: launch(broker, lambda: broker.put("zai", "another-token-for-b", replace=True, **change),
                                *steps, delivery=delivery))
    broker.put("zai", token, replace=True)


@pytest.mark.parametrize("delivery,steps", [("preload", ("mark", "arrived", "hide", "claim")),
                                            ("pipe", ("mark", "pipe")), ("relay", ())])
def test_a_key_of_no_provider_is_asked_for_by_its_word(broker, delivery, steps):
    """As `ccctl add --key` seals it: who says the word that it is sealed for gets nothing."""
    broker.put("spare", TOKEN, origin="unbound")
    with pytest.raises(Refused, match="belongs to no provider yet") as e:
        in_child(lambda: launch(broker, *steps, delivery=delivery, entry="spare", origin="unbound"))
    assert e.value.error == "origin" and "ccctl approve spare" in e.value.hint
    # Sealed for a provider it is one's key.
    broker.call("approve", name="spare", origin=wc.ORIGIN, variable=wc.VARIABLE, policy=wc.POLICY)
    assert in_child(lambda: launch(broker, "mark", "arrived", "hide", "claim", entry="spare"))


def test_a_second_again_after_an_exec_that_failed(broker):
    names = in_child(lambda: launch(broker, "mark", "arrived", "hide", "claim", "again", "again",
                                    "show", "arrived", "hide", "claim"))
    assert names
    ends = [e for e in broker.lines() if e["event"] == "end"]
    assert not ends or "why" not in ends[-1]


def test_a_claim_brings_every_byte(broker):
    every = bytes(range(0x21, 0x7f))
    long = (every * 200)[:wc.TOKEN_MAX]
    values = {"AWS_ACCESS_KEY_ID": b"12345678", "AWS_SECRET_ACCESS_KEY": every,
              "AWS_SESSION_TOKEN": long}
    entries = []
    for i, (variable, value) in enumerate(values.items()):
        broker.put(f"k{i}", value, "exposed=yes", variable=variable)
        assert broker.get(f"k{i}") == value
        entries.append({"name": f"k{i}", "variable": variable, "origin": wc.ORIGIN})
    assert in_child(lambda: launch(broker, "mark", "arrived", "hide", "claim",
                                   entries=entries)) == values
    assert broker.lines()[-1]["event"] in ("release", "end")


def test_keys_that_are_headers_come_in_one_variable(broker):
    """A line each, and behind an empty one what the files add that is no secret."""
    lines = b"header:x-plain=one\nSOME=thing\nheader:x-other=two\n"
    sealed = "exposed=yes env=" + hashlib.blake2b(lines, digest_size=32).hexdigest()[:32]
    carriers = {"first": "header:x-first", "plain": wc.VARIABLE, "second": "header:x-second:Token"}
    entries = [{"name": n, "variable": v, "origin": wc.ORIGIN} for n, v in carriers.items()]

    def claimed(before=lambda: None, **more):
        return in_child(lambda: launch(broker, before, "mark", "arrived", "hide", "claim", entries=entries, **more))
    for name, variable in carriers.items():
        broker.put(name, name + "-token-1", "exposed=yes", variable=variable)
    keys = b"x-first: first-token-1\nx-second: Token second-token-1"
    plain = {wc.VARIABLE: b"plain-token-1"}
    assert claimed() == plain | {"ANTHROPIC_CUSTOM_HEADERS": keys}
    for name, variable in carriers.items():
        broker.call("approve", name=name, origin=wc.ORIGIN, variable=variable, policy=sealed)
    assert claimed(env=lines) == plain | {"ANTHROPIC_CUSTOM_HEADERS": keys + b"\n\nx-plain: one\nx-other: two"}
    # One of them is gone by then: nothing comes.
    with pytest.raises(Refused, match="no key"):
        claimed(lambda: broker.call("rm", name="second"), env=lines)
    # As long as the client takes, and by a byte longer.
    around = len("x-first: \nx-second: Token ") + len(keys[len("x-first: "):].partition(b"\n")[0])
    around += len("\n\nx-plain: one\nx-other: two")
    broker.put("second", "s" * (wc.TOKEN_MAX - around), sealed, variable=carriers["second"])
    assert len(claimed(env=lines)["ANTHROPIC_CUSTOM_HEADERS"]) == wc.TOKEN_MAX
    broker.put("second", "s" * (wc.TOKEN_MAX - around + 1), sealed, variable=carriers["second"], replace=True)
    with pytest.raises(Refused, match=f"the headers have {wc.TOKEN_MAX + 1} bytes"):
        claimed(env=lines)


def test_pipe(shared):
    def run():
        with shared.connect() as c:
            c.open(delivery="pipe")
            assert c.error("pipe") == "posture"   # not marked yet
            assert c.fds == []
            mark()
            assert c.call("pipe") == {"v": 1, "ok": True}
            fd, = c.fds
            data = os.read(fd, 1 << 16)
            assert os.read(fd, 1) == b""
            assert os.get_blocking(fd)
            assert c.error("pipe") == "posture"   # once
            assert c.error("open", **wc.open_fields()) == "in-use"
            return data
    assert in_child(run) == TOKEN.encode()


def test_sessions_are_counted_and_end_with_their_process(shared):
    before = shared.call("status")

    def run():
        launch(shared, "mark", "arrived", "hide", "claim")
        with shared.connect() as c:
            return c.call("status")
    in_child(run)
    with shared.connect() as c:
        deadline = time.monotonic() + 5
        while c.call("status")["sessions"] != before["sessions"]:
            assert time.monotonic() < deadline
        assert c.call("status")["releases"] == before["releases"] + 1
    assert [e["event"] for e in shared.lines()[-3:]] == ["open", "release", "end"]


def test_one_that_announced_an_exec_is_no_live_session(broker):
    def run():
        counts = []

        def count():
            counts.append(broker.call("status")["sessions"])
        launch(broker, "mark", "arrived", "hide", "claim", count, "again", count, "again", count)
        return counts
    assert in_child(run) == [1, 0, 0]


def test_what_a_session_is_for_is_on_record(broker):
    broker.call("open", **wc.open_fields("zai"))
    broker.call("open", **wc.open_fields("zai", purpose="a test"))
    assert [e.get("why") for e in broker.lines() if e["event"] == "open"] == [None, "a test"]


def test_a_descriptor_can_be_passed_by_a_session_only(shared):
    """Closing a passed descriptor can block, so nobody else may pass one."""
    def passes(c):
        try:
            c.send(HELLO, [0])
        except PermissionError:
            return False
        return True

    def run():
        with shared.connect() as c:
            before = passes(c)
            if before:
                return "old"
            c.open()
            return passes(c)
    answer = in_child(run)
    if answer == "old":
        pytest.skip("SO_PASSRIGHTS is Linux 6.16")
    assert answer is True


# ---- the page ----------------------------------------------------------

def table_of_requests():
    """{op: (open vault, changes, marked, person, record)} as the page's table has them."""
    rows = re.findall(r"^\| ([a-z, -]+) \| (yes|kept|) ?\| (yes|) ?\| ([^|]*?) ?\| (yes|some|) ?\| ([^|]*?) ?\|$", DOC, re.M)
    return {op: row for ops, *row in rows for op in ops.split(", ") if ops != "op"}


def test_the_table_of_requests_is_the_brokers():
    source = (wc.REPO / "broker/dispatch.c").read_text()
    ops = dict(re.findall(r'\t\{ "([a-z-]+)", op_\w+, ([A-Z_| 0]+) \},', source))
    table = table_of_requests()
    assert set(ops) == set(table) and len(ops) > 25
    for op, flags in ops.items():
        vault, changes, marked, person, record = table[op]
        assert (person == "yes") == ("PERSON" in flags), op
        assert vault == ("kept" if "KEPT" in flags else "yes" if "OPEN_VAULT" in flags else ""), op
        assert changes == ("yes" if "CHANGES" in flags else ""), op
        assert (marked == "no") == ("FROM_SESSIONS" not in flags), op
        assert bool(record) == ("AUDIT_REFUSALS" in flags), op


def test_marked_processes_and_locked_vaults_are_refused_by_the_table(broker):
    table = table_of_requests()
    locked = {op for op, row in table.items() if row[0]}
    refused = {op for op, row in table.items() if row[2] == "no"}
    assert in_child(lambda: [mark(), {op: broker.error(op) for op in refused}][1]) == dict.fromkeys(refused, "marked")
    assert {e["event"] for e in broker.lines() if e["result"] == "marked"} == refused
    broker.call("lock")
    assert {op: broker.error(op) for op in locked} == dict.fromkeys(locked, "locked")
    with Broker() as none:
        assert {op: none.error(op) for op in locked} == dict.fromkeys(locked, "no-vault")
    assert broker.call("hello")["state"] == "locked"


def test_the_page_names_every_error_and_request():
    fail = (wc.REPO / "base/fail.c").read_text()
    for name in re.findall(r'\[FAIL_\w+\] = \{ "([a-z-]+)"', fail):
        assert name == "none" or f"| `{name}` |" in DOC, name
    for op in re.findall(r'\t\{ "([a-z-]+)", op_', (wc.REPO / "broker/dispatch.c").read_text()):
        assert f"\n### {op}\n" in DOC, op


def test_the_pages_dialogue(fresh):
    """What the page's client sends is answered as the page says."""
    block = DOC.split("<!-- dialogue -->")[1]
    messages = re.findall(r"^([CB])(\*?)  ((?:[0-9a-f]{2}[ \n]+)+)", block, re.M)
    assert len(messages) == 14

    def replay():
        c = fresh.connect()
        channel = None
        for who, beside, text in messages:
            packet = bytes.fromhex(text)
            if who == "C":
                if packet == wc.fixed(wc.ARRIVED):
                    mark()
                if packet == wc.fixed(wc.CLAIM):
                    undumpable()
                    channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                    c.send(packet, [theirs.fileno()])
                else:
                    c.send(packet)
                continue
            got = channel.recv(wc.PACKET_MAX) if beside else c.recv()
            if packet.startswith(wc.MAGIC):
                assert got == packet
                continue
            said, is_now = wc.unpack(packet), wc.unpack(got)
            for own in ("session", "vault", "version", "message", "hint"):
                said.pop(own, None)
                is_now.pop(own, None)
            assert said == is_now
    in_child(replay)


# ---- what took long ----------------------------------------------------

def test_a_late_claim_is_refused(shared, slow):
    with pytest.raises((Refused, Closed)):
        slow[0].result(timeout=wc.CLAIM_DEADLINE + 10)
    assert any(e["event"] == "end" and "not claimed" in e.get("why", "") for e in shared.lines())


def test_an_idle_connection_is_closed(slow):
    _, idle, watcher, began = slow
    import msgpack
    last = msgpack.unpackb(idle.recv())
    assert last["ok"] is False and last["error"] == "timeout", "the reason comes before the end"
    assert idle.closed()
    assert wc.IDLE_DEADLINE - 1 < time.monotonic() - began
    assert watcher.call("status")["watched"], "who watches may be silent for ever"
